"""Accelerators in C++: trained and random networks equal the reference, and what is wrong is found and named."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bitwright
from bitwright.errors import CompileError
from bitwright.ir.types import IntType, TensorType
from bitwright.lowering.layers import Circuits, Spatial
from bitwright.ops.dense import Dense
from bitwright.ops.mulshift import MulShift
from bitwright.ops.shift import Shift
from bitwright.sim import hls
from tests.harness import ROOMY, build, check_cpp, single
from tests.hls.vendor import ap_types
from tests.networks import random_images, random_lane_units, random_network
from tests.test_real_networks import CNNS, MLPS, MODELS, NETWORKS, ROUNDED

LIGHT = ["tfc_2w2a", "hello_world", "kws_dscnn_int8", "rn08"]
HEAVY = sorted({*MLPS, *CNNS} - set(LIGHT))
# Those that Vitis HLS knows and has not removed.
PRAGMAS = {
    "INTERFACE",
    "DATAFLOW",
    "STREAM",
    "PIPELINE",
    "UNROLL",
    "INLINE",
    "ARRAY_PARTITION",
    "ARRAY_RESHAPE",
    "BIND_OP",
    "DEPENDENCE",
}
LIBRARY = Path(bitwright.__file__).parent / "hls_templates"


def check_model(name, tmp_path):
    input_type, target = NETWORKS[name]
    options = {"input_type": input_type, "target_cycles": target, "backend": "hls"}
    design = bitwright.compile(MODELS / f"{name}.onnx", tmp_path / "d", **options)
    found = design.verify(samples=3)
    assert found.ok and found.engine == "hls" and found.frames == 3
    with np.load(MODELS / f"{name}.npz") as stored:
        x = next(stored[k] for k in stored.files if k.startswith("in:"))
        want = next(stored[k] for k in stored.files if k.startswith("out:"))
    got = design.predict(x, engine="hls")
    np.testing.assert_array_equal(got, design.predict(x))
    if name not in ROUNDED and got.dtype.kind == "i":
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", LIGHT)
def test_trained_networks(name, tmp_path):
    check_model(name, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", HEAVY)
def test_more_trained_networks(name, tmp_path):
    check_model(name, tmp_path)


@pytest.mark.parametrize("make", [random_network, random_images, random_lane_units])
@pytest.mark.parametrize("seed", range(6))
def test_random_networks(make, seed, tmp_path):
    for target in (10**9, 60):
        try:
            built = build(make(seed), tmp_path / str(target), target)
        except CompileError as error:
            assert error.code == "E302"
            continue
        check_cpp(built, tmp_path / str(target) / "hls")


@pytest.mark.long
@pytest.mark.parametrize("make", [random_network, random_images, random_lane_units])
@pytest.mark.parametrize("seed", range(6, 60))
def test_more_random_networks(make, seed, tmp_path):
    test_random_networks(make, seed, tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_circuits_of_constants(seed, tmp_path):
    built = build(random_network(seed), tmp_path, None, spatial=Spatial(Circuits.MUST))
    check_cpp(built, tmp_path / "hls")


def test_constants_wider_than_an_int_half_are_signed_in_sums(tmp_path):
    """An unsigned constant of 17 to 32 bits would make a C++ sum unsigned, and its shift a logical one."""
    x = TensorType.of((4,), IntType(12, True))
    for op in (
        MulShift(np.array([700]), np.array([1 << 19]), 8, -(1 << 20), 1 << 20),
        Shift(np.array([1 << 19]), 8, 4, -(1 << 40), 1 << 40),
    ):
        folder = tmp_path / op.mnemonic
        check_cpp(build(single(op, x), folder), folder / "hls", frames=40)


def test_the_first_wrong_stage_is_named(tmp_path):
    design = bitwright.compile(MODELS / "tfc_2w2a.onnx", tmp_path / "d", backend="hls", target_cycles=1000)
    header = design.sources("hls") / "layers" / "s2.h"
    text = header.read_text()
    table = re.search(r"dense_weight(\[\d+\])+ = \{\n\{\{(-?\d+)", text)
    assert table is not None
    header.write_text(text[: table.start(2)] + str(1 - abs(int(table[2]))) + text[table.end(2) :])
    found = design.verify(samples=20)
    assert not found.ok and found.mismatches and found.first is not None
    assert found.first.stage == "s2" and "node #" in found.first.origin


def test_cpp_that_stops_is_told_of(component, tmp_path):
    """A loop that asks for more than comes; the process goes on."""
    folder = tmp_path / "hls"
    shutil.copytree(component.sources("hls"), folder)
    header = folder / "layers" / "out.h"
    header.write_text(re.sub(r"frame = (\d+)", lambda m: f"frame = {2 * int(m[1])}", header.read_text()))
    codes = np.zeros((1, *component.boundary.input.shape), np.int64)
    with pytest.raises(CompileError, match="is read while it is empty") as error:
        hls.run_codes(folder, component.boundary, codes)
    assert error.value.code == "E902"


def test_a_build_without_cpp_says_so(tmp_path):
    design = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "d", target_cycles=64)
    x = np.zeros((1, *design.boundary.input.shape), np.int64)
    for use in (lambda: design.run_codes(x, engine="hls"), lambda: design.verify(engine="hls")):
        with pytest.raises(CompileError, match="compile the model with --backend hls") as error:
            use()
        assert error.value.code == "E507"
    with pytest.raises(CompileError, match="no chips like that of ulx3s-85f"):
        bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "e", board="ulx3s-85f", backend="hls")


@pytest.fixture(scope="module")
def component(tmp_path_factory):
    folder = tmp_path_factory.mktemp("component") / "d"
    return bitwright.compile(MODELS / "hello_world.onnx", folder, backend="hls", control="axilite", target_cycles=64)


@pytest.mark.parametrize("vendor", [False, True])
def test_the_testbench_passes_and_fails(component, vendor, tmp_path):
    """As the component's README says, with the machine's integers and with the open headers."""
    folder = tmp_path / "hls"
    shutil.copytree(component.sources("hls"), folder)
    flags = [f"-I{ap_types()}", "-O0"] if vendor else ["-DBW_NATIVE", "-O1"]

    def run():
        command = ["g++", "-std=c++17", "-w", *flags, "bw_accel.cpp", "bw_accel_tb.cpp", "-o", "tb"]
        subprocess.run(command, cwd=folder, check=True)
        return subprocess.run(["./tb"], cwd=folder, capture_output=True, text=True, check=False)

    done = run()
    assert done.returncode == 0 and done.stdout == "16 frames, 0 differences\n"
    vectors = folder / "vectors.h"
    head, tail = vectors.read_text().rsplit("},", 1)
    vectors.write_text(f"{head} ^ 1}},{tail}")
    done = run()
    assert done.returncode == 1 and "frame 15" in done.stdout and "1 differences" in done.stdout


def test_the_component(component, golden):
    for name in ("hls_config.cfg", "run_hls.tcl"):
        golden(name, (component.sources("hls") / name).read_text())
    assert json.loads((component.sources("hls") / "vitis-comp.json").read_text())["type"] == "HLS"
    text = (component.sources("hls") / "bw_accel.cpp").read_text()
    assert "#pragma HLS INTERFACE mode=s_axilite port=return" in text
    assert "## What only Vitis can tell" in (component.sources("hls") / "README.md").read_text()


def test_the_same_model_gives_the_same_bytes(component, tmp_path):
    again = bitwright.compile(
        MODELS / "hello_world.onnx", tmp_path / "other" / "name", backend="hls", control="axilite", target_cycles=64
    )
    files = sorted(p.relative_to(component.sources("hls")) for p in component.sources("hls").rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(again.sources("hls")) for p in again.sources("hls").rglob("*") if p.is_file())
    for name in files:
        assert (component.sources("hls") / name).read_bytes() == (again.sources("hls") / name).read_bytes(), name


def test_a_frame_that_ends_early_is_completed_with_zeros(tmp_path):
    """As the RTL does, and the next frame is whole again."""
    x = TensorType.of((4,), IntType(8, True))
    narrow = replace(ROOMY, stream_bits=8)
    built = build(single(Dense(np.eye(4, dtype=np.int64), np.arange(-4, 0)), x), tmp_path, budget=narrow)
    check_cpp(built, tmp_path / "hls")
    driver = tmp_path / "early.cpp"
    driver.write_text("""
