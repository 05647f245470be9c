"""The node tests that come with the ONNX standard, put so that a compiler of streaming networks can take them.

A case is one node with its inputs and the outputs that the standard states. All inputs but the first become constants;
floats go in and, where a function asks for it, out through integers of a fixed step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil, log2
from pathlib import Path
from typing import Any

import numpy as np
import onnx.backend.test
from onnx import ModelProto, NodeProto, TensorProto, defs, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from ..errors import CompileError
from .context import Branch, Context
from .exact import floats
from .loading import load_model, with_branch
from .model import Constant
from .reader import MAX_BRANCHES, check_supported, walk
from .registry import RULES
from .values import Exact

INPUT_BITS, FUNCTION_BITS = 20, 12
WEIGHT_BITS, OUTPUT_BITS = 12, 10
EXPANDED = "_expanded"
FAMILIES = ("pytorch-converted", "pytorch-operator", "simple", "light")

FRAMES = ("Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "MaxPool", "AveragePool", "GlobalMaxPool",
          "GlobalAveragePool", "BatchNormalization", "DepthToSpace", "SpaceToDepth", "Flatten")  # fmt: skip
"""Operators whose axis 0 is the batch."""
ROWS = ("MatMul", "MatMulInteger", "QLinearMatMul", "Gemm")
"""Operators that take a matrix row by row."""
WEIGHTED = ("Conv", "ConvTranspose", "MatMul", "Gemm")
"""Operators whose operand 1 is weights: a grid of few bits stands for them."""

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Trial:
    """A model, samples (n, *frame) for it, and what should come out: within `tolerance`, or equal where that is None."""

    model: bytes
    input_type: str | None
    samples: Array
    expected: Array
    tolerance: Array | None


@dataclass(frozen=True)
class Case:
    """One test of one operator."""

    name: str
    folder: Path

    @cached_property
    def model(self) -> ModelProto:
        model = ModelProto()
        model.ParseFromString((self.folder / "model.onnx").read_bytes())
        return model

    @property
    def node(self) -> NodeProto:
        return self.model.graph.node[0]

    @cached_property
    def operator(self) -> str:
        """The operator, or the function that the case spells out in nodes."""
        if not self.spelt_out:
            return self.node.op_type
        return f"{Case(self.name, self.folder.parent / self.folder.name.split(EXPANDED)[0]).node.op_type}, spelt out"

    @property
    def spelt_out(self) -> bool:
        return EXPANDED in self.folder.name

    @cached_property
    def inputs(self) -> list[Array]:
        return self._data("input", len(self.model.graph.input))

    @cached_property
    def outputs(self) -> list[Array]:
        return self._data("output", len(self.model.graph.output))

    def _data(self, what: str, count: int) -> list[Array]:
        arrays: list[Array] = []
        for i in range(count):
            tensor = TensorProto()
            tensor.ParseFromString((self.folder / "test_data_set_0" / f"{what}_{i}.pb").read_bytes())
            try:
                array = numpy_helper.to_array(tensor)
            except ValueError as error:
                raise CompileError("E016", f"{what} {i} of this case is no tensor") from error
            packed = array.dtype.kind == "V" and array.dtype.name.lstrip("u").startswith("int")
            arrays.append(
                array.astype(np.int8 if array.dtype.name.startswith("int") else np.uint8) if packed else array
            )
        return arrays

    @property
    def constant(self) -> bool:
        """Whether the case is run on constants: several nodes, or an operator that is claimed on constants only."""
        if self.spelt_out:
            return True
        entry = RULES[self.node.domain, self.node.op_type]
        return entry.apply is None or not self.inputs or self.node.op_type in ("Shape", "Size")


def cases() -> Iterator[Case]:
    """The plain cases of operators that there is a rule for, and every case of a function spelt out, by name."""
    root = Path(onnx.backend.test.__file__).parent / "data" / "node"
    if not root.is_dir():
        message = f"onnx {onnx.__version__} comes without its node tests"
        raise CompileError("E390", message, hint="pip install onnx==1.22.0")
    for folder in sorted(root.iterdir()):
        if not (folder / "model.onnx").is_file():
            continue
        case = Case(folder.name.removeprefix("test_"), folder)
        if case.spelt_out:
            if (folder.parent / folder.name.split(EXPANDED)[0]).is_dir():
                yield case
        elif len(case.model.graph.node) == 1 and (case.node.domain, case.node.op_type) in RULES:
            yield case


def standard_models() -> Iterator[Path]:
    """The model files beside the node tests."""
    root = Path(onnx.backend.test.__file__).parent / "data"
    for family in FAMILIES:
        yield from sorted((root / family).rglob("*.onnx"))


def folded(case: Case) -> list[Array]:
    """The outputs of a case whose inputs are all constants, as this frontend computes them. Raises CompileError."""
    proto = ModelProto()
    proto.CopyFrom(case.model)
    _promote(proto, case.inputs, 0)
    model = load_model(proto.SerializeToString())
    check_supported(model)
    ctx = Context(model, None)
    ctx.values.update(model.constants)
    for _ in range(MAX_BRANCHES):
        try:
            for node in ctx.model.nodes:
                walk(ctx, node)
            break
        except Branch as found:
            model = with_branch(ctx.model, found.node, found.graph)
            check_supported(model)
            ctx = Context(model, None)
            ctx.values.update(model.constants)
    values = [ctx.values[o.name] for o in case.model.graph.output]
    return [
        v.array if isinstance(v, Constant) else floats(v.values()) for v in values if isinstance(v, Constant | Exact)
    ]


def trials(case: Case, output: int, *, function: bool) -> Iterator[Trial]:
    """The ways to put one output of a case, the most direct one first; with `function` there is a quantizer behind it."""
    x = case.inputs[0]
    if case.node.op_type in FRAMES or (case.node.op_type in ROWS and x.ndim == 2):
        yield _trial(case, output, function, lift=False)
        return
    if x.ndim > 1 and x.shape[0] == 1:
        yield _trial(case, output, function, lift=False)
    yield _trial(case, output, function, lift=True)


def _trial(case: Case, output: int, function: bool, *, lift: bool) -> Trial:
    arrays = list(case.inputs)
    stored = case.outputs[output]
    if stored.dtype.kind in "OSU":
        raise CompileError("E016", "the result of the case is no tensor of numbers")
    if not np.isfinite(stored.astype(np.float64)).all():
        raise CompileError("E009", "the result of the case has NaN or infinity, which no integers stand for")
    arrays[0], input_type = _on_grid(arrays[0], FUNCTION_BITS if function else INPUT_BITS)
    if case.node.op_type in WEIGHTED:
        arrays[1] = _rounded(arrays[1], WEIGHT_BITS)
    same = all((a == b).all() for a, b in zip(arrays, case.inputs))
    expected = stored if same else np.asarray(_reference(case.model, arrays)[output])
    proto = ModelProto()
    proto.CopyFrom(case.model)
    shape = (1, *arrays[0].shape) if lift else (1, *arrays[0].shape[1:])
    node = proto.graph.node[0]
    if lift:
        _lift(node, arrays, max(o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")))
    _promote(proto, arrays, 1)
    source = proto.graph.input[0]
    source.type.CopyFrom(helper.make_tensor_type_proto(source.type.tensor_type.elem_type, shape))
    sink = node.output[output]
    step = 0.0
    if function:
        step = 2.0 ** (
            ceil(log2(max(float(np.abs(stored.astype(np.float64)).max(initial=0)), 2.0**-20))) - OUTPUT_BITS + 2
        )
        sink = _quantized(proto, sink, step)
    del proto.graph.output[:]
    proto.graph.output.append(helper.make_empty_tensor_value_info(sink))
    samples = arrays[0][None] if lift else arrays[0]
    if stored.dtype.kind in "iub":
        return Trial(proto.SerializeToString(), input_type, samples, expected, None)
    room = np.abs(expected.astype(np.float64) - stored) + step + 1e-5 * (1 + float(np.abs(stored).max(initial=0)))
    return Trial(proto.SerializeToString(), input_type, samples, stored, room)


def _reference(model: ModelProto, arrays: list[Array]) -> list[Any]:
    """What the standard's own evaluator gives for other inputs. Raises CompileError E040 where it cannot."""
    feeds = {v.name: a for v, a in zip(model.graph.input, arrays)}
    try:
        return list(ReferenceEvaluator(model).run(None, feeds))  # pyright: ignore[reportArgumentType]
    except Exception as error:  # the evaluator raises many kinds
        raise CompileError("E040", f"the standard's evaluator cannot run this case: {error}") from error


