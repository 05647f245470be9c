"""Names of any content: the build is the one that plain names give, and only JSON has the originals."""

import json

import numpy as np
import pytest
from onnx import TensorProto

from bitwright.compiler import compile
from bitwright.errors import CompileError
from bitwright.frontend.reader import import_model
from tests.frontend.onnx_build import Net
from tests.test_page import parsed

HOSTILE = {
    "quotes": "a'b\"c`d",
    "dollar": "$system(\"touch pwned\") ${HOME} $(id)",
    "backslash": "\\n\\x00\\",
    "newline": "x;\nendmodule\nmodule y;\r\n\t",
    "keyword": "module",
    "cpp": "int main(){}//",
    "tcl": "[exec touch pwned]",
    "unicode": "größe-漢字-\u202e-\ufeff-😀",
    "nul": "\0 a\0b",
    "long": "n" * 5000,
    "path": "../../../../tmp/pwned",
    "absolute": "/etc/passwd",
    "template": "{{ 7 * 7 }}{% raw %}<script>alert(1)</script>",
    "format": "%s%n{0}{x!r}",
    "windows": "C:\\con\\aux",
}  # fmt: skip


def model(name):
    """A small network in which every tensor, node and graph bears the name."""
    rng = np.random.default_rng(0)
    net = Net([1, 4], TensorProto.INT8, name="q")
    x = net.node("DequantizeLinear", net.input, net.const(0.5))
    x = net.node("MatMul", x, net.qdq_weight(rng.integers(-9, 9, (4, 3)), 0.25))
    x = net.node("QuantizeLinear", net.node("Relu", x), net.const(1.5), net.const(0, np.int8))
    built = net.model(x, [1, 3], TensorProto.INT8)
    if name is None:
        return built
    graph = built.graph
    tensors = {n for node in graph.node for n in (*node.input, *node.output) if n}
    named = {t: name if t == x else f"{name} {i}" for i, t in enumerate(sorted(tensors))}
    graph.name = built.producer_name = built.doc_string = name
    for node in graph.node:
        node.name = name
        node.input[:] = [named[n] for n in node.input]
        node.output[:] = [named[n] for n in node.output]
    for value in (*graph.initializer, *graph.input, *graph.output):
        value.name = named[value.name]
    return built


def files(folder):
    """All files of a build but those in JSON and the page, which hold the names, as the comments of the IR do, one line each."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".json", ".html"):
            data = path.read_bytes()
            if path.suffix == ".ir":
                data = b"\n".join(line.split(b"  # [[")[0] for line in data.split(b"\n"))
            found[str(path.relative_to(folder))] = data
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    (folder / "m.onnx").write_bytes(model(None).SerializeToString())
    return compile(folder / "m.onnx", folder / "build", backend="hls")


@pytest.mark.parametrize("kind", HOSTILE)
def test_builds_of_hostile_names(kind, plain, tmp_path):
    (tmp_path / "m.onnx").write_bytes(model(HOSTILE[kind]).SerializeToString())
    design = compile(tmp_path / "m.onnx", tmp_path / "build", backend="hls")
    assert files(tmp_path / "build") == files(plain.folder)
    pages = [parsed((d.folder / "report.html").read_text(encoding="utf-8")).seen for d in (design, plain)]
    assert pages[0] == pages[1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["build", "m.onnx"]
    samples = np.random.default_rng(1).integers(-128, 128, (20, 4)).astype(np.int8)
    assert design.predict(samples).tolist() == plain.predict(samples).tolist()
    boundary = json.loads((tmp_path / "build" / "model" / "boundary.json").read_text())
    assert boundary["output"]["name"] == HOSTILE[kind]


@pytest.mark.parametrize("kind", HOSTILE)
def test_refusals_of_hostile_names(kind):
    """One short printable line says what is wrong."""
    broken = model(HOSTILE[kind])
    broken.graph.node[2].op_type = HOSTILE[kind]
    broken.graph.node[2].domain = HOSTILE[kind]
    with pytest.raises(CompileError) as refused:
        import_model(broken.SerializeToString())
    assert refused.value.code == "E020"
    lines = str(refused.value).splitlines()
    assert len(lines) == 3 and all(line.isprintable() and len(line) < 700 for line in lines)


def test_a_name_that_is_not_utf8_is_refused():
    data = model("QQQQ").SerializeToString()
    with pytest.raises(CompileError, match="E002: this is not an ONNX file"):
        import_model(data.replace(b"QQQQ", b"\xff\xfe\xc0\x80"))
