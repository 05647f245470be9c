"""Between two layers: how a stream comes to the vectors and lanes that its user reads, in whatever language it is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import Field, dataclass, field, replace
from math import gcd, lcm
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from ..ir.netlist import Lanes
from ..ir.types import IntType
from .layers import Layer, Operand


class Stream(Protocol):
    """A dataclass that knows how values travel on it."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def lanes(self) -> Lanes: ...


S = TypeVar("S", bound=Stream)


@dataclass
class Joints(ABC, Generic[S]):
    """Streams from layer to layer; what a fork, a queue, a gear and wider lanes are made of is for others to say."""

    layers: Sequence[Layer]
    streams: dict[int | None, list[S]] = field(default_factory=dict[int | None, list[S]], init=False)
    """Of every layer, and of the input, a stream for each of its users that has none yet."""

    @abstractmethod
    def _fork(self, stream: S, users: int, stage: str) -> list[S]:
        """The stream once for each user."""

    @abstractmethod
    def _queue(self, stream: S, stage: str) -> S:
        """The stream behind a FIFO that is as deep as another branch is long."""

    @abstractmethod
    def _regroup(self, stream: S, lanes: int, stage: str) -> S:
        """The stream at another number of lanes, of which one divides the other."""

    @abstractmethod
    def _lanes(self, stream: S, elem: IntType, lanes: int, stage: str) -> S:
        """The stream with wider elements, or with lanes beyond the vector added or dropped."""

    def _share(self, source: int | None, stream: S, stage: str) -> None:
        """Give a stream to each of its users, through a fork if there are several."""
        users = sum(o.source == source for layer in self.layers for o in layer.operands)
        users += source == len(self.layers) - 1
        self.streams[source] = [stream] if users == 1 else list(self._fork(stream, users, stage))

    def _queued(self, layer: Layer) -> list[bool]:
        """Whether there is a FIFO in front of each operand: where streams meet, but for one that a window keeps and that
        comes by way of all that the others come from, so that none of them waits for what is behind it.
        """
        first, *others = [o.source for o in layer.operands]
        kept = layer.window is not None and self._sources(first).issuperset(others)
        return [bool(others) and not kept, *[True] * len(others)]

    def _sources(self, source: int | None) -> set[int | None]:
        """All by way of which a stream comes."""
        found, todo = set[int | None](), [source]
        while todo:
            here = todo.pop()
            if here not in found:
                found.add(here)
                todo += [] if here is None else [o.source for o in self.layers[here].operands]
        return found

    def _operand(self, operand: Operand, lanes: int, stage: str, *, queued: bool) -> S:
        """A layer's operand, as it wants to see it."""
        stream = self.streams[operand.source].pop(0)
        if queued:
            stream = self._queue(stream, stage)
        here, type_ = stream.lanes, operand.type
        if here.vector != type_.vector:
            common = gcd(here.vector, type_.vector)
            wide = max(lanes, here.lanes)
            if not (here.vector % here.lanes or type_.vector % lanes or wide % here.lanes or wide % lanes):
                # No beat has a pad, so that any number of them is a vector.
                whole = replace(here, vector=wide, vectors=type_.size // wide)
                stream = self._gear(replace(stream, lanes=whole), lanes, stage)
            elif common % here.lanes:
                stream = self._gear(stream, gcd(common, here.lanes), stage)
            seen = Lanes(here.elem, stream.lanes.lanes, type_.vector, type_.size // type_.vector)
            stream = replace(stream, lanes=seen)
        return self._gear(stream, lanes, stage)

    def _gear(self, stream: S, lanes: int, stage: str) -> S:
        """The stream at another number of lanes."""
        here = stream.lanes
        if here.lanes == lanes:
            return stream
        if min(lanes, here.lanes) >= here.vector:
            return self._lanes(stream, here.elem, lanes, stage)
        if lanes % here.lanes and here.lanes % lanes:
            return self._gear(self._gear(stream, lcm(lanes, here.lanes), stage), lanes, stage)
        return self._regroup(stream, lanes, stage)
