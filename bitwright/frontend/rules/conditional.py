"""If on a condition that the file decides: one branch, in place of the node."""

from __future__ import annotations

from onnx import GraphProto

from ...errors import CompileError
from ..context import Branch, Context
from ..model import OnnxNode
from ..registry import rule
from ..values import Stream, Value


@rule("If")
def conditional(ctx: Context, node: OnnxNode) -> Value:
    """The walk starts again with the branch that is taken."""
    if isinstance(ctx.required(node, 0), Stream):
        message = "an If whose condition depends on the input is not supported"
        raise CompileError("E021", message, origin=node.origin, hint="compute both branches and select, or export one")
    condition = ctx.plain(node, 0, "condition")
    if condition.size != 1:
        raise CompileError("E011", "the condition must be one truth value", origin=node.origin)
    branch = node.attribute("then_branch" if condition.reshape(-1)[0] else "else_branch", GraphProto, None)
    if branch is None or len(branch.output) != len(node.outputs):
        raise CompileError("E013", "this If lacks the branch that is taken, or its results", origin=node.origin)
    raise Branch(node, branch)
