"""What a float runtime makes of a model: every tensor of it, on given samples.

Plain ONNX runs in onnxruntime with all graph optimisations off; a model with QONNX operators node by node, those in
NumPy as the qonnx package defines them, the others in onnxruntime. Both packages are imported here alone, when used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, TypeProto, helper

from ..errors import CompileError
from . import fixed_reference
from .model import Constant, Model, OnnxNode
from .registry import OWN, QONNX

MICROSOFT = "com.microsoft"
UNPACKED = "bitwright: "
QONNX_OPERATORS = ("Quant", "IntQuant", "BipolarQuant", "Trunc", "MultiThreshold")
NEWEST_IR = 10

Tensors = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Names of tensors: those that depend on the input, those that do not, and which of all are integers of 4 bits."""

    dependent: Sequence[str]
    constant: Sequence[str] = ()
    packed: Collection[str] = ()


def run(model: Model, samples: np.ndarray, wanted: Wanted) -> Tensors:
    """What a runtime has in those tensors, samples along axis 0. `samples` are (n, *frame), in the input's units.

    A tensor that depends on the input and whose axis 0 is the batch of one frame comes out as (n, …); a constant as it
    is. Raises CompileError E390 where a runtime is missing, E040 where it cannot run the model.
    """
    port = model.inputs[0]
    others = list(wanted.constant)
    frames = np.ascontiguousarray(samples).astype(port.elem.carrier)
    try:
        step = (_custom_runner if _is_qonnx(model) else _plain_runner)(model, wanted)
        parts = [step({port.name: frame[None]}) for frame in frames]
    except ImportError as error:
        message = f"the comparison with ONNX needs a package that is not installed ({error.name})"
        raise CompileError("E390", message, hint="pip install 'bitwright[compare]'") from error
    except CompileError:
        raise
    except Exception as error:  # runtimes raise many kinds, some of them bare Exception
        first = str(error).strip().splitlines()[0][:400] if str(error).strip() else type(error).__name__
        raise CompileError("E040", f"the runtime cannot execute this model: {first}") from error
    whole = {name: parts[0][name] for name in others}
    return whole | {name: _stacked([p[name] for p in parts]) for name in parts[0] if name not in whole}


def _stacked(arrays: list[np.ndarray]) -> np.ndarray:
    batched = arrays[0].ndim and arrays[0].shape[0] == 1
    return np.concatenate(arrays) if batched else np.stack(arrays)


def _is_qonnx(model: Model) -> bool:
    return any((n.op_type in QONNX_OPERATORS and n.domain in QONNX) or n.domain in OWN for n in model.nodes)


def _engine(proto: ModelProto) -> Any:
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _plain_runner(model: Model, wanted: Wanted) -> Any:
    """The whole model in one engine, all wanted tensors made outputs."""
    proto = ModelProto()
    proto.CopyFrom(model.proto)
    _inline(proto.graph, model.constants)
    proto.ir_version = min(proto.ir_version, NEWEST_IR)
    _shaped(proto.graph, model)
    nodes = {n.place for n in model.nodes}
    kept = [n for i, n in enumerate(proto.graph.node) if i in nodes]
    del proto.graph.node[:]
    proto.graph.node.extend(kept)
    names = [*dict.fromkeys([*wanted.dependent, *wanted.constant])]
    seen = {name: _unpacked(proto, name) if name in wanted.packed else name for name in names}
    del proto.graph.output[:]
    proto.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in seen.values())
    engine = _engine(proto)
    return lambda feeds: dict(zip(names, engine.run(list(seen.values()), feeds)))


def _unpacked(proto: ModelProto, name: str) -> str:
    """A tensor of the values of one of 4-bit integers, which the engine cannot hand out."""
    if all(o.domain != MICROSOFT for o in proto.opset_import):
        proto.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
    scale, result = f"{UNPACKED}scale of {name}", f"{UNPACKED}{name}"
    proto.graph.initializer.append(helper.make_tensor(scale, TensorProto.FLOAT, (), [1.0]))
    proto.graph.node.append(helper.make_node("DequantizeLinear", [name, scale], [result], domain=MICROSOFT))
    return result


