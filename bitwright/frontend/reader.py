"""From a model file to the IR. The codes of what may be refused on the way:

E001 the file cannot be read              E002 it is no ONNX file
E003 its opset is not supported           E004 it is too large
E005 its external data is not acceptable  E006 a name is defined twice
E007 a name is used but never defined     E008 the graph has a cycle
E009 NaN or infinity                      E010 an empty, negative or symbolic dimension
E011 shapes do not fit together           E012 a tensor is malformed
E013 an attribute or operand is malformed E014 more than one input or output
E015 the batch axis is not as it must be  E016 an element type is not supported
E020 operators that are not supported     E021 a form of an operator that is not supported
E022 an operation between two tensors that both depend on the input, of a kind that has no hardware
E023 an order that is no transposition    E024 Softmax, ArgMax or TopK not at the end
E025 a parameter is not constant          E026 a scale is not positive
E027 a bit width or zero point not sensible E028 an unknown rounding mode
E029 weights are not quantized            E030 an input without a type
E031 a malformed --input-type             E032 an input that is quantized in two ways
E033 --input-type contradicts the file    E034 too many quantization steps
E035 a limit cannot be applied exactly    E036 integers wider than 62 bits, or than their type in the file
E037 the output does not depend on the input E038 two operands without a common unit
E039 a function without a quantizer behind it
E040 a float runtime cannot execute the model, so there is no comparison (E390: none is installed)
E041 a --shape that is malformed or does not fit the file
E042 a layer that cannot be rewritable
of Keras files:
E045 no Keras model, or a damaged one      E046 layers that are not supported
E047 a form of a layer that is not supported E048 a quantizer that is not supported
E049 weights that are missing or do not fit their layer
of calibration:
E060 a file cannot be read                E061 the samples do not suit the input
E062 the samples hold no ranges           E063 a bit width, or the name that it is given for
E064 a partly quantized model that cannot be completed
E065 a node cannot be evaluated           E066 the labels do not suit
E067 a tensor that is always 0
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from ..errors import CompileError, Origin, quoted
from ..ir.graph import Graph, verify
from ..ir.types import TensorType
from . import rules  # noqa: F401 # pyright: ignore[reportUnusedImport] (its import registers the rules)
from .boundary import boundary
from .context import INPUT, MAX_ALL_FOLDED, MAX_FRAME, Anchor, Branch, ConstantAnchor, Context, InputLayout, Relayout
from .elem import Elem
from .exact import filled
from .input_shape import Shapes
from .input_type import parse_input_type
from .integers import check_integers, plain_integers
from .loading import load_model, with_branch
from .model import Constant, Model, OnnxNode, Port
from .refused import REASONS
from .registry import Entry, find
from .rewriting import Wish, Written, check_met, parse_wishes
from .rounding import followed, note_codes, scaled_codes
from .rules.constants import check_size
from .rules.host import host_function
from .schemas import check_form, check_types
from .values import Exact, HostTail, Stream, Value

MAX_LISTED = 10
MAX_BRANCHES = 100
WRAPPING = ("Add", "Sub", "Mul", "Neg", "MatMul", "Gemm", "ReduceSum", "Cast", "MatMulInteger", "ConvInteger")
"""Operators that would wrap on integers of their type."""


@dataclass(frozen=True, eq=False)
class Imported:
    """A model as the IR, the host's side of it, and what a comparison with a runtime needs."""

    graph: Graph
    boundary: Mapping[str, Any]
    anchors: tuple[Anchor, ...]
    constants: tuple[ConstantAnchor, ...] = field(repr=False)
    model_hash: str
    model: Model = field(repr=False)
    input: Stream = field(repr=False)
    """The graph input: what its codes mean where it has a type; its name is None where the host quantises."""
    written: Mapping[str, Written] = field(default_factory=dict[str, Written], repr=False)
    """The rewritable layers, by their IR values."""


def load(path: str | os.PathLike[str] | bytes) -> Model:
    """Read and validate a model file (or its bytes). Raises CompileError E001–E016."""
    return load_model(path)


