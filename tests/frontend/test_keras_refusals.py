"""Keras files with one fault each: one error that names it, and nothing of theirs is run or read from elsewhere."""

import io
import json
import sys
import zipfile

import h5py
import numpy as np
import pytest

from bitwright.errors import CompileError
from bitwright.frontend.keras import archive as archives
from bitwright.frontend.loading import load_model
from bitwright.frontend.reader import import_model
from tests.frontend.keras_build import archive, dense, functional, layer, quantized_bits, start, weights
from tests.frontend.test_keras import FILES, FOLDER


def refusal(data, tmp_path, suffix=".keras", read=import_model):
    path = tmp_path / f"net{suffix}"
    path.write_bytes(data)
    with pytest.raises(CompileError) as caught:
        read(path)
    return str(caught.value)


def after(kind, tmp_path, shape=(4, 4, 2), arrays=None, **config):
    """What a layer behind a quantizer is refused with."""
    net = functional([start(*shape), layer("QActivation", "q", "in", activation="quantized_bits(4,1)"),
                      layer(kind, "it", "q", **config)])  # fmt: skip
    return refusal(archive(net, arrays), tmp_path)


# The file.


def test_nothing_and_noise(tmp_path):
    assert refusal(b"", tmp_path).startswith("E045: this is not a Keras model that can be read: it is neither")
    assert refusal(b"GIF89a" * 99, tmp_path, ".h5").startswith("E045")
    assert refusal(archives.HDF5_MAGIC + b"\0" * 500, tmp_path, ".h5").startswith("E045: this is not a Keras model")
    assert refusal(archives.ZIP_MAGIC + b"\0" * 500, tmp_path).startswith("E045")


