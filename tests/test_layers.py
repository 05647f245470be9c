"""Imports go one way, and heavy packages stay in their rooms."""

import ast
from pathlib import Path

import pytest

import bitwright

ROOT = Path(bitwright.__file__).parent
ALLOWED = {
    "errors": set(),
    "ir": {"errors"},
    "ops": {"errors", "ir"},
    "boards": {"errors", "ir"},
    "frontend": {"errors", "ir", "ops"},
    "spatial": {"errors", "ir", "ops"},
    "lowering": {"errors", "ir", "ops", "boards", "spatial"},
    "sim": {"errors", "ir", "ops", "boards"},
}
ONLY = {"onnx": "frontend", "onnxruntime": "frontend", "qonnx": "frontend", "cocotb": "sim", "cocotb_tools": "sim"}
TYPES_ONLY = "TYPE_CHECKING"


def _imports(path: Path):
    """Absolute names of the modules that a file imports at run time."""
    package = ("bitwright", *path.relative_to(ROOT).parts[:-1])
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == TYPES_ONLY
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            parts = [*base, *([node.module] if node.module else [])]
            yield from (".".join([*parts, alias.name]) for alias in node.names)


FILES = [pytest.param(p, id=str(p.relative_to(ROOT))) for p in sorted(ROOT.rglob("*.py"))]


@pytest.mark.parametrize("path", FILES)
def test_imports_go_one_way(path):
    parts = path.relative_to(ROOT).parts
    room = parts[0].removesuffix(".py")
    for name in _imports(path):
        head = name.split(".")
        if head[0] == "bitwright" and len(head) > 1 and room in ALLOWED and head[1] != room:
            assert head[1] in ALLOWED[room], f"{path} imports {name}"
        if head[0] in ONLY and parts[0] != "boards":
            assert room == ONLY[head[0]], f"{path} imports {name}"


def test_the_rule_sees_a_violation(tmp_path):
    """The walk finds what it is meant to find."""
    names = set(_imports(ROOT / "sim" / "verify.py"))
    assert "bitwright.ir.graph.Graph" in names and "bitwright.boards.host.Boundary" not in names


def test_no_float_below_the_frontend():
    """Scales end in the frontend: of the floats below it, only the BLAS carriers of exact integers are left."""
    for room in ("ir", "ops", "lowering"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                used = isinstance(node, ast.Attribute) and node.attr in ("float32", "float64")
                if used and path.name not in ("matvec.py", "folding.py"):
                    raise AssertionError(f"{path}:{node.lineno} uses {node.attr}")


def test_the_public_surface():
    assert bitwright.__all__ == ["CompileError", "Design", "FixedPoint", "Origin", "__version__", "compile", "load"]
    for name in bitwright.__all__:
        assert getattr(bitwright, name)
    with pytest.raises(AttributeError):
        bitwright.nothing  # noqa: B018
