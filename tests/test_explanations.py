"""Every error that can be raised is explained, and nothing else is."""

import re
from pathlib import Path

import bitwright
from bitwright.explanations import EXPLANATIONS


def test_every_code_has_its_page():
    root = Path(bitwright.__file__).parent
    raised = {
        c for p in root.rglob("*.py") if p.name != "explanations.py" for c in re.findall(r'"(E\d{3})"', p.read_text())
    }
    assert raised == set(EXPLANATIONS)
    assert all(len(text) > 40 for text in EXPLANATIONS.values())
