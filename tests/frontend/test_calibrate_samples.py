"""Calibration data and labels: what is read, and every way in which they are refused."""

import numpy as np
import pytest

from bitwright.errors import CompileError
from bitwright.frontend.calibrate import samples
from bitwright.frontend.calibrate.samples import read_labels, read_samples, suggestion
from bitwright.frontend.elem import Elem
from bitwright.frontend.model import Port

FLOATS = Port("x", Elem.FLOAT32, (None, 2, 3))
BYTES = Port("x", Elem.UINT8, (None, 2, 3))


AXIS = "\n  hint: the samples go along axis 0"
MORE = "\n  hint: 100 to 1,000 that are typical of the use do well"
REAL = "\n  hint: give inputs as they will come in use"


def good(count=10):
    return np.random.default_rng(0).normal(size=(count, 2, 3)).astype(np.float32)


def read(array, port=FLOATS):
    return read_samples(array, port, (2, 3))


def test_files(tmp_path):
    np.save(tmp_path / "x.npy", good())
    np.savez(tmp_path / "x.npz", x=good(), other=np.zeros(3))
    for name in ("x.npy", "x.npz"):
        assert (read_samples(tmp_path / name, FLOATS, (2, 3)) == good()).all()
    np.savez(tmp_path / "y.npz", labels=np.arange(10))
    assert read_labels(tmp_path / "y.npz", 10).tolist() == list(range(10))


def spoilt(value):
    x = good()
    x[3, 1, 2] = value
    return x


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (good()[0], "E061: the calibration data have shape [2, 3]; input 'x' needs (samples, 2, 3)\n  hint: put a batch axis first, as in x[None]"),
        (good().reshape(10, 6), f"E061: the calibration data have shape [10, 6]; input 'x' needs (samples, 2, 3){AXIS}"),
        (np.float32(3), f"E061: the calibration data have shape []; input 'x' needs (samples, 2, 3){AXIS}"),
        (good(0), f"E061: there are 0 samples in the calibration data; 8 are the least{MORE}"),
        (good(7), f"E061: there are 7 samples in the calibration data; 8 are the least{MORE}"),
        (good().astype(str), "E061: the calibration data are <U32, not numbers"),
        (good() + 1j, "E061: the calibration data are complex64, not numbers"),
        (spoilt(np.nan), "E062: the calibration data hold nan (sample 3)"),
        (spoilt(-np.inf), "E062: the calibration data hold -inf (sample 3)"),
        (np.zeros((10, 2, 3)), f"E062: all calibration data are 0: they say nothing about the ranges in the network{REAL}"),
    ],
)  # fmt: skip
def test_data_that_are_refused(array, message):
    with pytest.raises(CompileError) as refused:
        read(np.asarray(array))
    assert str(refused.value) == message


@pytest.mark.parametrize("value", [0.5, -1, 256])
def test_data_that_are_not_the_integers_of_the_input(value):
    x = np.zeros((10, 2, 3))
    x[4, 0, 1] = value
    with pytest.raises(CompileError) as refused:
        read(x, BYTES)
    assert str(refused.value) == "E061: the calibration data are not uint8, which input 'x' is"


def test_pickles_are_never_read(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was executed",))

    np.save(tmp_path / "x.npy", np.array([Trap()] * 8, object), allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=np.array([Trap()] * 8, object))
    for name in ("x.npy", "x.npz"):
        with pytest.raises(CompileError) as refused:
            read_samples(tmp_path / name, FLOATS, (2, 3))
        assert refused.value.code == "E060" and "pickled objects are never read" in refused.value.hint


@pytest.mark.parametrize("data", [b"", b"not an array", b"\x93NUMPY\x01\x00", b"PK\x03\x04 cut short", b"\x80\x04]."])
def test_files_that_are_no_arrays(tmp_path, data):
    (tmp_path / "x.npy").write_bytes(data)
    with pytest.raises(CompileError) as refused:
        read_samples(tmp_path / "x.npy", FLOATS, (2, 3))
    assert refused.value.code == "E060" and "cannot be read" in refused.value.message


def test_a_file_shorter_than_it_says(tmp_path):
    np.save(tmp_path / "x.npy", good())
    whole = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(whole.replace(b"(10, 2, 3)", b"(99, 2, 3)"))
    with pytest.raises(CompileError, match=r"E060"):
        read_samples(tmp_path / "x.npy", FLOATS, (2, 3))


def test_no_such_file_or_array(tmp_path):
    with pytest.raises(CompileError, match=r"E060: the calibration data '.*x.npy' cannot be read: No such file"):
        read_samples(tmp_path / "x.npy", FLOATS, (2, 3))
    with pytest.raises(CompileError, match=r"E060: the calibration data '.*' cannot be read: Is a directory"):
        read_samples(tmp_path, FLOATS, (2, 3))
    np.savez(tmp_path / "x.npz", a=good(), b=good())
    with pytest.raises(CompileError) as refused:
        read_samples(tmp_path / "x.npz", FLOATS, (2, 3))
    assert str(refused.value) == "E060: the calibration data 'x.npz' have no array 'x', but 'a', 'b'"


def test_files_that_are_too_large(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((1000, 2, 3)))
    monkeypatch.setattr(samples, "MAX_BYTES", 10_000)
    with pytest.raises(CompileError, match=r"E060: 'x.npz' unpacks to more than 10,000 bytes"):
        read_samples(tmp_path / "x.npz", FLOATS, (2, 3))
    np.save(tmp_path / "x.npy", np.zeros((1000, 2, 3)))
    with pytest.raises(CompileError, match=r"E060: 'x.npy' is too large: the limit is 10,000 bytes"):
        read_samples(tmp_path / "x.npy", FLOATS, (2, 3))


def test_labels():
    assert read_labels(np.array([[2], [0], [1]]), 3).tolist() == [2, 0, 1]
    assert read_labels(np.eye(3)[[2, 0, 1]], 3).tolist() == [2, 0, 1]
    for bad in (
        np.arange(4),
        np.array([0.5, 1, 2]),
        np.array([-1, 1, 2]),
        np.zeros((3, 2, 2)),
        np.array(["a", "b", "c"]),
    ):
        with pytest.raises(CompileError, match="E066"):
            read_labels(bad, 3)


@pytest.mark.parametrize(
    ("low", "high", "integral", "wanted"),
    [
        (0, 255, True, "uint8"),
        (0, 9, True, "uint4"),
        (-128, 127, True, "int8"),
        (-1, 2, True, "int3"),
        (0, 1000, True, "uint16"),
        (0.0, 0.9, False, "ufixed<8,0>"),
        (0.0, 1.0, False, "ufixed<8,1>"),
        (-2.5, 3.4, False, "fixed<8,3>"),
        (-0.01, 0.02, False, "fixed<8,-4>"),
    ],
)
def test_a_type_for_the_input(low, high, integral, wanted):
    x = np.linspace(low, high, 60).reshape(10, 2, 3)
    assert suggestion(np.rint(x) if integral else x, 8) == wanted


def test_signs_are_bipolar():
    assert suggestion(np.sign(good()), 8) == "bipolar"