def _on_grid(x: Array, bits: int) -> tuple[Array, str | None]:
    """The samples moved to integers of a fixed step, and the input type that says so; None for integers of the file."""
    if x.dtype.kind in "iu":
        if x.dtype.itemsize < 8 and x.dtype != np.uint32:
            return x, None
        low, high = int(x.min(initial=0)), int(x.max(initial=0))
        return x, f"int{max(abs(low), abs(high) + 1).bit_length() + 1}"
    if x.dtype.kind != "f":
        return x, None
    if not np.isfinite(x).all():
        raise CompileError("E009", "the case has NaN or infinity, which no integers stand for")
    if (x >= 0).all():
        top = ceil(log2(max(float(x.max(initial=0)), 2.0**-20))) + 1
        return _rounded(x, bits, top), f"ufixed<{bits},{top}>"
    top = ceil(log2(max(float(np.abs(x).max(initial=0)), 2.0**-20))) + 2  # the sign, and a power of two itself
    return _rounded(x, bits, top), f"fixed<{bits},{top}>"


def _rounded(x: Array, bits: int, top: int | None = None) -> Array:
    if x.dtype.kind != "f":
        return x
    top = ceil(log2(max(float(np.abs(x).max(initial=0)), 2.0**-20))) + 2 if top is None else top
    step = 2.0 ** (top - bits)
    return (np.rint(x.astype(np.float64) / step) * step).astype(x.dtype)