@pytest.mark.parametrize("name", ["qk_conv.h5", "hgq_conv.keras"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_cut_short(name, share, tmp_path):
    data = (FOLDER / name).read_bytes()
    message = refusal(data[: int(len(data) * share)], tmp_path, "." + name.split(".")[1])
    assert message.startswith(("E045", "E049")) and "hint: " in message


def test_damaged_bytes_never_give_a_traceback(tmp_path, monkeypatch):
    """Nor do they take for ever: libhdf5 does, over some of these."""
    monkeypatch.setattr(archives, "SECONDS", 5)
    rng = np.random.default_rng(0)
    found = set()
    for case in range(40):
        path = FILES[case % len(FILES)]
        data = bytearray(path.read_bytes())
        for _ in range(rng.integers(1, 30)):
            data[rng.integers(len(data))] = rng.integers(256)
        target = tmp_path / f"net{path.suffix}"
        target.write_bytes(bytes(data))
        try:
            import_model(target)
        except CompileError as error:
            found.add(error.code)
    assert "E045" in found


def test_members_that_are_missing_or_odd(tmp_path):
    config, arrays = dense()
    assert "the archive has no config.json" in refusal(archive(config, arrays, **{"config.json": None}), tmp_path)
    assert "the archive has no model.weights.h5" in refusal(archive(config, **{"model.weights.h5": None}), tmp_path)
    assert "E045" in refusal(archive(config, **{"model.weights.h5": b"no"}), tmp_path)
    odd = archive(config, arrays, **{"../../escape": b"x", "/etc/passwd": b"x", "a\nb$(x)": b"x", "assets/v.txt": b"x"})
    path = tmp_path / "odd.keras"
    path.write_bytes(odd)
    assert import_model(path).graph.nodes
    assert not (tmp_path.parent / "escape").exists()


def test_a_configuration_that_is_none(tmp_path):
    for text in (b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 200_000, b'{"a":' * 100_000, b"NaN"):
        assert refusal(archive(text), tmp_path).startswith("E045"), text[:20]
    for config in ({}, {"class_name": "MyModel", "config": {}}, {"class_name": "Functional", "config": {"layers": {}}},
                   {"class_name": "Sequential", "config": {"layers": [1]}}, {"class_name": "Sequential", "config": {"layers": []}},
                   {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense"}]}}):  # fmt: skip
        assert refusal(archive(config), tmp_path).startswith("E045"), config


def test_weights_alone(tmp_path):
    assert "weights alone, without the model" in refusal(weights({"layers/d/vars/0": np.ones(2)}), tmp_path, ".h5")


def test_an_archive_that_grows(tmp_path, monkeypatch):
    _, arrays = dense()
    monkeypatch.setattr(archives, "MAX_CONFIG", 1 << 20)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", b" " * (1 << 24))
        file.writestr("model.weights.h5", weights(arrays))
    assert len(buffer.getvalue()) < 1 << 18
    assert refusal(buffer.getvalue(), tmp_path).startswith("E004: config.json has more than 1,048,576 bytes")


def test_without_h5py(tmp_path, monkeypatch):
    path = tmp_path / "net.keras"
    path.write_bytes(archive(*dense()))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(CompileError) as caught:
        import_model(path)
    assert caught.value.exit_status == 3
    assert (
        str(caught.value)
        == "E390: Keras models are read with h5py, which is not installed\n  hint: pip install 'bitwright[keras]'"
    )


# The arrays.


def one_dataset(make, tmp_path):
    config, arrays = dense()
    return refusal(archive(config, arrays | {"layers/q_dense/vars/0": make}), tmp_path)


def test_arrays_that_lie_elsewhere(tmp_path):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.ones((2, 3), np.float32)
    (tmp_path / "raw").write_bytes(bytes(24))
    link = one_dataset(lambda g, n: g.__setitem__(n, h5py.ExternalLink(str(secret), "/x")), tmp_path)
    assert link.startswith("E045") and "is a link to elsewhere" in link and "at QDense node #2 'd'" in link
    assert "is a link to elsewhere" in one_dataset(lambda g, n: g.__setitem__(n, h5py.SoftLink("/x")), tmp_path)
    raw = [(str(tmp_path / "raw"), 0, 24)]
    assert "lies outside the file" in one_dataset(
        lambda g, n: g.create_dataset(n, (2, 3), "f4", external=raw), tmp_path
    )
    virtual = h5py.VirtualLayout((2, 3), "f4")
    virtual[...] = h5py.VirtualSource(str(secret), "x", shape=(2, 3))
    assert "lies outside the file" in one_dataset(lambda g, n: g.create_virtual_dataset(n, virtual), tmp_path)


def test_arrays_of_a_wrong_kind(tmp_path):
    huge = one_dataset(lambda g, n: g.create_dataset(n, (1 << 20, 1 << 20), "f4", chunks=(64, 64)), tmp_path)
    assert huge.startswith("E004: variable 'layers/q_dense/vars/0' of shape [1048576, 1048576] is too large")
    assert one_dataset(lambda g, n: g.create_dataset(n, data=["a", "b"]), tmp_path).startswith("E016")
    assert one_dataset(np.ones((2, 3), np.complex64), tmp_path).startswith("E016")
    assert one_dataset(np.full((2, 3), np.nan, np.float32), tmp_path).startswith("E009: variable")
    shape = one_dataset(np.ones((3, 3), np.float32), tmp_path)
    assert shape.startswith("E049: the kernel has shape [3, 3]; the layer needs [2, 3]\n  at QDense node #2 'd'")
    assert one_dataset(np.ones((2, 3, 1), np.float32), tmp_path).startswith("E049")
    assert one_dataset(np.ones((0, 3), np.float32), tmp_path).startswith("E049")
    assert one_dataset(lambda g, n: g.create_group(n), tmp_path).startswith(
        "E049: the file has no kernel for this layer"
    )


def test_arrays_that_are_missing(tmp_path):
    config, arrays = dense()
    del arrays["layers/q_dense/vars/1"]
    assert refusal(archive(config, arrays), tmp_path).startswith("E049: the file has no bias for this layer")
    assert refusal(archive(config), tmp_path).startswith("E049: the file has no kernel, bias for this layer")


# The network.


def test_all_layers_that_are_not_supported_are_told_at_once(tmp_path):
    net = functional([start(4, 2), layer("LSTM", "memory", "in", units=3), layer("GRU", "gate", "memory", units=3),
                      layer("GRU", "other", "gate", units=3)])  # fmt: skip
    message = refusal(archive(net), tmp_path)
    assert message.startswith(
        "E046: the model has 2 kinds of layers that are not supported: LSTM ('memory'), GRU ('gate', 'other')"
    )
    assert "at LSTM node #1 'memory'" in message and "hint: replace it by layers" in message


def test_code_in_the_file_is_never_run(tmp_path):
    marker = tmp_path / "ran"
    code = f"__import__('pathlib').Path({str(marker)!r}).touch()"
    message = after("Lambda", tmp_path, function={"class_name": "__lambda__", "config": {"code": "4wAAAA=="}})
    assert message.startswith("E046") and "code in a model file is never run" in message
    for text in (code, f"quantized_bits({code})", f"quantized_bits(8,0,alpha={code})", f"quantized_relu(*{code})", "lambda x: x",
                 "quantized_bits(8" + "(" * 5000, "(" * 100_000, "quantized_bits(1,2,3,4,5,6,7,8,9,10,11)", "a.b", "1", ""):  # fmt: skip
        assert after("QActivation", tmp_path, activation=text).startswith(("E048", "E047")), text[:40]
    assert not marker.exists()
    assert after("Activation", tmp_path, activation={"class_name": "__lambda__", "config": {}}).startswith("E048")


def test_connections(tmp_path):
    x = start(2)
    cycle = functional([x, layer("Add", "a", "in", "b"), layer("ReLU", "b", "a")])
    assert refusal(archive(cycle), tmp_path).startswith("E008: the model has a cycle through this layer")
    assert refusal(archive(functional([x, layer("ReLU", "b", "ghost")])), tmp_path).startswith(
        "E007: layer 'ghost' is used"
    )
    assert refusal(archive(functional([x, layer("ReLU", "b", "in"), layer("ReLU", "b", "in")])), tmp_path).startswith(
        "E006"
    )
    two = functional([x, start(2, name="more"), layer("Add", "a", "in", "more")], inputs=("in", "more"))
    assert refusal(archive(two), tmp_path).startswith("E014: the model has 2 inputs ('in', 'more')")
    assert refusal(archive(functional([x, layer("ReLU", "b")])), tmp_path).startswith("E045: the layer has no operands")
    named = layer("ReLU", "b", "in")
    named["inbound_nodes"][0]["kwargs"] = {"mask": [1]}
    assert refusal(archive(functional([x, named])), tmp_path).startswith("E047: the layer is called with 'mask'")
    for nodes in ({}, [5], "x", [["in"]], [[["in", 0]]], [{"args": 5}]):
        named["inbound_nodes"] = nodes
        assert refusal(archive(functional([x, named])), tmp_path)[:4] in ("E045", "E047"), nodes


def test_models_inside_of_the_model(tmp_path):
    def model(*middle):
        """The configuration of a model from `a` through those layers."""
        config = functional([start(2, name="a"), *middle], inputs=("a",))["config"]
        return {key: value for key, value in config.items() if key != "name"}

    def inside(config, operands=("in",)):
        more = start(2, name="more") if "more" in operands else layer("ReLU", "more", "in")
        return refusal(
            archive(functional([start(2), more, layer("Functional", "part", *operands, **config)])), tmp_path
        )

    empty = functional([start(2), layer("Sequential", "part", "in", layers=[])])
    assert refusal(archive(empty), tmp_path).startswith("E045: the model has no layers")
    assert inside({"layers": []}).startswith("E014: the model has 0 inputs")
    one = model(layer("ReLU", "b", "a"))
    assert "has 2 operands; it must have one" in inside(one, ("in", "more"))
    assert "Mystery ('part/b')" in inside(model(layer("Mystery", "b", "a")))
    deep = one
    for _ in range(30):
        deep = model(layer("Functional", "b", "a", **deep))
    assert inside(deep).startswith("E004: the model has too many models inside each other")
    wide = one
    for _ in range(18):
        twice = layer("Functional", "b", "a", **wide)
        twice["inbound_nodes"] += layer("ReLU", "", "b")["inbound_nodes"]
        wide = model(twice) | {"output_layers": [["b", 1, 0]]}
    assert inside(wide).startswith("E004: a model of more than 100,000 layers")


def test_inputs(tmp_path):
    for shape in ([None, None, 3], [None, 0], [None, -2], [None, "x"], [], None, 5):
        first = layer("InputLayer", "in", batch_shape=shape)
        assert refusal(archive(functional([first, layer("ReLU", "r", "in")])), tmp_path).startswith("E010"), shape
    many = layer("InputLayer", "in", batch_shape=[None, 1 << 40])
    assert refusal(archive(functional([many, layer("ReLU", "r", "in")])), tmp_path)[:4] in ("E004", "E010")
    whole = layer("InputLayer", "in", batch_shape=[None, 3], dtype="int32")
    assert refusal(archive(functional([whole, layer("ReLU", "r", "in")])), tmp_path).startswith("E016")


# Layers.

CONV = {"layers/q_conv2d/vars/0": np.ones((3, 3, 2, 4), np.float32), "layers/q_conv2d/vars/1": np.zeros(4, np.float32)}
PLAIN = {"filters": 4, "kernel_size": [3, 3], "kernel_quantizer": quantized_bits(alpha=1.0)}


@pytest.mark.parametrize("kind, config, code", [
    ("QConv2D", PLAIN | {"padding": "round"}, "E047: padding is 'round'"),
    ("QConv2D", PLAIN | {"strides": [0, 1]}, "E047: strides"),
    ("QConv2D", PLAIN | {"strides": 2.5}, "E047: strides"),
    ("QConv2D", PLAIN | {"groups": 2}, "E049: a kernel of shape [3, 3, 2, 4] in 2 groups"),
    ("QConv2D", PLAIN | {"filters": 5}, "E049: the kernel has shape [3, 3, 2, 4]; the layer needs [3, 3, 2, 5]"),
    ("QConv2D", PLAIN | {"kernel_size": [5, 5]}, "E049"),
    ("QConv2D", PLAIN | {"dilation_rate": 9}, "E011: a kernel of [3, 3] does not fit into [4, 4]"),
    ("QConv2D", PLAIN | {"activation": "mystery"}, "E047: the activation 'mystery' is not supported"),
    ("MaxPooling2D", {"pool_size": [9, 9]}, "E011"),
    ("MaxPooling2D", {"pool_size": []}, "E047: pool_size"),
    ("MaxPooling1D", {"pool_size": 2}, "E011: a tensor of shape [4, 4, 2] has not 1 spatial axes"),
    ("Reshape", {"target_shape": [5, -1]}, "E011"),
    ("Reshape", {"target_shape": [1 << 62, 1 << 62]}, "E011"),
    ("Reshape", {}, "E047: target_shape is 'None'"),
    ("Permute", {"dims": [1, 1, 2]}, "E047: dims"),
    ("ZeroPadding2D", {"padding": [[1, 2], [3]]}, "E047: padding"),
    ("ZeroPadding2D", {"padding": 60000}, "E004: the layer makes"),
    ("Cropping2D", {"cropping": 2}, "E010: the layer makes a tensor of shape [0, 0, 2]"),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 1, "output_padding": 1}, "E049"),
    ("UpSampling2D", {"size": 2, "interpolation": "bicubic"}, "E047: interpolation is 'bicubic'"),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 1, "output_padding": 1}, "E049"),
    ("UpSampling2D", {"size": 1 << 20}, "E004"),
    ("Concatenate", {"axis": 9}, "E047: axis"),
    ("Add", {}, "E047: the layer has 1 operands"),
    ("ReLU", {"threshold": 1.0}, "E047: threshold"),
    ("TimeDistributed", {"layer": {"class_name": "LSTM", "config": {}}}, "E047: TimeDistributed of 'LSTM'"),
    ("Softmax", {"axis": 0}, "E047: axis"),
])  # fmt: skip
def test_forms_of_layers(kind, config, code, tmp_path):
    message = after(kind, tmp_path, arrays=CONV, **config)
    assert message.startswith(code), message
    assert f"at {kind} node #2 'it'" in message


