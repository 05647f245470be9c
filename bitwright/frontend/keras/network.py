"""The configuration of a Keras model as calls of layers, in the order in which they can be evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...errors import CompileError, Origin, quoted
from .archive import snake_case

MAX_LAYERS = 100_000
MAX_DEPTH = 20
MODELS = ("Functional", "Model", "Sequential")
Ref = tuple[str, int]
"""A call: the layer's name, and the how-manieth of its calls."""


@dataclass(frozen=True, eq=False)
class Spec:
    """One layer as the file describes it. `key` is its name in the zip archive; `parents` are the models that it is in."""

    kind: str
    name: str
    key: str
    index: int
    config: Mapping[str, Any]
    build: Mapping[str, Any]
    parents: tuple[Spec, ...] = ()

    @property
    def label(self) -> str:
        """The name, behind those of the models that the layer is in."""
        return "/".join([*(p.name for p in self.parents), self.name])

    @property
    def origin(self) -> Origin:
        return Origin(self.kind, self.label, self.index)


@dataclass(frozen=True, eq=False)
class Call:
    """A layer applied to the results of other calls."""

    spec: Spec
    ref: Ref
    operands: tuple[Ref, ...]


@dataclass(frozen=True, eq=False)
class Network:
    """Calls, operands first, only those that the output needs."""

    calls: tuple[Call, ...]
    output: Ref


def read_network(config: Mapping[str, Any]) -> Network:
    """Raises CompileError E045 where the configuration makes no sense, E014 several inputs or outputs."""
    return _flat(_network(config), ())


def _network(config: Mapping[str, Any]) -> Network:
    """One model, those inside of it as single calls."""
    kind = class_of(config)
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else inner
    if kind not in MODELS or not isinstance(layers, list):
        message = (
            f"the model is a {quoted(kind)}, neither Sequential nor functional, so the file does not hold its layers"
        )
        raise CompileError(
            "E045", message, hint="build the model with keras.Sequential or keras.Model(inputs, outputs)"
        )
    if len(layers) > MAX_LAYERS:
        raise CompileError("E004", f"a model of {len(layers):,} layers is too large")
    specs = _specs(layers)
    if kind == "Sequential":
        return _sequential(specs)
    assert isinstance(inner, dict)
    return _functional(specs, layers, inner)


def _flat(network: Network, parents: tuple[Spec, ...]) -> Network:
    """The network with the layers of the models in it in their places."""
    if len(parents) > MAX_DEPTH:
        raise CompileError("E004", "the model has too many models inside each other", origin=parents[-1].origin)
    calls: list[Call] = []
    known: dict[Ref, Ref] = {}
    models: dict[str, Network] = {}
    for call in network.calls:
        spec, operands = replace(call.spec, parents=parents), tuple(known[r] for r in call.operands)
        ref = known[call.ref] = (replace(spec, name=call.ref[0]).label, call.ref[1])
        if spec.kind not in MODELS:
            calls.append(Call(spec, ref, operands))
            continue
        if len(operands) != 1:
            message = f"a model inside of the model has {len(operands)} operands; it must have one"
            raise CompileError("E014", message, origin=spec.origin)
        if spec.name not in models:
            models[spec.name] = _flat(_network({"class_name": spec.kind, "config": spec.config}), (*parents, spec))
        inner = models[spec.name]
        entry = [c for c in inner.calls if c.spec.kind == "InputLayer" and len(c.spec.parents) == len(parents) + 1]
        if len(entry) != 1:
            raise CompileError("E045", "a model inside of the model has no input", origin=spec.origin)
        own = {c.ref: (f"{c.ref[0]} {call.ref[1]}", c.ref[1]) for c in inner.calls} | {entry[0].ref: operands[0]}
        calls += [Call(c.spec, own[c.ref], tuple(own[r] for r in c.operands)) for c in inner.calls if c is not entry[0]]
        known[call.ref] = own[inner.output]
        if len(calls) > MAX_LAYERS:
            raise CompileError("E004", f"a model of more than {MAX_LAYERS:,} layers is too large")
    return Network(tuple(calls), known[network.output])


def class_of(value: Mapping[str, Any]) -> str:
    """The class's name without its package."""
    return str(value.get("class_name", "")).rsplit(">", 1)[-1]


def spec_of(layer: Any, key: str, index: int) -> Spec:
    """Raises E045 unless it is a layer's description."""
    config = layer.get("config") if isinstance(layer, dict) else None
    if not isinstance(config, dict):
        raise CompileError("E045", f"layer {index} of the model has no configuration")
    build = layer.get("build_config")
    name = str(layer.get("name") or config.get("name", ""))
    return Spec(class_of(layer), name, key, index, config, build if isinstance(build, dict) else {})


def _specs(layers: list[Any]) -> list[Spec]:
    """The zip archive numbers the layers of one class in their order."""
    counts: dict[str, int] = {}
    specs: list[Spec] = []
    names: set[str] = set()
    for index, layer in enumerate(layers):
        kind = class_of(layer) if isinstance(layer, dict) else ""
        base = snake_case(kind)
        number = counts.get(base, 0)
        counts[base] = number + 1
        spec = spec_of(layer, f"{base}_{number}" if number else base, index)
        if spec.name in names:
            raise CompileError("E006", f"two layers have the name {quoted(spec.name)}", origin=spec.origin)
        names.add(spec.name)
        specs.append(spec)
    return specs


