"""report.html: everything that is known of a build, nothing from elsewhere, and a real browser shows it."""

import html.parser
import json
import os
import re
import shutil
import subprocess

import pytest

import bitwright
from bitwright import page, report
from tests.test_real_networks import MODELS

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "d"
    return bitwright.compile(MODELS / "ic_resnet8_int8.onnx", folder, target_cycles=100_000)


def text_of(design):
    return (design.folder / page.NAME).read_text(encoding="utf-8")


VOID = {"meta", "rect", "path", "line"}


class Parser(html.parser.HTMLParser):
    """Tags in order, and whether they nest."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.words = [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def parsed(text):
    found = Parser()
    found.feed(text)
    assert found.open == []
    return found


def test_a_build_has_it(design):
    text = text_of(design)
    found = parsed(text)
    words = " ".join("".join(found.words).split())
    manifest = design.manifest
    for stage in manifest["stages"]:
        assert f"{stage['name']} {stage['op']}" in words and f"{stage['cycles']:,}" in words
        assert stage["origin"][0]["name"] in words
    assert f"{manifest['frame_cycles']:,}" in words and "LUT" in words and "53,200" in words
    # One wire for every operand, and the one to the output.
    wires = [a for tag, a in found.seen if tag == "path"]
    assert len(wires) == sum(len(s["inputs"]) for s in manifest["stages"]) + 1
    joins = [s for s in manifest["stages"] if len(s["inputs"]) == 2]
    assert joins and all(s["op"].startswith("add") for s in joins)


def test_nothing_comes_from_elsewhere(design):
    found = parsed(text_of(design))
    assert "script" not in {tag for tag, _ in found.seen}
    assert not {"src", "href", "srcset", "action"} & {name for _, attributes in found.seen for name in attributes}
    assert not re.search(r"url\(|@import|https?:", text_of(design))


def test_the_same_build_gives_the_same_page(design, tmp_path):
    again = bitwright.compile(MODELS / "ic_resnet8_int8.onnx", tmp_path / "other", target_cycles=100_000)
    assert text_of(again) == text_of(design)


def test_names_from_a_model_are_text(design):
    found = json.loads(json.dumps(design.manifest))
    hostile = "</td><script>alert(1)</script>{{ 7*7 }}&\"'"
    found["stages"][0]["origin"] = [{"op_type": "Conv", "name": hostile, "index": 0}]
    found["calibration"] = {
        "samples": 3, "sqnr_db": 30.0, "accuracy": {"quantized": 0.5, "float": 0.75},
        "layers": [{"name": hostile, "op": "Conv", "weight_bits": 8, "zeros": None, "weight_sqnr_db": None, "activation_bits": None, "sqnr_db": 1.0}],
    }  # fmt: skip
    text = page.render(found)
    assert "<script" not in text and "49" not in re.findall(r"Conv (.*?)</td>", text)[0]
    words = "".join(parsed(text).words)
    assert words.count(hostile) == 2 and "50.00%" in words


def test_results_are_brought_in(design, tmp_path):
    folder = tmp_path / "d"
    shutil.copytree(design.folder, folder)
    result = {
        "ok": True, "frames": 12, "seed": 7, "engine": "rtl", "mismatches": 0, "failure": None, "seconds": 1.5,
        "latency_cycles": 1234, "timing_as_computed": True,
    }  # fmt: skip
    page.save(folder, design.manifest, "sim", result)
    text = (folder / page.NAME).read_text(encoding="utf-8")
    assert "12 frames of the RTL are equal" in text and "1,234 cycles of latency" in text
    page.save(folder, design.manifest, "sim", result | {"ok": False, "mismatches": 9})
    assert "9 codes of the RTL differ" in (folder / page.NAME).read_text(encoding="utf-8")
    page.save(
        folder,
        design.manifest,
        "synth",
        {"lut": 20000, "ff": 1, "bram36": 2.5, "dsp": 3, "fmax_mhz": [90, 130], "bitstream": None},
    )
    text = (folder / page.NAME).read_text(encoding="utf-8")
    assert "synthesised" in text and "90 to 130 MHz" in text and "20,000" in text
    assert report.as_json(folder, design.manifest)["verification"]["mismatches"] == 9


def test_it_can_be_written_elsewhere(design, tmp_path):
    page.write(design.folder, design.manifest, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == text_of(design)
    with pytest.raises(bitwright.CompileError) as error:
        page.write(design.folder, design.manifest, tmp_path / "none" / "page.html")
    assert error.value.code == "E502"


PROBE = """<script>
const style = getComputedStyle(document.body), all = [...document.querySelectorAll('svg text')];
const out = all.filter(t => t.closest('g') && t.getBBox().x + t.getBBox().width >
  +t.closest('g').querySelector('rect').getAttribute('x') + +t.closest('g').querySelector('rect').getAttribute('width'));
document.title = JSON.stringify({width: innerWidth, content: document.documentElement.scrollWidth, back: style.backgroundColor,
  text: style.color, boxes: document.querySelectorAll('svg .box').length, out: out.map(t => t.textContent)});
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (Debian: apt install chromium)")
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1200])
def test_a_browser_shows_it(design, width, dark, tmp_path):
    """At a phone's width nothing sticks out, and in the dark it is dark."""
    probed = tmp_path / "page.html"
    probed.write_text(text_of(design).replace("</body>", PROBE), encoding="utf-8")
    # A window is at least 500 wide, a frame is not.
    outer = tmp_path / "outer.html"
    frame = "position:absolute;left:0;top:0;border:0;height:3000px"
    outer.write_text(f'<meta name="color-scheme" content="light dark"><iframe id="f" style="width:{width}px;{frame}" src="page.html"></iframe>'
                     '<script>f.onload = () => { document.title = f.contentDocument.title; }</script>', encoding="utf-8")  # fmt: skip
    flags = [*FLAGS.split(), f"--user-data-dir={tmp_path}/user", "--window-size=1300,1000", "--allow-file-access-from-files",
             "--virtual-time-budget=3000", *(["--blink-settings=preferredColorScheme=0"] if dark else [])]  # fmt: skip
    done = subprocess.run(
        [str(CHROMIUM), *flags, "--dump-dom", outer.as_uri()], capture_output=True, text=True, timeout=120,
        check=True, env=os.environ | {"HOME": str(tmp_path)},
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None, done.stdout[:500]
    found = json.loads(title[1].replace("&amp;", "&"))
    assert found["width"] == width and found["content"] <= width
    assert found["out"] == [] and found["boxes"] == len(design.manifest["stages"]) + 2
    light = [sum(map(int, re.findall(r"\d+", found[k])[:3])) for k in ("back", "text")]
    assert (light[0] < light[1]) == dark