def _promote(proto: ModelProto, arrays: list[Array], first: int) -> None:
    """The operands from `first` on become initialisers, under the names that the node has for them."""
    elems = {v.name: v.type.tensor_type.elem_type for v in proto.graph.input}
    names = [n for n in proto.graph.node[0].input if n]
    if len(proto.graph.node) > 1 or len(names) != len(arrays):
        names = [v.name for v in proto.graph.input]
    del proto.graph.input[first:]
    for name, array in list(zip(names, arrays, strict=True))[first:]:
        if array.dtype.kind == "V":  # NumPy has no such type
            tensor = helper.make_tensor(name, elems[name], array.shape, np.ravel(array).tolist())
        else:
            tensor = numpy_helper.from_array(array, name)
        proto.graph.initializer.append(tensor)


def _quantized(proto: ModelProto, name: str, step: float) -> str:
    """The tensor behind a quantizer of that step."""
    parameters = {"trial scale": step, "trial zero": 0.0, "trial bits": float(OUTPUT_BITS)}
    proto.graph.initializer.extend(numpy_helper.from_array(np.array(v, np.float32), k) for k, v in parameters.items())
    operands = [name, *parameters]
    node = helper.make_node(
        "Quant", operands, ["trial"], domain="onnx.brevitas", signed=1, narrow=0, rounding_mode="ROUND"
    )
    proto.graph.node.append(node)
    return "trial"


def _lift(node: NodeProto, arrays: list[Array], opset: int) -> None:
    """The node on a tensor with one more axis in front, the batch: every axis that it names is one further."""
    rank = arrays[0].ndim
    op, attributes = node.op_type, {a.name: helper.get_attribute_value(a) for a in node.attribute}
    named = dict(attributes)
    whole = list(range(1, rank + 1))

    def further(axes: Any) -> list[int]:
        return [int(a) + 1 if a >= 0 else int(a) for a in np.ravel(axes)]

    def operand(index: int) -> Array | None:
        """An operand that the case has. Cases give their operands in order, absent ones left out."""
        given = [n for n in node.input if n]
        name = node.input[index] if index < len(node.input) else ""
        return arrays[given.index(name)] if name else None

    def give(index: int, values: list[int]) -> None:
        if operand(index) is None:
            node.input.extend([""] * (index + 1 - len(node.input)))
            node.input[index] = f"trial operand {index}"
            arrays.insert(sum(1 for n in node.input[:index] if n), np.array(values, np.int64))
        else:
            arrays[[n for n in node.input if n].index(node.input[index])] = np.array(values, np.int64)

    axis = {"Gather": 0, "Split": 0, "ArgMax": 0, "QuantizeLinear": 1, "DequantizeLinear": 1, "Concat": 0}
    if op in axis or "axis" in named:
        value = int(named.get("axis", axis.get(op, -1)))
        if op != "Softmax" or "axis" in named or opset < 13:
            named["axis"] = value + 1 if value >= 0 else value
    if op in ("QuantizeLinear", "DequantizeLinear"):
        for i in range(1, len(arrays)):
            arrays[i] = arrays[i][None] if arrays[i].ndim == rank > 1 else arrays[i]
    if op == "Transpose":
        named["perm"] = [0, *further(named.get("perm", list(reversed(range(rank)))))]
    if op == "Reshape":
        give(1, [1, *(int(d) for d in arrays[1])])
    if op.startswith("Reduce") or op in ("Squeeze", "Unsqueeze"):
        given = operand(1) if operand(1) is not None else named.get("axes")
        default = [a + 1 for a, d in enumerate(arrays[0].shape) if d == 1] if op == "Squeeze" else whole
        empty = given is None or not len(given)
        if not (empty and named.get("noop_with_empty_axes")):
            axes = default if empty else further(given)
            if "axes" in defs.get_schema(op, opset).attributes:
                named["axes"] = axes
            else:
                give(1, axes)
    if op == "Slice" and operand(1) is not None:
        axes = operand(3)
        give(3, further(np.arange(len(arrays[1])) if axes is None else axes))
    if op == "Pad" and operand(1) is not None:
        axes = operand(3)
        if axes is not None:
            give(3, further(axes))
        else:
            pads = [int(p) for p in arrays[1]]
            give(1, [0, *pads[:rank], 0, *pads[rank:]])
    del node.attribute[:]
    node.attribute.extend(helper.make_attribute(k, v) for k, v in named.items())
