"""The IR as text: one value a line, large constants by name beside it. It parses back to the same graph."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from ..errors import CompileError, Origin
from .graph import Graph, Node, verify
from .op import REGISTRY, Codes, Op
from .types import IntType, TensorType

INLINE = 8  # arrays of at most so many entries, in one dimension, stand in the line itself

_NODE = re.compile(r"(\w+) = (\w+)\((\w+(?:, \w+)*)\)((?: \w+=\S+)*) : (\S+)(?:  # (.*))?")
_INPUT = re.compile(r"input (\w+) : (\S+)(?: lo=(\S+) hi=(\S+))?")
_TYPE = re.compile(r"((?:\d+x)*)([su]\d+)(?:\[(-?\d+)\.\.(-?\d+)\])?")


def print_graph(graph: Graph) -> tuple[str, dict[str, Codes]]:
    """The text, and the arrays that it refers to as `@value.field`."""
    constants: dict[str, Codes] = {}
    lines = [f"input {name} : {type_}{_channels(name, type_, constants)}" for name, type_ in graph.inputs.items()]
    for node in graph.nodes:
        attributes = "".join(f" {f.name}={_show(node, f.name, constants)}" for f in fields(node.op))
        origin = json.dumps([[o.op_type, o.name, o.index] for o in node.origin])
        where = f"  # {origin}" if node.origin else ""
        operands = ", ".join(node.inputs)
        lines.append(f"{node.name} = {node.op.mnemonic}({operands}){attributes} : {node.type}{where}")
    lines += [f"output {name}" for name in graph.outputs]
    return "\n".join(lines) + "\n", constants


def parse_graph(text: str, constants: Mapping[str, Codes]) -> Graph:
    """The inverse of `print_graph`. Raises CompileError E104 with the line that it cannot read."""
    inputs: dict[str, TensorType] = {}
    types: dict[str, TensorType] = {}
    nodes: list[Node] = []
    outputs: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            if match := _INPUT.fullmatch(line):
                inputs[match[1]] = types[match[1]] = _parse_input(match, constants)
            elif line.startswith("output "):
                outputs.append(line.removeprefix("output "))
            else:
                node = _parse_node(line, types, constants)
                types[node.name] = node.type
                nodes.append(node)
        except (ValueError, KeyError, TypeError) as error:
            raise CompileError(
                "E104", f"line {number} of the IR text cannot be read ({error}): {line[:200]}"
            ) from error
    graph = Graph(inputs, tuple(nodes), tuple(outputs))
    verify(graph)
    return graph


def parse_type(text: str) -> TensorType:
    """The inverse of `str(TensorType)`, up to the ranges of single channels."""
    match = _TYPE.fullmatch(text)
    if not match:
        raise ValueError(f"'{text}' is not a type")
    shape, elem = tuple(int(d) for d in match[1].split("x")[:-1]), IntType.parse(match[2])
    lo, hi = (int(match[3]), int(match[4])) if match[3] else (elem.lo, elem.hi)
    return TensorType(shape, elem, (lo,), (hi,))


def _channels(name: str, type_: TensorType, constants: dict[str, Codes]) -> str:
    """The ranges of an input's channels, where they differ."""
    if len(type_.lo) == 1:
        return ""
    lo, hi = (_array(f"{name}.{end}", np.array(getattr(type_, end)), constants) for end in ("lo", "hi"))
    return f" lo={lo} hi={hi}"


def _parse_input(match: re.Match[str], constants: Mapping[str, Codes]) -> TensorType:
    type_ = parse_type(match[2])
    if match[3] is None:
        return type_
    lo, hi = (tuple(int(v) for v in _constant(text, constants)) for text in (match[3], match[4]))
    return TensorType(type_.shape, type_.elem, lo, hi)


def _show(node: Node, name: str, constants: dict[str, Codes]) -> str:
    value = getattr(node.op, name)
    if not isinstance(value, np.ndarray):
        return json.dumps(value, separators=(",", ":"))
    return _array(f"{node.name}.{name}", value, constants)


def _array(key: str, value: Codes, constants: dict[str, Codes]) -> str:
    if value.ndim == 1 and value.size <= INLINE:
        return json.dumps(value.tolist(), separators=(",", ":"))
    constants[key] = value
    return f"@{key}"


def _constant(text: str, constants: Mapping[str, Codes]) -> Any:
    return constants[text[1:]] if text.startswith("@") else json.loads(text)


def _parse_node(line: str, types: Mapping[str, TensorType], constants: Mapping[str, Codes]) -> Node:
    match = _NODE.fullmatch(line)
    if not match:
        raise ValueError("expected 'value = op(operands) attributes : type'")
    name, mnemonic, operands, attributes, type_, origin = match.groups()
    inputs = tuple(operands.split(", "))
    op = _parse_op(mnemonic, attributes, constants)
    node = Node(
        name, op, inputs, op.infer(*(types[i] for i in inputs)), tuple(Origin(*o) for o in json.loads(origin or "[]"))
    )
    if str(node.type) != type_:
        raise ValueError(f"the type says {type_}, but the operands give {node.type}")
    return node


def _parse_op(mnemonic: str, attributes: str, constants: Mapping[str, Codes]) -> Op:
    values: dict[str, object] = {}
    for item in attributes.split():
        key, _, text = item.partition("=")
        value = _constant(text, constants)
        values[key] = np.array(value, np.int64) if isinstance(value, list) else value
    return REGISTRY[mnemonic](**values)
