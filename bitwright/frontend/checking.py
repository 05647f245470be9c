"""All that is wrong with a model at once: a walk that goes on behind every node that is refused."""

from __future__ import annotations

import os

from ..errors import CompileError
from .context import Branch, Context, InputLayout, Relayout
from .input_shape import Shapes
from .loading import load_model, with_branch
from .model import Model
from .reader import MAX_BRANCHES, Imported, enter, import_model, unsupported, walk
from .registry import find

MAX_FAULTS = 200


def check_model(
    path: str | os.PathLike[str] | bytes, *, input_type: str | None = None, shapes: Shapes | None = None
) -> tuple[Imported | None, list[CompileError]]:
    """The model in the IR, or one error for every node that is at fault itself; those behind it are passed over."""
    try:
        model = load_model(path, shapes)
        layout: InputLayout | None = None
        for _ in range(MAX_BRANCHES):
            try:
                found = _faults(model, input_type, layout)
                break
            except Relayout as wish:
                layout = wish.wanted
            except Branch as choice:
                model, layout = with_branch(model, choice.node, choice.graph), None
        else:
            raise CompileError("E004", f"the graph has more than {MAX_BRANCHES} conditionals")
        return (None, found) if found else (import_model(path, input_type=input_type, shapes=shapes), [])
    except CompileError as error:
        return None, [error]


def _faults(model: Model, input_type: str | None, layout: InputLayout | None) -> list[CompileError]:
    ctx = Context(model, input_type, input_layout=layout)
    found: list[CompileError] = []
    unknown: set[str] = set()
    try:
        enter(ctx)
    except CompileError as error:
        found.append(error)
        unknown |= {p.name for p in model.inputs}
    for node in model.nodes:
        if find(node) is None:
            found.append(unsupported(node))
        elif not unknown & set(node.inputs):
            try:
                walk(ctx, node)
                continue
            except CompileError as error:
                found.append(error)
        unknown |= set(node.outputs)
        if len(found) >= MAX_FAULTS:
            break
    return found
