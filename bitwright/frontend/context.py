"""The state of one import: the IR nodes so far, the value of every tensor, and how the graph input is encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError, Origin, quoted
from ..ir.graph import Node
from ..ir.op import Op
from ..ir.types import MAX_WIDTH, TensorType
from ..ops.mulshift import MulShift
from ..ops.permute import Permute
from ..ops.reshape import Reshape
from ..ops.shift import Shift
from ..ops.table import Table
from ..ops.threshold import Threshold
from . import layout
from .curve import Function
from .elem import Elem
from .exact import Rationals, of_rank
from .held import Held
from .layout import Order
from .model import Constant, Model, OnnxNode
from .rewriting import Wish, Written
from .steps import Steps
from .trace import Doubt
from .values import Exact, HostTail, Stream, Tensor, Value, exact_values

INPUT = "x0"
INNER = "\ud800"
"""How the names of operands begin that a rule hands to another one: no name in a UTF-8 file begins so."""
MAX_FRAME = 1 << 24  # elements of any tensor of a frame
MAX_ALL_FOLDED = 1 << 27  # elements of all constants that nodes make
MAX_MATRIX = 1 << 26  # elements of a matrix that is made where the model has none
ELEMENTWISE = (Threshold, Shift, MulShift, Table, Reshape)


@dataclass(frozen=True, eq=False)
class InputLayout:
    """How the host lays the graph input on the wire: an array of shape `dims`, transposed by `axes`.

    `frame` is the shape of the IR input. `dims` is the frame of the ONNX input, or a finer split of it.
    """

    dims: tuple[int, ...]
    axes: tuple[int, ...]
    frame: tuple[int, ...]

    @property
    def order(self) -> Order:
        """The flat index on the wire of each element of the ONNX input."""
        return layout.inverse(np.arange(prod(self.dims)).reshape(self.dims).transpose(self.axes))


class Relayout(Exception):
    """The first operator that needs its operand in another order would have it cheapest by this input layout."""

    def __init__(self, wanted: InputLayout) -> None:
        super().__init__("the host can lay out the input")
        self.wanted = wanted


class Branch(Exception):
    """A conditional is decided: the graph that stands for it."""

    def __init__(self, node: OnnxNode, graph: Any) -> None:
        super().__init__("a branch is taken")
        self.node, self.graph = node, graph


@dataclass(frozen=True, eq=False)
class Quantizer:
    """code k = steps(value / scale + zero), and code k means out_scale · k + out_offset.

    All five arrays have the rank of the tensor and broadcast to it; `steps` holds Steps objects, no scale is 0.
    """

    scale: Rationals
    zero: Rationals
    steps: np.ndarray
    out_scale: Rationals
    out_offset: Rationals
    elem: Elem


@dataclass(frozen=True, eq=False)
class Anchor:
    """A tensor that is compared with a runtime: `operand` is what it is computed from, in exact terms.

    A quantised one has its `quantizer`, and `result` says which IR value holds its codes and what they mean. Without
    a quantizer the tensor is `operand` itself, never rounded.
    """

    tensor: str
    operand: Stream
    quantizer: Quantizer | None = None
    result: Stream | None = None


@dataclass(frozen=True, eq=False)
class ConstantAnchor:
    """A quantised constant of which some values are so near a step that float arithmetic may round them otherwise."""

    tensor: str
    codes: NDArray[np.int64]
    values: np.ndarray
    quantizer: Quantizer


@dataclass
class Context:
    """What the rules work on."""

    model: Model
    input_type: str | None
    values: dict[str, Value] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    types: dict[str, TensorType] = field(default_factory=dict)
    anchors: list[Anchor] = field(default_factory=list)
    constants: list[ConstantAnchor] = field(default_factory=list)
    encode: dict[str, Any] | None = None
    """How the host makes the codes of the graph input; None until that is settled."""
    input_layout: InputLayout | None = None
    """None: as in the model."""
    folded: int = 0
    """Elements of all constants that nodes have made."""
    moved: dict[tuple[object, ...], str] = field(default_factory=dict)
    """IR values that are others reshaped or permuted, so that none is made twice."""
    held: dict[str, Held] = field(default_factory=dict)
    """Roundings that wait for their limits, by the tensor that stands for them."""
    codes: set[str] = field(default_factory=set)
    """Constants that the model rounds to integers."""
    wishes: tuple[Wish, ...] = ()
    """Layers that are to be rewritable."""
    met: set[Wish] = field(default_factory=set)
    written: dict[str, Written] = field(default_factory=dict)
    """Those that are, by their IR values."""

    def emit(self, op: Op, operands: str | tuple[str, ...], origin: Origin) -> str:
        """Append an IR operation; returns the value that it defines."""
        inputs = (operands,) if isinstance(operands, str) else operands
        try:
            type_ = op.infer(*(self.types[i] for i in inputs))
        except ValueError as error:
            message = f"this needs integers wider than {MAX_WIDTH} bits"
            raise CompileError("E036", message, origin=origin) from error
        if type_.size > MAX_FRAME * 64 or prod(type_.shape[:-1]) > MAX_FRAME:
            message = f"{quoted(origin.op_type)[1:-1]} makes {type_.size:,} elements a frame, which is too many"
            raise CompileError("E004", message, origin=origin)
        name = f"v{len(self.nodes) + 1}"
        self.nodes.append(Node(name, op, inputs, type_, (origin,)))
        self.types[name] = type_
        return name

    def reshape(self, x: Stream, shape: tuple[int, ...], origin: Origin) -> Stream:
        """The stream under another ONNX shape of the same size, batch axis first."""
        if shape == x.shape:
            return x
        if not shape or shape[0] != 1:
            name = quoted(origin.op_type)[1:-1]
            message = f"{name} gives shape {list(shape)}, which moves the batch axis (axis 0, size 1)"
            raise CompileError("E015", message, origin=origin, hint="keep one frame a batch entry")
        return x.reshaped(shape)

    def shaped(self, name: str, frame: Sequence[int], origin: Origin) -> str:
        """The IR value in that shape: the same elements in the same order."""
        shape = tuple(frame)
        if self.types[name].shape == shape:
            return name
        return self._moved(name, Reshape(np.array(shape, np.int64)), shape, origin)

    def arranged(self, x: Stream, order: Order | None, origin: Origin) -> Stream:
        """The stream with its elements in that order. What moves costs memory, unless the host can do it."""
        if layout.same(x.order, order):
            return x
        name, size = x.name, prod(x.shape)
        assert name is not None
        p = layout.move(x.order, order, size)
        self._ask_host(p, order, x)
        found = layout.factored(p)
        if found is None:
            message = f"the elements of a tensor of shape {list(x.shape)} are in an order that is no transposition"
            raise CompileError("E023", message, origin=origin)
        dims, axes = found
        moved = self._moved(self.shaped(name, dims, origin), Permute(np.array(axes, np.int64)), axes, origin)
        return replace(x, name=moved, order=order)

    def image(self, x: Stream, origin: Origin) -> Stream:
        """(1, C, H, W) or (1, C, L) as (1, H, W, C), H = 1 for the latter, whose IR value has just that shape."""
        self.need_type(x, origin)
        check_dimensions(len(x.shape) - 2, origin)
        if len(x.shape) not in (3, 4):
            message = f"{quoted(origin.op_type)[1:-1]} needs an operand (1, C, L) or (1, C, H, W), not {list(x.shape)}"
            raise CompileError("E011", message, origin=origin)
        flat = x.reshaped((1, x.shape[1], 1, x.shape[2])) if len(x.shape) == 3 else x
        last = self.arranged(flat.transposed((0, 2, 3, 1)), None, origin)
        assert last.name is not None
        return replace(last, name=self.shaped(last.name, last.frame, origin))

    def unimage(self, y: Stream, rank: int) -> Stream:
        """(1, H, W, C) as (1, C, H, W), or (1, C, L) where the rank is 3."""
        back = y.transposed((0, 3, 1, 2))
        return back.reshaped((1, back.shape[1], back.shape[3])) if rank == 3 else back

    def physical(self, x: Stream, axes: Sequence[int], origin: Origin) -> tuple[Stream, tuple[int, ...]]:
        """(view, perm): the tensor, transposed by perm, as rows, columns and channels of an IR value of that shape.

        The view has shape (1, H, W, C), H = 1 where the tensor has one axis less, and so on; the least is moved so that
        `axes`, on which something is done, are not the channels.
        """
        self.need_type(x, origin)
        rank = len(x.shape)
        if not 2 <= rank <= 4:
            message = f"{quoted(origin.op_type)[1:-1]} on a tensor of {rank} axes is not supported"
            raise CompileError("E021", message, origin=origin, hint="2 to 4 axes are, the batch axis among them")
        last, first = tuple(range(rank)), (0, *range(2, rank), 1)
        perm = next((p for p in (first, last) if x.transposed(p).order is None), first)
        if perm == last and rank > 2 and 1 not in axes and self.input_layout is None and self._from_input(x):
            perm = first
        view = self.arranged(x.transposed(perm), None, origin)
        view = view.reshaped((1,) * (5 - rank) + view.shape[1:])
        assert view.name is not None
        return replace(view, name=self.shaped(view.name, view.frame, origin)), perm

    def unphysical(self, view: Stream, perm: Sequence[int]) -> Stream:
        """The inverse of `physical`, of a result whose sizes may be others."""
        flat = view.reshaped((1, *view.shape[5 - len(perm) :]))
        return flat.transposed([list(perm).index(a) for a in range(len(perm))])

    def _from_input(self, x: Stream) -> bool:
        """Whether only elementwise operations lie between the graph input and the value."""
        makers = {n.name: n for n in self.nodes}
        name = x.name
        while name is not None and name != INPUT:
            if not isinstance(makers[name].op, ELEMENTWISE):
                return False
            name = makers[name].input
        return True

    def _moved(self, name: str, op: Op, how: tuple[int, ...], origin: Origin) -> str:
        key = (name, op.mnemonic, how)
        if key not in self.moved:
            self.moved[key] = self.emit(op, name, origin)
        return self.moved[key]

    def _ask_host(self, p: Order, order: Order | None, x: Stream) -> None:
        """Raise Relayout if only elementwise operations lie between the graph input and this value."""
        if self.input_layout is not None or not self._from_input(x):
            return
        found = layout.axes_of(p, self.input_frame)
        if found is not None:
            raise Relayout(InputLayout(*found, x.frame if order is None else self.input_frame))

    @property
    def input_frame(self) -> tuple[int, ...]:
        """The frame of the ONNX input."""
        shape = self.model.inputs[0].shape
        assert shape is not None
        return tuple(int(d or 1) for d in shape[1:])

    def declare_input(self, type_: TensorType, encode: dict[str, Any]) -> None:
        self.types[INPUT] = type_
        self.encode = encode

    @cached_property
    def readers(self) -> dict[str, list[OnnxNode]]:
        """The nodes that have a tensor as an operand."""
        found: dict[str, list[OnnxNode]] = {}
        for node in self.model.nodes:
            for name in dict.fromkeys(node.inputs):
                found.setdefault(name, []).append(node)
        return found

    # Operands of a rule.

    def operand(self, node: OnnxNode, index: int) -> Value | None:
        """The value of an input; None where it is absent."""
        if index >= len(node.inputs) or not node.inputs[index]:
            return None
        return self.values[node.inputs[index]]

    def required(self, node: OnnxNode, index: int) -> Tensor:
        value = self.operand(node, index)
        if value is None:
            raise CompileError("E013", f"input {index} is missing", origin=node.origin)
        if isinstance(value, HostTail):
            message = "Softmax, ArgMax and TopK are computed by the host, so nothing may follow them"
            hint = "end the model at their operand, or at their result"
            raise CompileError("E024", message, origin=node.origin, hint=hint)
        return value

    def stream(self, node: OnnxNode, index: int, *, curved: bool = False) -> Stream:
        """An operand that depends on the input; `curved` if a function may stand before it without a quantiser."""
        value = self.required(node, index)
        if not isinstance(value, Stream):
            raise CompileError("E021", f"input {index} is a constant here, which is not supported", origin=node.origin)
        if value.curve and not curved:
            named = [s.name for s in value.curve if isinstance(s, Function)]
            what = named[-1] if named else "a function"
            message = f"{quoted(node.op_type)[1:-1]} follows {what} without a quantizer between"
            raise CompileError("E039", message, origin=node.origin, hint=f"quantize the result of {what}")
        return value

    def real(self, node: OnnxNode, index: int, *, curved: bool = False) -> Stream:
        """A stream of a float type: arithmetic on integer tensors wraps, which no rule here has."""
        x = self.stream(node, index, curved=curved)
        if not x.elem.is_float:
            message = f"{quoted(node.op_type)[1:-1]} on a tensor of {x.elem.label} is not supported"
            raise CompileError("E021", message, origin=node.origin, hint="a DequantizeLinear before it may be missing")
        return x

    def number(self, node: OnnxNode, index: int, *, curved: bool = False) -> Stream:
        """A stream of a float type, or of integers for an operation that is exact on them unless they wrap.

        The walk refuses what could wrap, so the rule need not look.
        """
        x = self.stream(node, index, curved=curved)
        if not x.elem.is_float:
            self.need_type(x, node.origin)
        return x

    def with_operands(self, node: OnnxNode, *values: Value | None, **attributes: Any) -> OnnxNode:
        """The node with those operands instead of its own (None: absent), and with those attributes besides."""
        names = tuple("" if v is None else f"{INNER}{i}" for i, v in enumerate(values))
        self.values.update({name: v for name, v in zip(names, values) if v is not None})
        return replace(node, inputs=names, attributes={**node.attributes, **attributes})

    def need_type(self, x: Stream, origin: Origin | None) -> None:
        """Raise CompileError E030 if x is the graph input, still without a type."""
        if x.name is None:
            port = self.model.inputs[0]
            message = f"input {quoted(port.name)} is {port.elem.label} and is used before it is quantized"
            hint = "say what its integers are, as in --input-type int8, or give samples of it: --calibration X.npy"
            raise CompileError("E030", message, origin=origin, hint=hint)

    def constant(self, node: OnnxNode, index: int, what: str) -> Constant | Exact:
        """An operand that must not depend on the input."""
        value = self.required(node, index)
        if isinstance(value, Stream):
            message = f"the {what} (input {index}) depends on the graph's input; it must be a constant"
            raise CompileError("E025", message, origin=node.origin)
        return value

    def plain(self, node: OnnxNode, index: int, what: str) -> np.ndarray:
        """A constant operand in the file's element type."""
        value = self.constant(node, index, what)
        if isinstance(value, Exact):
            raise CompileError("E025", f"the {what} (input {index}) must not be quantized", origin=node.origin)
        return value.array

    def integers(self, node: OnnxNode, index: int, what: str) -> tuple[int, ...]:
        """A constant operand that is a list of integers: axes, a shape."""
        array = self.plain(node, index, what)
        if array.dtype.kind not in "iu" or array.ndim > 1 or array.size > 64:
            message = f"the {what} must be a short list of integers, not {array.dtype}{list(array.shape)}"
            raise CompileError("E013", message, origin=node.origin)
        return tuple(int(v) for v in array.reshape(-1))

    def doubt(self, node: OnnxNode, index: int, rank: int) -> Doubt | None:
        """For the comparison: whether a runtime may have other codes in a constant operand, seen with that rank."""
        value = self.required(node, index)
        if not isinstance(value, Exact):
            return None
        return value.reshaped((1,) * (rank - len(value.shape)) + value.shape).doubt()

    def exact(self, node: OnnxNode, index: int, what: str) -> Rationals:
        return exact_values(self.constant(node, index, what), node.origin)