def import_model(
    path: str | os.PathLike[str] | bytes,
    *,
    input_type: str | None = None,
    shapes: Shapes | None = None,
    rewritable: str = "",
) -> Imported:
    """The exact meaning of a model file (or its bytes) in the IR. Raises CompileError E001–E042.

    `rewritable` names the layers whose weights may change later.
    """
    wishes = parse_wishes(rewritable)
    model = load_model(path, shapes)
    layout: InputLayout | None = None
    for _ in range(MAX_BRANCHES):
        check_supported(model)
        try:
            return _imported(model, input_type, layout, wishes)
        except Relayout as found:
            layout = found.wanted
        except Branch as found:
            model, layout = with_branch(model, found.node, found.graph), None
    raise CompileError("E004", f"the graph has more than {MAX_BRANCHES} conditionals")


def _imported(
    model: Model, input_type: str | None, input_layout: InputLayout | None, wishes: tuple[Wish, ...]
) -> Imported:
    """One walk through the model, with the graph input on the wire as it says."""
    ctx = Context(model, input_type, input_layout=input_layout, wishes=wishes)
    given = enter(ctx)
    name = model.outputs[0].name
    for node in model.nodes:
        walk(ctx, node)
    check_met(ctx)
    result = ctx.values[name]
    if isinstance(result, Constant | Exact):
        raise CompileError("E037", f"output {quoted(name)} does not depend on the input")
    if isinstance(result, Stream) and result.curve:
        result = ctx.values[name] = host_function(result, name)
    if isinstance(result, Stream) and result.name is not None and result.elem.is_integer and model.nodes:
        result = plain_integers(ctx, replace(model.nodes[-1], outputs=(name,)), result)
    x = result.stream if isinstance(result, HostTail) else result
    ctx.need_type(x, None)
    _check_output(model, result)
    tensor = name if isinstance(result, Stream) else result.tensor
    if tensor != model.inputs[0].name and (not ctx.anchors or ctx.anchors[-1].result is not x):
        ctx.anchors.append(Anchor(tensor, x))
    assert x.name is not None
    graph = Graph({INPUT: ctx.types[INPUT]}, tuple(ctx.nodes), (x.name,))
    verify(graph)
    return Imported(
        graph, boundary(ctx, result), tuple(ctx.anchors), tuple(ctx.constants), model.sha256, model, given, ctx.written
    )


def enter(ctx: Context) -> Stream:
    """The values that are there before any node: constants, and the graph input, which is returned."""
    ctx.values.update(ctx.model.constants)
    check_single(ctx.model)
    given = _input(ctx)
    ctx.values[ctx.model.inputs[0].name] = given
    return given


def unsupported(node: OnnxNode) -> CompileError:
    """The refusal of one node that there is no rule for."""
    name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
    reason, hint = REASONS.get(node.op_type, ("", "`bitwright ops` lists what is supported"))
    message = f"operator {quoted(name)} is not supported" + (f": {reason}" if reason else "")
    return CompileError("E020", message, origin=node.origin, hint=hint)


def check_supported(model: Model) -> None:
    """Raise E020 with all the operators that have no rule."""
    missing: dict[str, list[Origin]] = {}
    for node in model.nodes:
        if find(node) is None:
            missing.setdefault(f"{node.domain}.{node.op_type}" if node.domain else node.op_type, []).append(node.origin)
    if not missing:
        return
    listed = [_listed(name, origins) for name, origins in list(missing.items())[:MAX_LISTED]]
    more = f", and {len(missing) - MAX_LISTED} more" if len(missing) > MAX_LISTED else ""
    what = "an operator that is" if len(missing) == 1 else f"{len(missing)} operators that are"
    message = f"the model uses {what} not supported: {', '.join(listed)}{more}"
    first = next(iter(missing.values()))[0]
    known = [REASONS[o[0].op_type] for o in missing.values() if o[0].op_type in REASONS]
    hint = known[0][1] if known else "`bitwright ops` lists what is supported"
    raise CompileError("E020", message, origin=first, hint=hint)