# Quantizers.


@pytest.mark.parametrize("text, code", [
    ("bernoulli()", "E048: bernoulli is not supported: its results are random"),
    ("stochastic_ternary()", "E048"), ("stochastic_binary()", "E048"), ("quantized_ulaw(4)", "E048: quantized_ulaw is not supported"),
    ("quantized_bits(8,0,alpha='auto')", "E048: quantized_bits of a tensor with alpha 'auto' changes its scale with every input"),
    ("quantized_po2(4)", "E048: quantized_po2 of a tensor is not supported"), ("quantized_relu_po2(4)", "E048"),
    ("quantized_bits(-3)", "E048: bits of quantized_bits is -3; it must be a whole number from 1 to 32"),
    ("quantized_bits(10**9)", "E048"), ("quantized_bits(4.5)", "E048"), ("quantized_bits(4, 1000)", "E048"), ("quantized_bits('a')", "E048"),
    ("quantized_relu(4,0,negative_slope=0.3)", "E048: quantized_relu of 4 bits with negative_slope 0.3"),
    ("quantized_relu(4,0,1,0.5)", "E048"), ("quantized_bits(4,0,alpha=[1,2,3])", "E011: alpha of shape [3]"),
    ("quantized_bits(4,0,alpha='best')", "E048: alpha of quantized_bits is 'best'"), ("ternary(threshold=-1.0)", "E026"),
    ("quantized_hswish(4, relu_shift=2)", "E048"), ("no_such_thing(4)", "E047: the activation 'no_such_thing'"),
])  # fmt: skip
def test_quantizers_of_tensors(text, code, tmp_path):
    message = after("QActivation", tmp_path, activation=text)
    assert message.startswith(code), message
    assert "at QActivation node #2 'it'" in message


