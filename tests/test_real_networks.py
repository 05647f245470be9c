"""Trained networks from the model file to verified RTL and a handoff, as a user would run them."""

import json
from math import ceil
from pathlib import Path

import numpy as np
import pytest

import bitwright
from bitwright.compare import compare_with_onnx

MODELS = Path(__file__).parent / "models"
# Cycles a frame that give designs of a few thousand LUTs, which simulate quickly.
MLPS = {
    "tfc_1w1a": (None, 1000),
    "tfc_2w2a": (None, 1000),
    "unsw_w2a2": ("bipolar", 1200),
    "kwsmlp_w3a3": (None, 4100),
    "ad08": ("fixed<16,8>", 600),
    "ad01_int8": (None, 20_000),
    "hello_world": (None, 64),
}
CNNS = {
    "cnv_1w1a": ("int8", 100_000),
    "cnv_2w2a": ("int8", 200_000),
    "rn08": (None, 100_000),
    "ic_resnet8_int8": (None, 100_000),
    "kws_dscnn_int8": (None, 40_000),
    "vww_mobilenet_int8": (None, 100_000),
    "micro_speech_int8": (None, 80_000),
    "vgg10_w8a8": (None, 100_000),
    "espcn_subpixel": ("ufixed<8,0>", 2_000_000),
}
NETWORKS = MLPS | CNNS
# Float execution rounded a value before a tie in these; tests/frontend judges each of the differences.
ROUNDED = ["ic_resnet8_int8"]
QUICK = [*MLPS, "ic_resnet8_int8", "kws_dscnn_int8", "micro_speech_int8"]


@pytest.mark.parametrize("name", QUICK)
def test_compile_run_and_verify(name, tmp_path):
    input_type, target = NETWORKS[name]
    design = bitwright.compile(MODELS / f"{name}.onnx", tmp_path / "d", input_type=input_type, target_cycles=target)
    assert design.manifest["fits"] and design.manifest["frame_cycles"] <= target
    for stage in design.manifest["stages"]:
        assert stage["cycles"] <= design.manifest["frame_cycles"]
        if name in MLPS:
            assert stage["cycles"] == ceil(stage["rows"] / stage["pe"]) * ceil(stage["columns"] / stage["simd"])
    with np.load(MODELS / f"{name}.npz") as stored:
        x = next(stored[k] for k in stored.files if k.startswith("in:"))
        want = next(stored[k] for k in stored.files if k.startswith("out:"))
    codes = design.boundary.encode(x)
    np.testing.assert_array_equal(design.run_codes(codes[:3], engine="rtl"), design.run_codes(codes[:3]))
    got = design.predict(x)
    assert got.shape == want.shape and got.dtype == want.dtype
    if name in ROUNDED:
        assert np.abs(got.astype(int) - want).max() <= 1 and (got != want).mean() <= 0.1
    elif got.dtype.kind == "i":
        np.testing.assert_array_equal(got, want)
    else:  # the stored outputs were computed in float32: its rounding errors, over at most 800 terms
        assert np.abs(got - want).max() <= 800 * 2.0**-24 * np.abs(want).max()
    found = design.verify(samples=6, seed=1)
    assert found.ok and found.mismatches == 0 and found.timing_as_computed, found


@pytest.mark.long
@pytest.mark.parametrize("name", NETWORKS)
def test_the_fastest_design_that_fits_on_all_given_and_random_inputs(name, tmp_path):
    input_type, _ = NETWORKS[name]
    design = bitwright.compile(MODELS / f"{name}.onnx", tmp_path / "d", input_type=input_type)
    with np.load(MODELS / f"{name}.npz") as stored:
        codes = design.boundary.encode(next(stored[k] for k in stored.files if k.startswith("in:")))
    np.testing.assert_array_equal(design.run_codes(codes, engine="rtl"), design.run_codes(codes))
    found = design.verify(samples=100 if name in MLPS else 5, seed=7)
    assert found.ok, found
    differences = compare_with_onnx(MODELS / f"{name}.onnx", design)
    assert differences["elements"] > 0 and differences["unexplained"] == 0, differences


@pytest.mark.parametrize("name", ["tfc_1w1a", "hello_world"])
def test_the_same_inputs_give_the_same_bytes(name, tmp_path):
    folders = [tmp_path / "a", tmp_path / "deep" / "er" / "b"]
    for folder in folders:
        bitwright.compile(MODELS / f"{name}.onnx", folder, target_cycles=1000)
    files = [{p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in folders]
    assert files[0] == files[1] and len(files[0]) > 20


def test_a_build_can_be_moved_and_loaded(tmp_path):
    design = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "a", target_cycles=64)
    x = np.arange(-128, 128, dtype=np.int8).reshape(-1, 1)
    want = design.predict(x)
    (tmp_path / "a").rename(tmp_path / "b")
    np.testing.assert_array_equal(bitwright.load(tmp_path / "b").predict(x), want)


def test_a_wrong_weight_is_found_and_named(tmp_path):
    """Verification names the first layer that is wrong, the element, and both values."""
    design = bitwright.compile(MODELS / "tfc_2w2a.onnx", tmp_path / "d", target_cycles=1000)
    memory = tmp_path / "d" / "rtl" / "s1_mvu0_weights.mem"
    words = memory.read_text().split()
    flipped = [f"{int(w, 16) ^ 2:0{len(w)}x}" for w in words]
    memory.write_text("\n".join(flipped) + "\n")
    found = design.verify(samples=6)
    assert not found.ok and found.mismatches > 0
    assert found.first is not None and found.first.stage == "s1"
    assert "MatMul node #15" in str(found.first) and "expected" in str(found.first)


def test_the_manifest_says_where_every_stage_came_from(tmp_path):
    bitwright.compile(MODELS / "tfc_1w1a.onnx", tmp_path / "d", target_cycles=1000)
    manifest = json.loads((tmp_path / "d" / "manifest.json").read_text())
    assert [s["origin"][0]["op_type"] for s in manifest["stages"]] == ["MatMul"] * 4
    assert manifest["macs"] == 784 * 64 + 64 * 64 + 64 * 64 + 64 * 10
