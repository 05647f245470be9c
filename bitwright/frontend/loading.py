"""A model file → `Model`: parsed, and all checked that the rules rely on. onnx.checker is not trusted for that."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from ..errors import CompileError, Origin, quoted
from . import inlining, keras
from .elem import Elem
from .inlining import MAX_NODES, without_functions
from .input_shape import Shapes, frozen_shapes
from .model import Constant, Model, OnnxNode, Port
from .tensors import check_shape, constant

MAX_BYTES = 1 << 30
OLDEST_OPSET, NEWEST_OPSET = 7, 27
DEFAULT_DOMAINS = ("", "ai.onnx")


def load_model(source: str | os.PathLike[str] | bytes, shapes: Shapes | None = None) -> Model:
    """Read and validate a file (or its bytes). `shapes` fixes those of graph inputs by name.

    Raises CompileError E001–E016, E041, for a Keras file also E026–E028 and E045–E049.
    """
    data, folder = _read(source)
    if not isinstance(source, bytes) and Path(source).suffix.lower() in keras.SUFFIXES:
        return _of_keras(data, shapes)
    return _of_onnx(data, folder, shapes)


def _of_keras(data: bytes, shapes: Shapes | None) -> Model:
    """The model as ONNX, its nodes named after the layers that they come from."""
    read = keras.read(data)
    model = _of_onnx(read.proto.SerializeToString(), None, shapes)
    nodes = tuple(replace(n, origin=read.origins[n.place]) for n in model.nodes)
    return replace(model, nodes=nodes, sha256=hashlib.sha256(data).hexdigest())


def _of_onnx(data: bytes, folder: Path | None, shapes: Shapes | None) -> Model:
    proto = ModelProto()
    try:
        proto.ParseFromString(data)
    except DecodeError as error:
        raise CompileError("E002", f"this is not an ONNX file ({error})") from error
    graph = proto.graph
    if not graph.node and not graph.output:
        raise CompileError("E002", "this is not an ONNX file: it has no graph")
    if len(graph.node) > MAX_NODES:
        raise CompileError("E004", f"the graph has {len(graph.node)} nodes; the limit is {MAX_NODES}")
    _check_names(proto)
    opsets = _opsets(proto)
    constants = _initialisers(graph, folder)
    inputs = tuple(_port(v, "input") for v in graph.input if v.name not in constants)
    outputs = tuple(_port(v, "output") for v in graph.output)
    placed = without_functions(proto, opsets.get("", OLDEST_OPSET))
    flat = _with_nodes(proto, [n for n, _ in placed]) if proto.functions else proto
    nodes = [_node(n, place, i, folder) for place, (n, i) in enumerate(placed)]
    inputs = frozen_shapes(inputs, shapes or {})
    outputs = _computed(nodes, inputs, outputs)
    ordered = _ordered(nodes, set(constants), inputs, outputs)
    digest = hashlib.sha256(data).hexdigest()
    return Model(ordered, constants, inputs, outputs, opsets, digest, flat, tuple(i for _, i in placed), folder)


def with_branch(model: Model, node: OnnxNode, branch: GraphProto) -> Model:
    """The model with a conditional replaced by one of its branches, which the file's data decide."""
    proto = ModelProto()
    proto.CopyFrom(model.proto)
    before = len(proto.graph.initializer)
    fresh = inlining.with_branch(proto, node.place, branch)
    added = len(fresh) - len(model.places)
    if len(fresh) > MAX_NODES:
        raise CompileError("E004", f"the graph has {len(fresh)} nodes; the limit is {MAX_NODES}", origin=node.origin)
    here = node.place
    places = (*model.places[:here], *[node.origin.index] * (added + 1), *model.places[here + 1 :])
    more = {t.name: constant(t, model.folder, node.origin) for t in proto.graph.initializer[before:]}
    constants = {**model.constants, **more}
    nodes = [_node(n, place, i, model.folder) for place, (n, i) in enumerate(zip(fresh, places))]
    ordered = _ordered(nodes, set(constants), model.inputs, model.outputs)
    flat = _with_nodes(proto, fresh)
    return replace(model, nodes=ordered, constants=constants, proto=flat, places=places)


def _with_nodes(proto: ModelProto, nodes: list[NodeProto]) -> ModelProto:
    """The model with these nodes as its graph's, and without functions."""
    copies = [NodeProto() for _ in nodes]
    for copy, node in zip(copies, nodes):
        copy.CopyFrom(node)
    del proto.graph.node[:]
    del proto.functions[:]
    proto.graph.node.extend(copies)
    return proto