#include <cstdio>
#include "hls/bw_accel.h"
int main() {
  hls::stream<ap_axiu<IN_BITS, 0, 0, 0>> s_axis("s");
  hls::stream<ap_axiu<OUT_BITS, 0, 0, 0>> m_axis("m");
  for (int frame = 0; frame < 2; ++frame) {
    for (int k = 0; k < (frame ? IN_BEATS : 1); ++k) {
      ap_axiu<IN_BITS, 0, 0, 0> word;
      bw::set_slot<8>(word.data, 0, bw::uint<8>(9));
      word.last = frame == 0 || k == IN_BEATS - 1;
      s_axis.write(word);
    }
    bw_accel(s_axis, m_axis);
    for (int k = 0; k < OUT_BEATS; ++k) {
      const auto word = m_axis.read();
      for (int l = 0; l < OUT_BITS / 16; ++l) std::printf("%d ", int(bw::slot<16, 16, bw::sint<16>>(word.data, l)));
    }
  }
}
""")
    assert built.boundary.input.lanes == 1
    command = ["g++", "-std=c++17", "-w", "-DBW_NATIVE", "-I.", "early.cpp", "hls/bw_accel.cpp", "-o", "early"]
    subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run(["./early"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["5", "-3", "-2", "-1", "5", "6", "7", "8"]


def test_the_library_uses_what_vitis_has(component):
    """Vendor words are in one header; pragmas are those of today; nothing is computed in floats."""
    for header in sorted((LIBRARY / "bw").glob("*.h")):
        text = header.read_text()
        assert {m[1] for m in re.finditer(r"#pragma HLS (\w+)", text)} <= PRAGMAS, header
        if header.name != "port.h":
            assert not re.search(r"ap_u?int|ap_fixed|#include <", text), header
        assert not re.search(r"\b(float|double|std::exp)\b", text), header
        assert re.search(r"#ifndef BW_\w+_H", text), header
    top = (component.sources("hls") / "bw_accel.cpp").read_text()
    assert all(re.fullmatch(r"\d+", depth) for depth in re.findall(r"depth=(\S+)", top))


def test_a_compiler_that_fails_is_told_of(tmp_path, component):
    folder = tmp_path / "hls"
    shutil.copytree(component.sources("hls"), folder)
    (folder / "layers" / "s0.h").write_text("this is no C++\n")
    with pytest.raises(CompileError) as error:
        hls.compile_cpp(folder)
    assert error.value.code == "E903" and "no C++" not in error.value.message.splitlines()[0]