def _shaped(graph: GraphProto, model: Model) -> None:
    """The input with the shape that it was frozen to; what the file says of other tensors' shapes may be of another."""
    del graph.value_info[:]
    for value in graph.input:
        shape = model.inputs[0].shape
        if value.name == model.inputs[0].name and shape is not None:
            elem = value.type.tensor_type.elem_type
            value.type.CopyFrom(helper.make_tensor_type_proto(elem, [d or None for d in shape]))


def _inline(graph: GraphProto, constants: Mapping[str, Constant]) -> None:
    """Give the runtime the data that this frontend has read and checked, never a path of the file's choosing."""
    from onnx import numpy_helper

    for tensor in graph.initializer:
        if tensor.external_data:
            whole = numpy_helper.from_array(constants[tensor.name].array, tensor.name)
            if whole.data_type != tensor.data_type:
                raise CompileError("E040", "external data of packed types cannot be given to the runtime")
            tensor.CopyFrom(whole)


def _dependent(model: Model) -> list[str]:
    """The tensors that depend on the graph input, in order."""
    names = {model.inputs[0].name}
    order: list[str] = []
    for node in model.nodes:
        if names & set(node.inputs):
            fresh = [o for o in node.outputs if o and o not in names]
            names.update(fresh)
            order += fresh
    return order


def _custom_runner(model: Model, wanted: Wanted) -> Any:
    """Node by node; what does not depend on the input is computed once."""
    runners = {n.place: _NodeRunner(model, n) for n in model.nodes}
    dependent = set(_dependent(model)) | {model.inputs[0].name}
    constants: Tensors = {name: c.array for name, c in model.constants.items()}
    for node in model.nodes:
        if not dependent & set(node.outputs):
            runners[node.place](constants)

    def step(feeds: Tensors) -> Tensors:
        context = dict(constants) | feeds
        for node in model.nodes:
            if dependent & set(node.outputs):
                runners[node.place](context)
        return {name: context[name] for name in (*wanted.dependent, *wanted.constant)}

    return step


class _NodeRunner:
    """One node: in NumPy by qonnx's definition, or in an onnxruntime engine made at its first use."""

    def __init__(self, model: Model, node: OnnxNode) -> None:
        self.node, self.model, self.engine = node, model, None
        self.proto: NodeProto = model.proto.graph.node[node.place]
        self.custom = node.op_type in QONNX_OPERATORS and node.domain in QONNX

    def __call__(self, context: Tensors) -> None:
        if self.node.domain in OWN:
            operands = [context[i] for i in self.node.inputs]
            context[self.node.outputs[0]] = fixed_reference.run(self.node.op_type, operands, self.node.attributes)
            return
        if self.custom:
            self._define(context)
            return
        names = list(dict.fromkeys(i for i in self.node.inputs if i))
        if self.engine is None:
            self.engine = self._make(names, context)
        outputs = [o for o in self.node.outputs if o]
        context.update(zip(outputs, self.engine.run(outputs, {n: context[n] for n in names})))

    def _define(self, context: Tensors) -> None:
        from qonnx.custom_op.registry import getCustomOp

        proto = NodeProto()
        proto.CopyFrom(self.proto)
        proto.domain = "qonnx.custom_op.general"
        version = 2 if self.node.op_type == "Trunc" and len(self.node.inputs) > 5 else 1
        instance = getCustomOp(proto, onnx_opset_version=version)
        instance.execute_node(context, self.model.proto.graph)
        for name in self.node.outputs:
            context[name] = np.asarray(context[name], np.float32)

    def _make(self, names: Iterable[str], context: Tensors) -> Any:
        inputs = [helper.make_value_info(n, _type_of(context[n])) for n in names]
        outputs = [helper.make_empty_tensor_value_info(o) for o in self.node.outputs if o]
        graph = helper.make_graph([self.proto], "node", inputs, outputs)
        opsets = [helper.make_opsetid(domain, version) for domain, version in self.model.opsets.items()]
        return _engine(helper.make_model(graph, opset_imports=opsets, ir_version=NEWEST_IR))


def _type_of(array: np.ndarray) -> TypeProto:
    # The batch is the only axis that varies, and it is 1 here as well.
    return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