@pytest.mark.parametrize("quantizer, code", [
    ({"class_name": "bernoulli", "config": {}}, "E048: bernoulli is not supported"),
    ({"class_name": "Mine", "config": {}}, "E048: 'Mine' is no quantizer that is known"),
    ("hard_sigmoid", "E048: 'hard_sigmoid' is no quantizer of weights"), (7, "E048"), ([1], "E048"),
    (quantized_bits(bits=1, alpha="auto"), "E048"), (quantized_bits(bits=0), "E048"), (quantized_bits(qnoise_factor=0.5), "E048"),
    (quantized_bits(alpha={"class_name": "__numpy__", "config": {"value": [[1, 2]]}}), "E011: alpha of shape [1, 2]"),
    (quantized_bits(alpha={"class_name": "__numpy__", "config": {"value": "x"}}), "E048"),
    ({"class_name": "quantized_relu", "config": {}}, "E048: quantized_relu is not supported on weights"),
    ({"class_name": "quantized_po2", "config": {"bits": 1}}, "E048"),
])  # fmt: skip
def test_quantizers_of_weights(quantizer, code, tmp_path):
    message = refusal(archive(*dense(quantizer=quantizer)), tmp_path)
    assert message.startswith(code), message


def hgq(k=1, i=2, f=3, **more):
    conf = {"config": {"q_type": "kif", "round_mode": "RND", "overflow_mode": "WRAP", "is_weight": False} | more}
    net = functional([start(4), layer("Quantizer", "q", "in", config=conf)])
    return archive(net, {f"layers/quantizer/quantizer/vars/{n}": np.full((1, 1), v) for n, v in enumerate((f, k, i))})