def _listed(name: str, origins: list[Origin]) -> str:
    notes = [f"{len(origins)} times"] if len(origins) > 1 else []
    notes += [REASONS[origins[0].op_type][0]] if origins[0].op_type in REASONS else []
    return quoted(name)[1:-1] + (f" ({'; '.join(notes)})" if notes else "")


def check_single(model: Model) -> None:
    """Raise E014 unless there is one input and one output."""
    for ports, what in ((model.inputs, "input"), (model.outputs, "output")):
        if len(ports) != 1:
            names = ", ".join(quoted(p.name) for p in ports[:MAX_LISTED])
            message = f"the model has {len(ports)} {what}s ({names or 'none'}); exactly one is supported"
            raise CompileError("E014", message)


def _input(ctx: Context) -> Stream:
    """The graph input as a stream: of the integers that it or --input-type says, or not typed yet."""
    port = ctx.model.inputs[0]
    shape = input_shape(ctx.model)
    rank, elem = len(shape), port.elem
    order, frame = None, shape[1:]
    if ctx.input_layout is not None:
        order, frame = ctx.input_layout.order.reshape(shape), ctx.input_layout.frame
    if elem in (Elem.BOOL, Elem.BFLOAT16):
        message = f"input {quoted(port.name)} has the element type {elem.label}, which is not supported"
        raise CompileError("E016", message)
    chosen = parse_input_type(ctx.input_type) if ctx.input_type else None
    own = elem.integers if elem.is_integer and elem.bits <= 32 and elem is not Elem.UINT32 else None
    if own is not None and chosen is not None and (chosen.elem != own or chosen.scale != 1 or chosen.offset != 0):
        message = f"input {quoted(port.name)} is {elem.label}, which --input-type {ctx.input_type} contradicts"
        raise CompileError("E033", message, hint="leave --input-type out")
    if own is not None:
        ctx.declare_input(TensorType.of(frame, own), {"kind": "integer", "offset": 0})
        return Stream.start(INPUT, shape, elem, filled(1, rank), filled(0, rank), 0, order)
    if chosen is not None:
        ctx.declare_input(TensorType.of(frame, chosen.elem), chosen.encode)
        return Stream.start(INPUT, shape, elem, filled(chosen.scale, rank), filled(chosen.offset, rank), 0, order)
    if not elem.is_float:
        message = f"input {quoted(port.name)} is {elem.label}, too wide to be taken as it is"
        raise CompileError("E030", message, hint="say which of its values occur, as in --input-type uint8")
    return Stream.start(None, shape, elem, filled(1, rank), filled(0, rank), 0, order)


def input_shape(model: Model) -> tuple[int, ...]:
    port = model.inputs[0]
    label = f"input {quoted(port.name)}"
    if not port.shape:
        raise CompileError("E015", f"{label} has no shape or no axes; axis 0 must be the batch")
    batch, *frame = port.shape
    if batch not in (None, 1):
        shape = [d or "?" for d in port.shape]
        message = f"{label} has a batch of {batch} (axis 0 of {shape}); it must be 1 or symbolic"
        raise CompileError("E015", message, hint="export the model with a batch of 1, or with a dynamic batch axis")
    dims: list[int] = []
    for axis, d in enumerate(frame, 1):
        if not d:
            message = f"axis {axis} of {label} is {'symbolic' if d is None else 'empty'}; only the batch axis may vary"
            raise CompileError("E010", message, hint=f"say its shape, as in --shape {_example(port)}")
        dims.append(d)
    if prod(dims) > MAX_FRAME:
        raise CompileError("E004", f"{label} has {prod(dims):,} elements a frame; the limit is {MAX_FRAME:,}")
    return (1, *dims)


def _example(port: Port) -> str:
    """What to give to --shape: the name (if it is plain), and a size in place of each that is open."""
    name = port.name if re.fullmatch(r"[\w.:/-]{1,60}", port.name) else "NAME"
    return f"{name}={','.join(str(d or (1 if a == 0 else 32)) for a, d in enumerate(port.shape or ()))}"


