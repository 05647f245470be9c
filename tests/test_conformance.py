"""The ONNX standard's own tests: no case fails, none that passed is lost, and every model beside them is answered."""

import re
from pathlib import Path

import pytest

from bitwright.conformance import FAILED, table, tallies, verdicts
from bitwright.errors import CompileError
from bitwright.frontend.reader import import_model
from bitwright.frontend.standard import FAMILIES, standard_models

PAGE = Path(__file__).parent.parent / "docs" / "operators.md"
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)


def test_node_tests(request):
    """The table of docs/operators.md is what the tests give; --update-golden writes it there."""
    found = list(verdicts())
    assert [v for v in found if v.status == FAILED] == []
    assert len(found) >= 1020
    text = PAGE.read_text(encoding="utf-8")
    fresh = TABLE.sub(lambda _: table(tallies(found)), text, count=1)
    if request.config.getoption("--update-golden"):
        PAGE.write_text(fresh, encoding="utf-8")
    assert fresh == PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("family", FAMILIES)
def test_models_of_the_standard(family):
    """Float networks and single layers: what is no quantised network of one input is refused, with a reason."""
    models = [p for p in standard_models() if family in p.parts]
    assert models
    for path in models:
        for input_type in (None, "int8"):
            try:
                import_model(path, input_type=input_type)
            except CompileError as error:
                assert error.exit_status == 2 and error.code < "E100", (path, error)