def _sequential(specs: list[Spec]) -> Network:
    calls: list[Call] = []
    if specs and specs[0].kind != "InputLayer":
        first = specs[0]
        shape = (
            first.config.get("batch_input_shape") or first.config.get("batch_shape") or first.build.get("input_shape")
        )
        config = {"name": "input", "batch_shape": shape, "dtype": "float32"}
        calls.append(Call(Spec("InputLayer", "input", "", 0, config, {}), ("", 0), ()))
    for spec in specs:
        calls.append(Call(spec, (spec.name, 0), (calls[-1].ref,) if calls else ()))
    if not calls:
        raise CompileError("E045", "the model has no layers")
    return Network(tuple(calls), calls[-1].ref)


def _functional(specs: list[Spec], layers: list[Any], inner: Mapping[str, Any]) -> Network:
    calls: dict[Ref, Call] = {}
    for spec, layer in zip(specs, layers):
        nodes = layer.get("inbound_nodes") or []
        if not isinstance(nodes, list):
            raise CompileError("E045", "the layer's connections cannot be read", origin=spec.origin)
        if not nodes:
            calls[spec.name, 0] = Call(spec, (spec.name, 0), ())
        for number, node in enumerate(nodes):
            calls[spec.name, number] = Call(spec, (spec.name, number), _operands(node, spec))
    inputs, outputs = _refs(inner.get("input_layers")), _refs(inner.get("output_layers"))
    for what, refs in (("inputs", inputs), ("outputs", outputs)):
        if len(refs) != 1:
            names = ", ".join(quoted(name) for name, _ in refs[:10]) or "none"
            raise CompileError("E014", f"the model has {len(refs)} {what} ({names}); exactly one is supported")
    shifts = _shifts(calls, outputs[0])
    shifted = {(name, n + shifts.get(name, 0)): replace(c, ref=(name, n + shifts.get(name, 0)))
               for (name, n), c in calls.items()}  # fmt: skip
    return Network(_ordered(shifted, outputs[0]), outputs[0])


def _shifts(calls: Mapping[Ref, Call], output: Ref) -> dict[str, int]:
    """A model inside of another one has been called before the first call that the file lists, or not: by what is used."""
    models = {c.spec.name for c in calls.values() if c.spec.kind in MODELS}
    least: dict[str, int] = {}
    for name, number in (output, *(r for c in calls.values() for r in c.operands)):
        if name in models:
            least[name] = min(least.get(name, number), number)
    return {name: 1 for name, number in least.items() if number == 1}


def _refs(value: Any) -> list[Ref]:
    """`["d", 0, 0]`, or a list of such."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        value = [value]
    if isinstance(value, dict):
        value = list(value.values())
    refs: list[Ref] = []
    for one in value if isinstance(value, list) else []:
        if not isinstance(one, list) or len(one) < 3 or not isinstance(one[0], str) or not isinstance(one[1], int):
            raise CompileError("E045", "the model's inputs or outputs cannot be read")
        refs.append((one[0], one[1]))
    return refs


def _operands(node: Any, spec: Spec) -> tuple[Ref, ...]:
    """The tensors that a call takes, in the order of its arguments, in either generation's form."""
    refs: list[Ref] = []
    extra: list[Mapping[str, Any]] = []
    if isinstance(node, dict):
        stack: list[Any] = [node.get("args", [])]
        named = node.get("kwargs") or {}
        extra.append(named if isinstance(named, dict) else {"kwargs": named})
        while stack:
            value = stack.pop()
            if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
                history = (value.get("config") or {}).get("keras_history")
                refs += _refs([history])
            elif isinstance(value, list):
                stack += reversed(value)
            elif value is not None:
                extra.append({"an argument": value})
    else:
        parts = node if isinstance(node, list) else [node]
        for one in [parts] if parts and isinstance(parts[0], str) else parts:
            refs += _refs([one])
            extra.append(one[3] if len(one) > 3 and isinstance(one[3], dict) else {})
    for arguments in extra:
        for name, value in arguments.items():
            if value not in (None, False, {}) and name != "training":
                message = f"the layer is called with {quoted(str(name))}, which is not supported"
                raise CompileError("E047", message, origin=spec.origin)
    return tuple(refs)


def _ordered(calls: Mapping[Ref, Call], output: Ref) -> tuple[Call, ...]:
    """Operands first. Raises E007, E008."""
    done: dict[Ref, Call] = {}
    active: set[Ref] = set()
    stack = [output]
    while stack:
        ref = stack[-1]
        if ref in done:
            stack.pop()
            continue
        if ref not in calls:
            raise CompileError("E007", f"layer {quoted(ref[0])} is used, but is not in the file")
        call = calls[ref]
        missing = [r for r in call.operands if r not in done]
        if not missing:
            done[stack.pop()] = call
            active.discard(ref)
            continue
        if ref in active:
            raise CompileError("E008", "the model has a cycle through this layer", origin=call.spec.origin)
        active.add(ref)
        stack += reversed(missing)
    return tuple(done.values())
