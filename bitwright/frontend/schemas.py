"""The operator definitions that come with the onnx package: what a node of the default domain may look like."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import defs

from ..errors import CompileError, quoted
from .elem import Elem
from .model import OnnxNode

_NAMES = {Elem.FLOAT32: "float", Elem.FLOAT64: "double"}


def schema_of(node: OnnxNode, opset: int) -> defs.OpSchema | None:
    """The definition in that opset; None if onnx has none (then a rule decides alone)."""
    if node.domain or not defs.has(node.op_type, opset):
        return None
    return defs.get_schema(node.op_type, opset)


def check_form(node: OnnxNode, opset: int) -> None:
    """Raise E013 unless operands, results and attributes are as many and named as the definition has them."""
    schema = schema_of(node, opset)
    if schema is None:
        return
    for what, names, least, most in (
        ("operands", node.inputs, schema.min_input, schema.max_input),
        ("results", node.outputs, schema.min_output, schema.max_output),
    ):
        count = len(names)
        if not least <= count <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            message = f"{node.op_type} has {count} {what}; in opset {opset} it has {wanted}"
            raise CompileError("E013", message, origin=node.origin)
    for name in node.attributes:
        if name not in schema.attributes:
            message = f"{node.op_type} has no attribute {quoted(name)} in opset {opset}"
            raise CompileError("E013", message, origin=node.origin)
    for name, attribute in schema.attributes.items():
        if attribute.required and name not in node.attributes:
            raise CompileError("E013", f"attribute {quoted(name)} is missing", origin=node.origin)


def check_types(node: OnnxNode, opset: int, elems: Sequence[Elem | None]) -> None:
    """Raise E016 unless the operands' element types (None: absent) are what the definition allows, and consistent."""
    schema = schema_of(node, opset)
    if schema is None or not schema.inputs:
        return
    allowed = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    bound: dict[str, Elem] = {}
    for i, elem in enumerate(elems):
        formal = schema.inputs[min(i, len(schema.inputs) - 1)]
        if elem is None:
            continue
        label = f"tensor({_NAMES.get(elem, elem.label)})"
        if label not in allowed.get(formal.type_str, [formal.type_str]):
            message = f"operand {i} of {node.op_type} is {elem.label}, which it may not be in opset {opset}"
            raise CompileError("E016", message, origin=node.origin)
        other = bound.setdefault(formal.type_str, elem)
        if other is not elem and formal.is_homogeneous:
            message = f"operands of {node.op_type} are {other.label} and {elem.label}; they must be of one type"
            raise CompileError("E016", message, origin=node.origin)
