"""bw_control alone: AXI4-Lite under every pause, byte strobes, the gate, the counters."""

import json

from bitwright.ir.registers import COUNTERS, IDENTITY, OFFSETS, REGISTERS
from bitwright.sim import verilator
from tests.rtl.harness import RTL

COUNT = 8


def test_the_control_port(tmp_path):
    identity = [0x9E3779B9 * (k + 1) % (1 << 32) for k in range(len(IDENTITY))]
    (tmp_path / "job.json").write_text(json.dumps({"identity": identity, "count": COUNT}))
    words = sum(word << 32 * k for k, word in enumerate(identity))
    places = {k: OFFSETS[k.lower()] // 4 for k in ("RUN", "STATUS", "COMMAND")}
    given = {"ADDR": 13, "WEIGHTS": 1, "WORDS": len(identity), "IDENTITY": f"{32 * len(identity)}'h{words:x}", "BEATS": 3,
             "COUNTERS": COUNTERS[0].offset // 4, "COUNT": COUNT, **places}  # fmt: skip
    ports = (RTL[0].parent / "bw_control.v").read_text().split("\n) (\n")[1].split(");")[0]
    names = [
        line.split("//")[0].rstrip(" ,").split()[-1] for line in ports.splitlines() if line.strip()[:2] in ("in", "ou")
    ]
    header = ports.replace("ADDR", "13").replace("reg ", "wire").rstrip()
    parameters = ", ".join(f".{k}({v})" for k, v in given.items())
    connected = ", ".join(f".{name}({name})" for name in names)
    text = f"module top(\n{header}\n);\n  bw_control #({parameters}) dut ({connected});\nendmodule\n"
    (tmp_path / "top.v").write_text(text)
    exe = verilator.build([tmp_path / "top.v", *RTL], "top")
    verilator.run(exe, "tests.rtl.control_bench", tmp_path, {"BITWRIGHT_JOB": str(tmp_path)}, top="top")


def test_registers_do_not_overlap():
    """Each is at a word of its own, counters at two, within the first of the port's pages."""
    places = [r.offset + half for r in REGISTERS for half in ((0, 4) if r in COUNTERS else (0,))]
    assert sorted(set(places)) == sorted(places) and not any(p % 4 for p in places)
    assert [r.offset for r in IDENTITY] == list(range(0, 4 * len(IDENTITY), 4))
    assert max(places) < 4096