def test_formats(tmp_path):
    path = tmp_path / "good.keras"
    path.write_bytes(hgq())
    assert import_model(path).boundary["input"]["code"] == {"lo": -32, "hi": 31, "width": 6, "signed": True}
    for data, code in (
        (hgq(f=1e30), "E027"), (hgq(f=40), "E027: a quantizer with 43 bits"), (hgq(k=3), "E027"), (hgq(f=-999.0), "E027"),
        (hgq(overflow_mode="WRAP_SM"), "E048: rounding 'RND' with overflow 'WRAP_SM'"), (hgq(round_mode="?"), "E048"),
        (hgq(q_type="float"), "E048: a quantizer of type 'float'"), (hgq(scaler=-1.0), "E026"), (hgq(affine=["a", 1]), "E048"),
    ):  # fmt: skip
        message = refusal(data, tmp_path)
        assert message.startswith(code) and "at Quantizer node #1 'q'" in message, message


def test_names_of_any_content(tmp_path):
    for name in ("a'b\"c", "$(touch x)", "x\ny\0z", "../..", "ü" * 5000, "module", "{{ 7 }}", " "):
        net = functional([start(2), layer("QActivation", name, "in", activation="quantized_bits(4,1)")])
        path = tmp_path / "net.keras"
        path.write_bytes(archive(net))
        assert import_model(path).boundary["output"]["name"] == name


def test_a_sequential_model_without_an_input_layer_says_its_shape(tmp_path):
    first = {
        "class_name": "QActivation",
        "config": {"name": "q", "activation": "quantized_bits(4,1)", "batch_input_shape": [None, 5]},
    }
    path = tmp_path / "net.keras"
    path.write_bytes(archive({"class_name": "Sequential", "config": {"layers": [first]}}))
    assert load_model(path).inputs[0].shape == (None, 5)
    del first["config"]["batch_input_shape"]
    config = json.dumps({"class_name": "Sequential", "config": {"layers": [first]}})
    assert "begin a Sequential model with keras.Input(shape)" in refusal(archive(config), tmp_path)
