"""The FuseSoC core of a build names every file of its RTL, once, and no other."""

import yaml

import bitwright
from bitwright.boards.core import NAME
from tests.test_real_networks import MODELS


def test_the_core_of_a_build(tmp_path):
    for board, synthesis in (("pynq", "xc7z020clg400-1"), ("ulx3s-85f", None)):
        design = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / board, board=board, target_cycles=2000)
        rtl = design.folder / "rtl"
        head, text = (rtl / NAME).read_text().split("\n", 1)
        core = yaml.safe_load(text)
        assert head == "CAPI=2:" and core["name"] == "bitwright:accel:bw_accel:1.0.0"
        listed = [next(iter(entry)) for entry in core["filesets"]["rtl"]["files"]]
        assert sorted(listed) == sorted(p.name for p in rtl.iterdir() if p.name != NAME)
        targets = core["targets"]
        assert {"default", "lint"} <= set(targets) and all(t["toplevel"] == "bw_accel" for t in targets.values())
        assert ("synth" in targets) == (synthesis is not None)
        if synthesis:
            assert targets["synth"]["flow_options"]["part"] == synthesis