def walk(ctx: Context, node: OnnxNode) -> None:
    """Evaluate one node: fold it, or let its rule speak."""
    entry = find(node)
    assert entry is not None
    operands = [ctx.values[i] if i else None for i in node.inputs]
    check_form(node, ctx.model.opset)
    check_types(node, ctx.model.opset, [None if v is None else v.elem for v in operands])
    plain = all(isinstance(v, Constant) for v in operands if v is not None)
    if entry.fold is not None and plain:
        result: Value | tuple[Value, ...] = _guarded(node, lambda: scaled_codes(ctx, node)) or _folded(ctx, node, entry)
    elif entry.apply is not None:
        result = _guarded(node, lambda: followed(ctx, node) or entry.apply(ctx, node))  # pyright: ignore[reportOptionalCall]
    else:
        message = f"{quoted(node.op_type)[1:-1]} is supported on constants only, but its operand depends on the input"
        raise CompileError("E021", message, origin=node.origin)
    results = result if isinstance(result, tuple) else (result,)
    for name, value in zip(node.outputs, results):
        if isinstance(value, Stream) and node.op_type in WRAPPING:
            check_integers(ctx, value, node.origin)
        if name:
            ctx.values[name] = value
    note_codes(ctx, node)
    for name in filter(None, node.outputs[len(results) :]):
        message = f"output {quoted(name)} of this node is not supported"
        if any(name in n.inputs for n in ctx.model.nodes) or name == ctx.model.outputs[0].name:
            raise CompileError("E021", message, origin=node.origin)


def _folded(ctx: Context, node: OnnxNode, entry: Entry) -> Constant:
    arrays: list[Any] = []
    for name in node.inputs:
        value = ctx.values[name] if name else None
        arrays.append(value.array if isinstance(value, Constant) else None)
    assert entry.fold is not None
    fold = entry.fold
    with np.errstate(all="ignore"):
        _guarded(node, lambda: check_size(node, arrays))
        array = np.asarray(_guarded(node, lambda: fold(node, arrays)))
    ctx.folded += array.size
    if ctx.folded > MAX_ALL_FOLDED:
        message = f"the constant expressions make more than {MAX_ALL_FOLDED:,} elements"
        raise CompileError("E004", message, origin=node.origin)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise CompileError("E009", "this constant expression gives NaN or infinity", origin=node.origin)
    # NumPy has no such type: it was computed in a wider one.
    carried = [v.elem for v in map(ctx.values.get, node.inputs) if isinstance(v, Constant) and v.elem.carried]
    for elem in carried:
        if elem.carrier == array.dtype:
            return Constant(elem.rounded(array), elem)
    return Constant.of(array)


def _guarded(node: OnnxNode, step: Callable[[], Any]) -> Any:
    """Run a rule; whatever NumPy raises over a malformed node becomes a refusal that names the node."""
    try:
        return step()
    except CompileError as error:
        if error.origin is None:
            raise CompileError(error.code, error.message, origin=node.origin, hint=error.hint) from error
        raise
    except MemoryError as error:
        raise CompileError("E004", "this node needs more memory than there is", origin=node.origin) from error
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError) as error:
        message = f"this node's operands and attributes do not fit together ({error})"
        raise CompileError("E013", message, origin=node.origin) from error


def _check_output(model: Model, result: Stream | HostTail) -> None:
    """Raise E011 or E016 if the file declares another rank or type for its output."""
    declared, elem = model.outputs[0].shape, model.outputs[0].elem
    if result.elem is Elem.BFLOAT16:
        message = f"output {quoted(model.outputs[0].name)} is bfloat16, which the host does not have"
        raise CompileError("E016", message, hint="cast it to float32")
    if model.outputs[0].typed and elem is not result.elem:
        name = quoted(model.outputs[0].name)
        raise CompileError("E016", f"output {name} is declared as {elem.label}, but is {result.elem.label}")
    if declared is not None and len(declared) != len(result.shape):
        name = quoted(model.outputs[0].name)
        message = f"output {name} is declared with {len(declared)} axes, but has {len(result.shape)}"
        raise CompileError("E011", message)
