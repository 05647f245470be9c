"""From a Keras file to ONNX nodes, layer by layer. The codes of what may be refused on the way, beside the general ones:

E045 the file is no Keras model, or is damaged    E046 layers that are not supported
E047 a form of a layer that is not supported      E048 a quantizer that is not supported
E049 weights that are missing or do not fit their layer
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from onnx import ModelProto

from ...errors import CompileError, Origin, quoted
from . import linear, moves  # noqa: F401  # pyright: ignore[reportUnusedImport]  (they register the layers)
from .archive import Archive
from .builder import Builder, Tensor
from .layer import LAYERS, Layer
from .network import Network, Ref, Spec, read_network

SUFFIXES = (".keras", ".h5", ".hdf5")
MAX_LISTED = 10
OWN_CODE = ("Lambda", "TFOpLambda", "SlicingOpLambda", "OperatorLambda")


@dataclass(frozen=True, eq=False)
class Translated:
    """The model, and for each of its nodes the layer that it came from."""

    proto: ModelProto
    origins: tuple[Origin, ...]


def read(data: bytes) -> Translated:
    """Raises CompileError E004–E016, E026, E027, E045–E049, E390."""
    archive = Archive(data)
    network = read_network(archive.config)
    _check_supported(network)
    net = Builder(generation=_generation(archive.config))
    results: dict[Ref, Tensor] = {}
    for call in network.calls:
        spec = net.current = call.spec
        operands = tuple(results[r] for r in call.operands)
        if not operands and spec.kind != "InputLayer":
            raise net.refuse("E045", "the layer has no operands, and is no input")
        path = (*spec.parents, spec)
        arrays = archive.arrays([p.name for p in path], [p.key for p in path], spec.origin)
        here = Layer(net, spec, arrays, operands)
        try:
            results[call.ref] = LAYERS[spec.kind](here)
        except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
            message = f"the layer's configuration and weights do not fit together ({error})"
            raise net.refuse("E047", message) from error
    if not net.inputs:
        raise CompileError("E045", "the model has no input")
    taken = {i.name for i in net.inputs}
    name = network.output[0] if network.output[0] not in taken else f"{network.output[0]} result"
    return Translated(net.model(results[network.output], name), tuple(net.origins))


def _generation(config: dict[str, object]) -> int:
    """Keras 3 writes a DTypePolicy, and `batch_shape` where Keras 2 has `batch_input_shape`."""
    return 2 if '"batch_input_shape"' in json.dumps(config) else 3


def _check_supported(network: Network) -> None:
    """Raise E046 with all the layers that there is no reader for."""
    missing: dict[str, list[Spec]] = {}
    for call in network.calls:
        if call.spec.kind not in LAYERS:
            missing.setdefault(call.spec.kind, []).append(call.spec)
    if not missing:
        return
    listed = [f"{quoted(kind)[1:-1]} ({', '.join(quoted(s.label) for s in specs[:3])}{', …' if len(specs) > 3 else ''})"
              for kind, specs in list(missing.items())[:MAX_LISTED]]  # fmt: skip
    more = f", and {len(missing) - MAX_LISTED} more" if len(missing) > MAX_LISTED else ""
    what = "a kind of layer that is" if len(missing) == 1 else f"{len(missing)} kinds of layers that are"
    first = next(iter(missing.values()))[0]
    hint = "replace it by layers of Keras, QKeras or HGQ2 that are listed in the README"
    if first.kind in OWN_CODE:
        hint = "code in a model file is never run: replace it by layers of Keras, or move it in front of the model"
    raise CompileError(
        "E046", f"the model has {what} not supported: {', '.join(listed)}{more}", origin=first.origin, hint=hint
    )