def _read(source: str | os.PathLike[str] | bytes) -> tuple[bytes, Path | None]:
    if isinstance(source, bytes):
        if len(source) > MAX_BYTES:
            raise CompileError("E004", f"the model has {len(source):,} bytes; the limit is {MAX_BYTES:,}")
        return source, None
    path = Path(source)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise CompileError("E004", f"{quoted(path.name)} has {size:,} bytes; the limit is {MAX_BYTES:,}")
        return path.read_bytes(), path.resolve().parent
    except OSError as error:
        raise CompileError("E001", f"{quoted(str(path))} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CompileError("E001", f"{quoted(str(path))} is no file name: {error}") from error


def _check_names(proto: ModelProto) -> None:
    """Raise E002 if a name is not UTF-8; protobuf hands such a one over as bytes."""
    names: list[Any] = [o.domain for o in proto.opset_import]
    tensors: list[TensorProto] = []
    for f in proto.functions:
        names += [f.name, f.domain, f.overload, *f.input, *f.output, *f.attribute, *(o.domain for o in f.opset_import)]
        names += [a.name for a in f.attribute_proto]
    for nodes, graph in inlining.graphs(proto):
        if graph is not None:
            names += [v.name for v in (*graph.input, *graph.output)]
            tensors += graph.initializer
        for node in nodes:
            names += [node.op_type, node.name, node.domain, node.overload, *node.input, *node.output]
            names += [text for a in node.attribute for text in (a.name, a.ref_attr_name)]
            tensors += [a.t for a in node.attribute if a.HasField("t")]
    for tensor in tensors:
        names += [tensor.name, *(v for e in tensor.external_data for v in (e.key, e.value))]
    if not all(isinstance(n, str) for n in names):
        raise CompileError("E002", "this is not an ONNX file: a name in it is not UTF-8")


def _opsets(proto: ModelProto) -> Mapping[str, int]:
    opsets: dict[str, int] = {}
    for o in proto.opset_import:
        domain = "" if o.domain in DEFAULT_DOMAINS else o.domain
        if opsets.setdefault(domain, o.version) != o.version:
            message = f"the file imports two versions of the operator set {quoted(domain or 'ai.onnx')}"
            raise CompileError("E003", message)
    version = opsets.get("", OLDEST_OPSET)
    if not OLDEST_OPSET <= version <= NEWEST_OPSET:
        message = f"opset {version} is not supported; versions {OLDEST_OPSET} to {NEWEST_OPSET} are"
        raise CompileError("E003", message, hint="convert the model with onnx.version_converter")
    return opsets


def _initialisers(graph: GraphProto, folder: Path | None) -> dict[str, Constant]:
    if graph.sparse_initializer:
        raise CompileError("E012", "sparse initialisers are not supported", hint="store the tensors densely")
    constants: dict[str, Constant] = {}
    for tensor in graph.initializer:
        if not tensor.name:
            raise CompileError("E012", "an initialiser has no name")
        if tensor.name in constants:
            raise CompileError("E006", f"tensor {quoted(tensor.name)} is defined twice")
        constants[tensor.name] = constant(tensor, folder)
    return constants


def _port(value: ValueInfoProto, what: str) -> Port:
    if not value.name:
        raise CompileError("E012", f"a graph {what} has no name")
    label = f"{what} {quoted(value.name)}"
    if value.type.WhichOneof("value") not in (None, "tensor_type"):
        raise CompileError("E016", f"{label} is not a tensor")
    tensor = value.type.tensor_type
    elem = Elem.of_code(tensor.elem_type, label) if tensor.elem_type or what == "input" else Elem.FLOAT32
    if not tensor.HasField("shape"):
        return Port(value.name, elem, None, bool(tensor.elem_type))
    shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
    check_shape(tuple(1 if d is None else d for d in shape), label)
    return Port(value.name, elem, shape, bool(tensor.elem_type))


def _computed(nodes: list[OnnxNode], inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> tuple[Port, ...]:
    """The outputs, without those that are the same for every input where there are others.

    Some exporters list the scale and the width of the result as outputs beside it.
    """
    if len(outputs) < 2:
        return outputs
    readers: dict[str, list[OnnxNode]] = {}
    for node in nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    reached: set[str] = set()
    stack = [p.name for p in inputs]
    while stack:
        name = stack.pop()
        if name not in reached:
            reached.add(name)
            stack += [o for n in readers.get(name, []) for o in n.outputs if o]
    return tuple(p for p in outputs if p.name in reached) or outputs


def _node(node: NodeProto, place: int, index: int, folder: Path | None) -> OnnxNode:
    origin = Origin(node.op_type, node.name, index)
    domain = "" if node.domain in DEFAULT_DOMAINS else node.domain
    attributes: dict[str, Any] = {}
    for attribute in node.attribute:
        if attribute.name in attributes:
            raise CompileError("E013", f"attribute {quoted(attribute.name)} is given twice", origin=origin)
        attributes[attribute.name] = _attribute(attribute, folder, origin)
    return OnnxNode(origin, domain, node.op_type, tuple(node.input), tuple(node.output), attributes, place)


def _attribute(attribute: AttributeProto, folder: Path | None, origin: Origin) -> Any:
    """A Python value: int, float, str, tuple of those, or Constant. Subgraphs stay as they are: no rule takes them."""
    if attribute.ref_attr_name:
        message = f"attribute {quoted(attribute.name)} stands for one of a function, but the node is in none"
        raise CompileError("E013", message, origin=origin)
    if attribute.type == AttributeProto.TENSOR:
        return constant(attribute.t, folder, origin)
    try:
        value = helper.get_attribute_value(attribute)
        if isinstance(value, bytes):
            return value.decode("utf-8")
        if attribute.type in (AttributeProto.FLOATS, AttributeProto.INTS):
            return tuple(value)
    except (ValueError, TypeError) as error:
        message = f"attribute {quoted(attribute.name)} cannot be read: {quoted(str(error))[1:-1]}"
        raise CompileError("E013", message, origin=origin) from error
    return value


def _ordered(
    nodes: list[OnnxNode], constants: set[str], inputs: tuple[Port, ...], outputs: tuple[Port, ...]
) -> tuple[OnnxNode, ...]:
    """The nodes that the outputs need, operands first, else in the file's order. Raises E006, E007, E008."""
    maker = _makers(nodes, constants, inputs)
    known = constants | {p.name for p in inputs}
    done: set[int] = set()
    active: set[int] = set()
    order: list[OnnxNode] = []
    for port in outputs:
        if port.name not in maker and port.name not in known:
            raise CompileError("E007", f"output {quoted(port.name)} is not defined by any node")
    stack = [maker[p.name] for p in reversed(outputs) if p.name in maker]
    while stack:
        index = stack[-1]
        node = nodes[index]
        if index in done:
            stack.pop()
            continue
        missing = [maker[i] for i in node.inputs if i in maker and maker[i] not in done]
        if not missing:
            done.add(stack.pop())
            active.discard(index)
            order.append(node)
            continue
        if any(m in active for m in missing) or index in missing:
            raise CompileError("E008", "the graph has a cycle through this node", origin=node.origin)
        active.add(index)
        stack.extend(reversed(missing))
    if _sorted(order):
        order.sort(key=lambda n: n.place)
    for node in order:
        for name in node.inputs:
            if name and name not in maker and name not in known:
                message = f"tensor {quoted(name)} is used, but never defined"
                hint = "an initialiser may be missing from the file"
                raise CompileError("E007", message, origin=node.origin, hint=hint)
    return tuple(order)


def _makers(nodes: list[OnnxNode], constants: set[str], inputs: tuple[Port, ...]) -> dict[str, int]:
    """Which node defines a name. Raises E006 if two things do."""
    maker: dict[str, int] = {}
    taken = set(constants)
    for port in inputs:
        if port.name in taken:
            raise CompileError("E006", f"input {quoted(port.name)} is defined twice")
        taken.add(port.name)
    for index, node in enumerate(nodes):
        for name in filter(None, node.outputs):
            if name in taken:
                raise CompileError("E006", f"tensor {quoted(name)} is defined twice", origin=node.origin)
            taken.add(name)
            maker[name] = index
    return maker


def _sorted(order: list[OnnxNode]) -> bool:
    """Whether the file's own order has operands first, as ONNX demands; then it is kept."""
    position = {name: n.place for n in order for name in n.outputs if name}
    return all(position.get(i, -1) < n.place for n in order for i in n.inputs)