def check_dimensions(count: int, origin: Origin) -> None:
    """Raise E021 for windows over more than two spatial axes."""
    if count > 2:
        message = f"{quoted(origin.op_type)[1:-1]} over {count} spatial dimensions is not supported; one and two are"
        hint = "if one of them has the size 1, reshape it away; else convolve its slices one by one"
        raise CompileError("E021", message, origin=origin, hint=hint)


def check_matrix(rows: int, columns: int, origin: Origin) -> None:
    """Raise E004 before a matrix is made that is too large."""
    if rows * columns > MAX_MATRIX:
        message = f"this needs a matrix of {rows:,} by {columns:,} elements; the limit is {MAX_MATRIX:,}"
        raise CompileError("E004", message, origin=origin)


def check_enlarging(x: tuple[int, ...], constant: tuple[int, ...], origin: Origin) -> tuple[int, ...]:
    """The shape of stream ⊕ constant. Raises CompileError E011 unless it holds just the stream's elements."""
    try:
        shape = np.broadcast_shapes(x, constant)
    except ValueError:
        message = f"shapes {list(x)} and {list(constant)} cannot be broadcast together"
        raise CompileError("E011", message, origin=origin) from None
    if np.prod(shape, dtype=object) != np.prod(x, dtype=object):
        message = f"a constant of shape {list(constant)} would enlarge the tensor of shape {list(x)}"
        raise CompileError("E011", message, origin=origin)
    return tuple(shape)


def parameter(x: tuple[int, ...], values: Rationals, origin: Origin) -> Rationals:
    """A constant made ready to combine with a stream of shape x: its rank, checked to broadcast."""
    shape = check_enlarging(x, values.shape, origin)
    return of_rank(values, max(len(shape), len(x)))


def step_array(steps: Steps | list[Steps], shape: tuple[int, ...]) -> np.ndarray:
    """Steps objects as an object array of that shape."""
    array = np.empty(shape, object)
    flat = array.reshape(-1)
    flat[:] = steps if isinstance(steps, list) else [steps] * flat.size
    return array
