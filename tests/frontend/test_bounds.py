"""Files of a few kilobytes that ask for terabytes, or for years: refused at once, in little memory."""

import subprocess
import sys
import time

import numpy as np
import pytest
from onnx import TensorProto

from bitwright.errors import CompileError
from bitwright.frontend.reader import import_model, load
from tests.frontend.onnx_build import Net

HUGE = 1_000_000


def typed(shape=(1, 8), opset=13):
    return Net(list(shape), TensorProto.INT8, opset, name="q")


def real(net):
    return net.node("DequantizeLinear", net.input, net.const(0.5))


def claims(dims):
    net = typed()
    model = net.model(net.node("MatMul", real(net), net.const(np.eye(8))))
    model.graph.initializer[-1].dims[:] = dims
    return model.SerializeToString()


def expanded():
    net = typed()
    wide = net.node("Expand", net.const(1.0), net.const([HUGE, HUGE], np.int64))
    return net.bytes(net.node("Add", real(net), wide))


def tiled():
    net = typed()
    wide = net.node("Tile", net.const([1.0, 2.0]), net.const([HUGE * HUGE], np.int64))
    return net.bytes(net.node("Add", real(net), wide))


def ranged():
    net = typed()
    wide = net.node("Range", net.const(0.0), net.const(1e12), net.const(1.0))
    return net.bytes(net.node("Add", real(net), wide))


def outer(op):
    net = typed()
    a, b = net.const(np.ones((HUGE, 1))), net.const(np.ones((1, HUGE)))
    return net.bytes(net.node("Add", real(net), net.node(op, a, b)))


def doubled():
    net = typed()
    x = net.const(np.ones(1 << 10))
    for _ in range(40):
        x = net.node("Concat", x, x, axis=0)
    return net.bytes(net.node("Add", real(net), x))


def many():
    """Each is within the limit, all together are not."""
    net = typed()
    x = real(net)
    for i in range(40):
        c = net.node("ConstantOfShape", net.const([1 << 22], np.int64))
        x = net.node("Add", x, net.node("ReduceMax", net.node("Add", c, net.const(float(i))), axes=[0]))
    return net.bytes(x)


def gathered():
    net = typed()
    x = net.node("Gather", net.const(np.ones((2, 1 << 16))), net.const(np.zeros(1 << 16), np.int64))
    return net.bytes(net.node("Add", real(net), x))


def padded():
    net = typed((1, 2, 8, 8))
    return net.bytes(net.node("Pad", real(net), net.const([0, 0, HUGE, HUGE] * 2, np.int64)))


def reflected():
    net = typed((1, 1 << 20))
    return net.bytes(net.node("Pad", real(net), net.const([0, 3, 0, 3], np.int64), mode="reflect"))


def resized():
    net = typed((1, 2, 8, 8))
    return net.bytes(net.node("Resize", real(net), "", net.const([1.0, 1, HUGE, HUGE])))


def chosen():
    net = typed((1, 1 << 20))
    return net.bytes(net.node("Gather", real(net), net.const(np.arange(1 << 20)[::-1], np.int64), axis=1))


def windows():
    net = typed((1, 8, 512, 512))
    return net.bytes(net.node("Conv", real(net), net.const(np.ones((1, 8, 64, 64))), pads=[65535] * 4))


def pooled():
    net = typed((1, 2, 8, 8))
    return net.bytes(net.node("MaxPool", real(net), kernel_shape=[65535, 65535], pads=[65534] * 4))


def grouped():
    net = typed((1, 1 << 14, 1, 1))
    return net.bytes(net.node("Conv", real(net), net.const(np.ones((1 << 14, 2, 1, 1))), group=1 << 13))


def reshaped():
    net = typed()
    return net.bytes(net.node("Reshape", real(net), net.const([1, HUGE, HUGE], np.int64)))


def summed():
    net = typed((1, 4096, 1, 1))
    x = real(net)
    y = net.node("Transpose", net.node("DequantizeLinear", net.input, net.const(0.25)), perm=[0, 2, 3, 1])
    return net.bytes(net.node("Add", net.node("Add", x, net.node("Resize", y, "", net.const([1.0, 4096, 4096, 1]))), x))


BOMBS = {
    "claims": lambda: claims([HUGE, HUGE]), "claims zero": lambda: claims([0, 1 << 62]), "claims axes": lambda: claims([1] * 5000),
    "expand": expanded, "tile": tiled, "range": ranged, "add": lambda: outer("Add"), "matmul": lambda: outer("MatMul"),
    "concat": doubled, "all together": many, "gather constants": gathered, "pad": padded, "reflect": reflected, "resize": resized,
    "gather": chosen, "conv": windows, "pool": pooled, "groups": grouped, "reshape": reshaped, "broadcast": summed,
}  # fmt: skip
PROBE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
from bitwright.errors import CompileError
from bitwright.frontend.reader import import_model
try:
    import_model(sys.stdin.buffer.read())
except CompileError as error:
    print(error.code)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs(kind):
    """Refused within seconds, and the process stays below 1.5 GB."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROBE], input=BOMBS[kind](), capture_output=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()[-600:]
    code, megabytes = done.stdout.decode().split()
    assert code in ("E004", "E010", "E011", "E012", "E021"), code
    assert int(megabytes) < 1500
    assert time.perf_counter() - start < 60


def test_oversized_files(tmp_path):
    """A file with a hole: its size is looked at, and nothing is read."""
    with (tmp_path / "big.onnx").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(
        CompileError, match=r"E004: 'big\.onnx' has 1,099,511,627,776 bytes; the limit is 1,073,741,824"
    ):
        load(tmp_path / "big.onnx")


def test_tensors_without_elements():
    net = typed()
    with pytest.raises(CompileError) as refused:
        import_model(net.bytes(net.node("MatMul", real(net), net.const(np.ones((8, 0))))))
    assert refused.value.code == "E010"
    with pytest.raises(CompileError) as refused:
        import_model(typed((1, 0, 4)).bytes("q", elem=TensorProto.INT8))
    assert refused.value.code == "E010"
    net = typed()
    sliced = net.node("Slice", real(net), *(net.const([v], np.int64) for v in (3, 3, 1)))
    with pytest.raises(CompileError) as refused:
        import_model(net.bytes(sliced))
    assert refused.value.code == "E011"


def test_two_versions_of_an_operator_set():
    net = typed()
    model = net.model(real(net))
    model.opset_import.add(domain="ai.onnx", version=11)
    with pytest.raises(CompileError, match=r"E003: the file imports two versions of the operator set 'ai\.onnx'"):
        load(model.SerializeToString())


@pytest.mark.parametrize("version", [-1, 0, 6, 28, 1 << 40])
def test_operator_sets_that_nobody_knows(version):
    net = typed()
    model = net.model(real(net))
    model.opset_import[0].version = version
    with pytest.raises(CompileError, match=f"E003: opset {version} is not supported; versions 7 to 27 are"):
        load(model.SerializeToString())
