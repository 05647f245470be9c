"""window: every position of a kernel that slides over an image, as one vector a position; also padding and cropping."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError
from ..ir import chip
from ..ir.netlist import Block, Estimate, Fold, Kernel, Memory, Ram, Resources
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import area
from .pick import indices
from .sliding import Sliding


@dataclass(frozen=True, eq=False)
class Window(Op):
    """(H, W, C) → (OH, OW, KH·KW·C): the taps row by row, each with its C channels.

    `kernel`, `stride` and `dilation` are (vertical, horizontal); `pads` is (top, left, bottom, right) in pixels of code
    `pad`, and crops where negative. With `pixels` (m, n) the operand has m neighbouring pixels of a row side by side in its
    channels, and the result n neighbouring windows, tap by tap: (H, W/m, m·C) → (OH, OW/n, KH·KW·n·C).
    """

    mnemonic: ClassVar[str] = "window"
    kernel: Codes
    stride: Codes
    dilation: Codes
    pads: Codes
    pad: int
    pixels: Codes = field(default_factory=lambda: np.array([1, 1]))

    @property
    def taps(self) -> int:
        return int(self.kernel.prod())

    @property
    def padded(self) -> bool:
        return bool((self.pads > 0).any())

    @property
    def several(self) -> bool:
        """Whether it works on several pixels at a time."""
        return bool((self.pixels > 1).any())

    def infer(self, x: TensorType) -> TensorType:
        if len(x.shape) != 3:
            raise CompileError("E110", f"a window slides over images of rows, columns and channels, not over {x}")
        (taken, given), (rows, columns) = self.pixels.tolist(), self.positions(x)
        if x.vector % taken or columns % given or given * int(self.stride[1]) % taken:
            raise CompileError("E110", f"{taken} pixels of {x} at a time are no {given} windows of {columns} in a row")
        if rows < 1 or columns < 1:
            raise CompileError("E110", f"a kernel of {self.kernel.tolist()} does not fit into {x}")
        if not self._meets(x, 0, rows) or not self._meets(x, 1, columns):
            message = f"all positions of a kernel of {self.kernel.tolist()} over {x} lie in the padding"
            raise CompileError(
                "E110", message, hint="the result does not depend on the input: leave this operation out"
            )
        channels = x.vector // taken
        lo, hi = (x.lo, x.hi) if channels % len(x.lo) == 0 else ((x.min,), (x.max,))
        if self.padded:
            lo, hi = tuple(min(v, self.pad) for v in lo), tuple(max(v, self.pad) for v in hi)
        shape = (rows, columns // given, self.taps * given * channels)
        fits = x.elem.lo <= min(lo) and max(hi) <= x.elem.hi
        return TensorType(shape, x.elem, lo, hi) if fits else TensorType.ranged(shape, lo, hi)

    def positions(self, x: TensorType) -> tuple[int, int]:
        """Windows down and across."""
        size = np.array([x.shape[0], x.shape[1] * self.pixels[0]]) + self.pads[:2] + self.pads[2:]
        count = (size - self.dilation * (self.kernel - 1) - 1) // self.stride + 1
        return int(count[0]), int(count[1])

    def _meets(self, x: TensorType, axis: int, count: int) -> bool:
        """Whether any tap at any position lies in the image along an axis."""
        stride, dilation, pad = int(self.stride[axis]), int(self.dilation[axis]), int(self.pads[axis])
        size = x.shape[axis] * (int(self.pixels[0]) if axis else 1)
        _, inside = _taps(count, int(self.kernel[axis]), stride, dilation, pad, size)
        return bool(inside.any())

    def evaluate(self, x: Codes) -> Codes:
        (rows, columns), (kh, kw) = self.positions(_type(x)), self.kernel.tolist()
        taken, given = self.pixels.tolist()
        x = x.reshape(*x.shape[:2], x.shape[2] * taken, -1)
        at_row, inside_row = _taps(rows, kh, int(self.stride[0]), int(self.dilation[0]), int(self.pads[0]), x.shape[1])
        at_column, inside_column = _taps(
            columns, kw, int(self.stride[1]), int(self.dilation[1]), int(self.pads[1]), x.shape[2]
        )
        found = x[:, at_row[:, None, :, None], at_column[None, :, None, :]]
        if self.padded:
            inside = inside_row[:, None, :, None] & inside_column[None, :, None, :]
            found = np.where(inside[None, ..., None], found, self.pad)
        found = found.reshape(len(x), rows, columns // given, given, self.taps, -1)
        return found.swapaxes(3, 4).reshape(len(x), rows, columns // given, -1)

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        if self.several:
            return self.taps_block(x, x.vector, 1, fold.buffer, prompt=False)
        return self.block(
            x, fold.simd, passes=1, grouped=False, depth=self.depth(x, fold.simd, fold.buffer), style=fold.buffer
        )

    def to_hls(self, x: TensorType, fold: Fold) -> Kernel | None:
        return self.ring_kernel(x, fold.simd, passes=1, grouped=False)

    def ring_kernel(self, x: TensorType, lanes: int, *, passes: int, grouped: bool) -> Kernel:
        """The function, with a ring of whole rows: those that a window spans, and those of a step."""
        spanned = int((self.kernel[0] - 1) * self.dilation[0] + self.stride[0])
        ring = {"ring": min(spanned, max(x.shape[0], int(self.kernel[0] - 1) * int(self.dilation[0]) + 1))}
        return Kernel("window", self._params(x, lanes) | ring | {"passes": passes, "grouped": int(grouped)})

    def taps_kernel(self, x: TensorType, lanes: int, parts: int) -> Kernel:
        """The function that gives all taps of `lanes` channels in `parts` beats."""
        sliding = self.sliding(x)
        flow = {"pitch": sliding.pitch, "places": sliding.count, "parts": parts, "taps": self.taps // parts}
        return Kernel("sliding", self._params(x, lanes) | flow)

    def _params(self, x: TensorType, lanes: int) -> dict[str, int | IntType]:
        height, width, channels = x.shape
        rows, columns = self.positions(x)
        names = ("kh", "kw", "sh", "sw", "dh", "dw", "top", "left")
        values = np.concatenate([self.kernel, self.stride, self.dilation, self.pads[:2]]).tolist()
        sizes = {
            "lanes": lanes,
            "words": channels // lanes,
            "height": height,
            "width": width,
            "rows": rows,
            "columns": columns,
        }
        return {"elem": self.infer(x).elem, **sizes, **dict(zip(names, values, strict=True)), "pad": self.pad}

    def block(self, x: TensorType, lanes: int, *, passes: int, grouped: bool, depth: int, style: Ram) -> Block:
        """The module: each window `passes` times; `grouped` puts the taps of `lanes` channels together."""
        params = self._geometry(x, self.infer(x).elem, lanes, style)
        return Block("bw_window", params | {"PASSES": passes, "GROUPED": int(grouped), "DEPTH": depth})

    def _geometry(self, x: TensorType, elem: IntType, lanes: int, style: Ram) -> dict[str, int | Memory]:
        """The parameters that both modules have."""
        height, width, channels = x.shape
        rows, columns = self.positions(x)
        return {
            "ELEM": elem.width, "LANES": lanes, "WORDS": channels // lanes, "WIDTH": width, "HEIGHT": height,
            "KW": int(self.kernel[1]), "KH": int(self.kernel[0]), "SW": int(self.stride[1]), "SH": int(self.stride[0]),
            "DW": int(self.dilation[1]), "DH": int(self.dilation[0]), "PL": int(self.pads[1]), "PT": int(self.pads[0]),
            "OW": columns, "OH": rows, "PAD": self.pad, "STYLE": int(style),
        }  # fmt: skip

    @property
    def slides(self) -> bool:
        """Whether `rtl/bw_taps.v` can do it: no window ends before the image."""
        return self.several or bool((self.pads[:2] <= (self.kernel - 1) * self.dilation).all())

    def wide(self, x: TensorType) -> Window:
        """The window over words of m pixels that reaches what n neighbouring windows need, and does not end before the image.

        Where it is about single pixels, the window itself.
        """
        if not self.several:
            return self
        (taken, given), (rows, columns) = self.pixels.tolist(), self.positions(x)
        (kh, kw), (down, across), (dh, dw), (top, left) = (
            v.tolist() for v in (self.kernel, self.stride, self.dilation, self.pads[:2])
        )
        kh += max(0, -(-(top - (kh - 1) * dh) // dh))
        first, last = -left // taken, max(0, ((given - 1) * across - left + (kw - 1) * dw) // taken)
        stride, words = given * across // taken, last - first + 1
        bottom = (rows - 1) * down + (kh - 1) * dh + 1 - top - x.shape[0]
        right = (columns // given - 1) * stride + words + first - x.shape[1]
        return Window(
            np.array([kh, words]), np.array([down, stride]), np.array([dh, 1]), np.array([top, -first, bottom, right]),
            self.pad if self.padded else 0,
        )  # fmt: skip

    def picks(self, x: TensorType) -> list[int]:
        """Of each tap of each of the n windows the pixel among all those of `wide`, tap by tap."""
        (taken, given), wide = self.pixels.tolist(), self.wide(x)
        (kh, kw), first, found = self.kernel.tolist(), -int(wide.pads[1]), list[int]()
        for row in range(kh):
            for tap in range(kw):
                for window in range(given):
                    at = window * int(self.stride[1]) - int(self.pads[1]) + tap * int(self.dilation[1])
                    word, pixel = divmod(at, taken)
                    found.append((row * int(wide.kernel[1]) + word - first) * taken + pixel)
        return found

    def sliding(self, x: TensorType) -> Sliding:
        """How `rtl/bw_taps.v` runs through a frame."""
        wide = self.wide(x)
        top, left = ((wide.kernel - 1) * wide.dilation - wide.pads[:2]).tolist()
        (height, width, _), (rows, columns), (down, across) = x.shape, wide.positions(x), wide.stride.tolist()
        return Sliding(height, width, rows, columns, top, left, down, across)

    def taps_block(self, x: TensorType, lanes: int, parts: int, style: Ram, *, prompt: bool) -> Block:
        """The module that gives all taps of `lanes` channels in `parts` beats; `prompt` if all follow the first at once."""
        params = self.wide(x)._geometry(x, self.infer(x).elem, lanes, style)
        params |= {"PARTS": parts, "PROMPT": int(prompt)}
        if self.several:
            picks = self.picks(x)
            params |= {"PIXELS": int(self.pixels[0]), "PICKED": len(picks), "PICKS": indices(picks)}
        return Block("bw_taps", params)

    def taps_cost(self, x: TensorType, y: TensorType, lanes: int, parts: int, style: Ram) -> Resources:
        """Control, a register each tap, the shift registers between them, and the line buffers."""
        wide = self.wide(x)
        (kh, kw), word, words = wide.kernel.tolist(), lanes * y.elem.width, x.vector // lanes
        held, far = y.vector // words * y.elem.width, int(wide.dilation[1]) * words
        cost = Resources(lut=20 + 30 * self.padded + held * 0.65 * (parts > 1), ff=held + 40)
        between, shifts = kh * (kw - 1) * word, chip.current().shifts
        cost += Resources(ff=between * far) if far < 3 or not shifts else Resources(lut=between * -(-far // 32))
        lines, depth = (kh - 1) * word, int(wide.dilation[0]) * self.sliding(x).pitch * words
        if style is Ram.BLOCK and depth > 2:
            return cost + Resources(lut=10, ff=area.clog2(depth), bram36=area.block_rams(lines, depth, written=True))
        return cost + (Resources(lut=lines * -(-depth // 32)) if shifts else Resources(ff=lines * depth))

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        if self.several:
            return Estimate(0, self.taps_cost(x, y, x.vector, 1, fold.buffer))
        return Estimate(0, self.cost(x, y, fold.simd, self.depth(x, fold.simd, fold.buffer), fold.buffer))

    def cost(self, x: TensorType, y: TensorType, lanes: int, depth: int, style: Ram) -> Resources:
        """Control, the ring and the output FIFO."""
        word = lanes * y.elem.width
        target = chip.current()
        counters = ((50 if depth & (depth - 1) == 0 else 65) + 15 * self.padded) * target.logic
        control = Resources(counters + word, 100 + word * (1 if target.shifts else 7))
        if style is Ram.BLOCK:
            return control + Resources(bram36=area.block_rams(word, depth, written=True))
        return control + Resources(lut=area.lutram(word, depth))

    def kept(self, x: TensorType) -> int:
        """Elements that are kept, about."""
        if not self.several:
            return self.depth(x, x.vector) * x.vector
        wide = self.wide(x)
        return int((wide.kernel[0] - 1) * wide.dilation[0]) * self.sliding(x).pitch * x.vector

    def depth(self, x: TensorType, lanes: int, style: Ram = Ram.DISTRIBUTED) -> int:
        """Words of the ring: what the windows span, what arrives while they are read (see `spans`), and room for pixels
        that are late because they come a few elements at a time, so that this does not add up from row to row.

        In block RAM a power of two, which makes addresses cheaper, if it takes no more of it.
        """
        words = (max(self.spans(x)) + LATE * int(self.stride[1])) * (x.vector // lanes) + SLACK
        whole = 1 << area.clog2(words)
        bits = lanes * x.elem.width
        even = style is Ram.BLOCK and area.block_rams(bits, whole, written=True) == area.block_rams(
            bits, words, written=True
        )
        return whole if even else words

    def spans(self, x: TensorType) -> tuple[int, int]:
        """Pixels that the ring must hold at least, and so that a uniform input never makes a busy reader wait."""
        need, oldest = self.bounds(x)
        pixels, positions = x.shape[0] * x.shape[1], len(need)
        starts = np.arange(3 * positions)
        frame, place = np.divmod(starts, positions)
        need, oldest = np.maximum(need[place], 1) + frame * pixels, oldest[place] + frame * pixels
        # A window starts when it is due only if its pixels are there, and frees its own when it is done.
        late = int((need - starts * pixels // positions).max())
        arrived = -(-(starts + 1) * pixels // positions) + late
        return int((need - oldest).max()), int((arrived - oldest).max())

    def bounds(self, x: TensorType) -> tuple[Codes, Codes]:
        """For each window of a frame: pixels that must have arrived, and the oldest that it or a later one needs."""
        (height, width, _), (rows, columns) = x.shape, self.positions(x)
        ends: list[tuple[Codes, Codes]] = []
        for axis, (count, size) in enumerate(((rows, height), (columns, width))):
            at = np.arange(count)[:, None] * self.stride[axis] - self.pads[axis]
            taps = at + np.arange(self.kernel[axis]) * self.dilation[axis]
            inside = (taps >= 0) & (taps < size)
            first = np.where(inside, taps, size).min(axis=1)
            last = np.where(inside, taps, -1).max(axis=1)
            ends.append((first, last))
        (top, bottom), (left, right) = ends
        some = (bottom >= 0)[:, None] & (right >= 0)[None, :]
        # A window wholly in the padding waits for its frame all the same: for the first word of it.
        need = np.where(some, bottom[:, None] * width + right[None, :] + 1, 0).reshape(-1)
        first = np.where(some, top[:, None] * width + left[None, :], height * width).reshape(-1)
        oldest = np.minimum.accumulate(first[::-1])[::-1]
        oldest = np.where(oldest == height * width, height * width + oldest[0], oldest)
        return np.maximum.accumulate(need), oldest

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        for kernel, stride, dilation, pads, pad, shape, elem in (
            ((1, 1), (1, 1), (1, 1), (0, 0, 0, 0), 0, (1, 1, 1), IntType(1, False)),
            ((3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 0, (5, 4, 2), IntType(4, True)),
            ((2, 3), (2, 1), (1, 2), (1, 0, 0, 2), -3, (6, 7, 3), IntType(3, True)),
            ((1, 1), (2, 2), (1, 1), (-1, 0, 0, -1), 0, (6, 5, 4), IntType(2, False)),
            ((1, 5), (1, 3), (1, 1), (0, 2, 0, 1), 9, (1, 20, 1), IntType(3, False)),
        ):
            op = cls(np.array(kernel), np.array(stride), np.array(dilation), np.array(pads), pad)
            yield op, TensorType.of(shape, elem)
        for kernel, stride, dilation, pads, pixels, shape in (
            ((2, 2), (2, 2), (1, 1), (0, 0, 0, 0), (2, 1), (4, 3, 4)),
            ((3, 3), (1, 1), (1, 1), (1, 1, 1, 1), (2, 2), (5, 4, 2)),
            ((1, 1), (1, 1), (1, 1), (1, 3, 0, 1), (4, 4), (3, 2, 4)),
            ((2, 3), (3, 2), (1, 2), (2, -1, 1, 4), (3, 3), (5, 4, 6)),
        ):
            op = cls(np.array(kernel), np.array(stride), np.array(dilation), np.array(pads), 1, np.array(pixels))
            yield op, TensorType.of(shape, IntType(3, True))


LATE = 1
"""Pixels by which a uniform input may lag, a step of the window each."""
SLACK = 4
"""Words of the ring beyond these pixels: what is under way between its ports."""


def _taps(count: int, kernel: int, stride: int, dilation: int, pad: int, size: int) -> tuple[Codes, NDArray[np.bool_]]:
    """Along one axis, for each position and tap: its index in the image, clipped, and whether it lies inside."""
    at = np.arange(count)[:, None] * stride - pad + np.arange(kernel) * dilation
    return np.clip(at, 0, size - 1), (at >= 0) & (at < size)


def _type(x: Codes) -> TensorType:
    """Of a batch; only its shape matters."""
    return TensorType.of(x.shape[1:], IntType(1, False))
