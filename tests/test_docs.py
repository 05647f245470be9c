"""What the README and the examples tell people to run does run."""

import re
import runpy
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_examples(script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script))
    assert "classes: [" in capsys.readouterr().out


def test_the_python_of_the_readme(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    shutil.copy(ROOT / "tests" / "models" / "hello_world.onnx", tmp_path / "model.onnx")
    import numpy as np

    code = code.replace("print(design.synthesise().lut)", "assert callable(design.synthesise)")
    space = {"x": np.zeros((3, 1), np.int8)}
    exec(code, space)
    assert space["y"].shape == (3, 1)  # type: ignore[attr-defined]


def test_every_command_of_the_readme_exists():
    from bitwright.cli import cli

    named = set(re.findall(r"bitwright (\w+) (?:MODEL|DIR)", (ROOT / "README.md").read_text()))
    assert named == {"compile", "verify", "run", "synth", "report", "check", "combine"}
    assert named <= set(cli.commands)
    options = {o for c in cli.commands.values() for p in c.params for o in p.opts}
    assert set(re.findall(r"`(?:… )?(--[a-z-]+)", (ROOT / "README.md").read_text())) <= options


def test_the_registers_of_the_docs():
    from bitwright.ir.registers import REGISTERS

    text = (ROOT / "docs" / "control.md").read_text()
    rows = [f"| {r.offset:#05x} | `{r.name}` | {r.access} | {r.text} |" for r in REGISTERS]
    assert re.findall(r"^\| 0x.*", text, re.MULTILINE) == rows
