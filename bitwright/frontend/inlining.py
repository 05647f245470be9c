"""Model-local functions and chosen branches of conditionals, put into the graph in place of the nodes that name them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, helper

from ..errors import CompileError, Origin, quoted

MAX_NODES = 100_000
MAX_DEPTH = 64

Key = tuple[str, str, str]
Rename = Callable[[str], str]
Placed = tuple[NodeProto, int]
"""A node, and the index in the file of the node that it came from."""


def graphs(proto: ModelProto) -> Iterator[tuple[Iterable[NodeProto], GraphProto | None]]:
    """The nodes of the main graph, of all functions and of all subgraphs, and the graph that they are in (if any)."""
    stack: list[tuple[Iterable[NodeProto], GraphProto | None]] = [(proto.graph.node, proto.graph)]
    stack += [(f.node, None) for f in proto.functions]
    while stack:
        nodes, graph = stack.pop()
        yield nodes, graph
        for node in nodes:
            for attribute in node.attribute:
                stack += [(g.node, g) for g in _subgraphs(attribute)]


def _subgraphs(attribute: AttributeProto) -> list[GraphProto]:
    return [*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs]


def without_functions(proto: ModelProto, opset: int) -> list[Placed]:
    """The nodes of the main graph, calls of the file's own functions replaced by their bodies, in order.

    Raises E003 for a function of another opset, E004 for too many nodes or levels, E006 for two functions of one name.
    """
    placed = [(n, i) for i, n in enumerate(proto.graph.node)]
    if not proto.functions:
        return placed
    functions: dict[Key, FunctionProto] = {}
    for f in proto.functions:
        if functions.setdefault((f.domain, f.name, f.overload), f) is not f:
            raise CompileError("E006", f"function {quoted(f.name)} is defined twice")
    prefix = fresh(proto)
    result: list[Placed] = []
    calls = 0
    stack: list[tuple[NodeProto, int, int]] = [(n, i, 0) for n, i in reversed(placed)]
    while stack:
        node, index, depth = stack.pop()
        function = functions.get((node.domain, node.op_type, node.overload))
        if function is None:
            result.append((node, index))
        else:
            origin = Origin(node.op_type, node.name, index)
            if depth >= MAX_DEPTH:
                message = f"functions call each other more than {MAX_DEPTH} levels deep"
                raise CompileError("E004", message, origin=origin)
            _check_opset(function, opset, origin)
            calls += 1
            body = _body(function, node, f"{prefix}{calls}:")
            stack += [(n, index, depth + 1) for n in reversed(body)]
        if len(result) + len(stack) > MAX_NODES:
            raise CompileError("E004", f"the graph has more than {MAX_NODES:,} nodes, its functions counted in")
    return result


def _check_opset(function: FunctionProto, opset: int, origin: Origin) -> None:
    for other in function.opset_import:
        if other.domain in ("", "ai.onnx") and other.version != opset:
            message = f"function {quoted(function.name)} is of opset {other.version}, but the model of opset {opset}"
            raise CompileError("E003", message, origin=origin, hint="convert the model with onnx.version_converter")


def fresh(proto: ModelProto) -> str:
    """A string that no name of a tensor in the file begins with."""
    prefix = "inlined"
    names = {name for nodes, graph in graphs(proto) for name in _names(nodes, graph)}
    while any(n.startswith(prefix) for n in names):
        prefix += "_"
    return prefix


def _names(nodes: Iterable[NodeProto], graph: GraphProto | None) -> Iterator[str]:
    for node in nodes:
        yield from node.input
        yield from node.output
    if graph is not None:
        yield from (v.name for part in (graph.input, graph.output, graph.initializer) for v in part)


def _body(function: FunctionProto, call: NodeProto, prefix: str) -> list[NodeProto]:
    """The function's nodes with the call's tensors and attributes, all other tensors under names of their own."""
    actual = dict(zip(function.input, [*call.input, *[""] * len(function.input)]))
    actual |= {formal: given for formal, given in zip(function.output, call.output) if given}
    given = {a.name: a for a in call.attribute}
    for default in function.attribute_proto:
        given.setdefault(default.name, default)
    return [_renamed(n, lambda name: actual.get(name, prefix + name), given) for n in function.node]


def _renamed(node: NodeProto, rename: Rename, given: Mapping[str, AttributeProto] | None) -> NodeProto:
    """A copy of the node under other names; `given` are the attributes of the function's call, for those that refer to one."""
    copy = NodeProto()
    copy.CopyFrom(node)
    todo = [copy]
    while todo:
        inner = todo.pop()
        inner.input[:] = [rename(n) if n else "" for n in inner.input]
        inner.output[:] = [rename(n) if n else "" for n in inner.output]
        if given is not None:
            _resolve(inner, given)
        for attribute in inner.attribute:
            for graph in _subgraphs(attribute):
                todo += graph.node
                for value in (*graph.input, *graph.output, *graph.initializer):
                    value.name = rename(value.name)
    return copy


def _resolve(node: NodeProto, given: Mapping[str, AttributeProto]) -> None:
    """Attributes that refer to one of the call: its value, or nothing where the call has none."""
    if not any(a.ref_attr_name for a in node.attribute):
        return
    kept: list[AttributeProto] = []
    for attribute in node.attribute:
        value = given.get(attribute.ref_attr_name) if attribute.ref_attr_name else attribute
        if value is not None:
            copy = AttributeProto()
            copy.CopyFrom(value)
            copy.name = attribute.name
            kept.append(copy)
    del node.attribute[:]
    node.attribute.extend(kept)


def with_branch(proto: ModelProto, place: int, branch: GraphProto) -> list[NodeProto]:
    """The graph's nodes with a conditional replaced by one of its branches; the branch's constants become the graph's."""
    prefix = fresh(proto)
    defined = {name for n in branch.node for name in n.output if name} | {t.name for t in branch.initializer}

    def rename(name: str) -> str:
        return prefix + ":" + name if name in defined else name

    conditional = proto.graph.node[place]
    body = [_renamed(n, rename, None) for n in branch.node]
    for tensor in branch.initializer:
        copy = proto.graph.initializer.add()
        copy.CopyFrom(tensor)
        copy.name = rename(tensor.name)
    results = [helper.make_node("Identity", [rename(v.name)], [given])
               for v, given in zip(branch.output, conditional.output) if given]  # fmt: skip
    nodes = list(proto.graph.node)
    return [*nodes[:place], *body, *results, *nodes[place + 1 :]]
