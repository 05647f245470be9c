"""Runs the accelerator in a chip at the other end of a serial line.

    from driver import Accelerator
    y = Accelerator("/dev/ttyUSB0").predict(x)

`boundary.json`, `link.json` and `host.py` lie in the folder of this file. Python 3.8, NumPy, and pyserial for real ports.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bitwright.boards.host import Boundary

SYNC = 0xA7
OPEN, INPUT = 1, 2  # kinds of packets to the chip
OPENED, TAKEN, OUTPUT, LOST = 1, 2, 3, 4  # and from it
VERSION = 1
LONGEST = 255  # bytes in a packet
AHEAD = 2  # packets that the chip has room for
FLUSH = bytes(LONGEST + 5)  # longer than whatever the chip may still expect of a packet; holds no SYNC
TRIES = 4


class LinkError(RuntimeError):
    """What came back is not what was sent for: a byte was lost or damaged, or nobody is there."""


def crc16(data: bytes) -> int:
    """CRC-16 with polynomial x^16 + x^12 + x^5 + 1, from ones, the highest bit first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1
    return crc


def packet(kind: int, number: int, data: bytes = b"") -> bytes:
    """The bytes of a packet on the line."""
    body = bytes([kind << 4 | number & 15, len(data)]) + data
    return bytes([SYNC]) + body + crc16(body).to_bytes(2, "big")


class Accelerator:
    """The accelerator in the chip. Arrays have the samples along their first axis."""

    def __init__(self, port: Any, folder: str | Path | None = None, timeout: float = 1.0) -> None:
        """`port` is a serial port's name, or an object with `write(bytes)` and `read(n)`.

        `read` gives up to n bytes, and none when nothing came for a while. `folder` is a design's `board/` folder, or the
        design's; without it, that of this file. `timeout` seconds without a byte count as a fault of the line.
        """
        place = Path(folder) if folder is not None else Path(__file__).resolve().parent
        place = place if (place / "link.json").exists() else place / "board"
        self.boundary = Boundary.load(place / "boundary.json")
        link = json.loads((place / "link.json").read_text(encoding="utf-8"))
        self.identity = bytes.fromhex(link["id"])
        self.port = _open_port(port, int(link["baud"]), timeout) if isinstance(port, str) else port
        self._token, self._sent, self._seen, self._heard = 0, 0, 0, bytearray()
        self.restarts = 0
        self._connect()

    def predict(self, x: Any) -> Any:
        """Samples of the ONNX input → samples of the ONNX output."""
        return self.boundary.decode(self.predict_raw(self.boundary.encode(x)))

    def predict_raw(self, codes: Any) -> Any:
        """Integers of the input's wire → integers of the output's wire."""
        return self.boundary.unpack(self._run(self.boundary.pack(codes)))

    def throughput(self, frames: int = 100) -> dict[str, float]:
        """Time `frames` frames of random codes: {"frames", "seconds", "fps"}, the serial line included, encoding not."""
        stream = self.boundary.input
        codes = np.random.default_rng(0).integers(stream.lo, stream.hi, (frames, *stream.shape), endpoint=True)
        packed = self.boundary.pack(codes)
        start = time.perf_counter()
        self._run(packed)
        seconds = time.perf_counter() - start
        return {"frames": frames, "seconds": seconds, "fps": frames / seconds}

    def close(self) -> None:
        """Close the port, if it can be closed."""
        close = getattr(self.port, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Accelerator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, packed: Any) -> Any:
        """Input bytes (n, bytes a frame) → output bytes (n, bytes a frame). Frames that a fault took are sent again."""
        size, results, faults = self.boundary.output.frame_bytes, bytearray(), 0
        while len(results) < len(packed) * size:
            done = len(results) // size
            try:
                self._stream(packed[done:].tobytes(), results, len(packed) * size)
            except LinkError:
                faults = 1 if len(results) // size > done else faults + 1
                if faults >= TRIES:
                    raise
                del results[len(results) // size * size :]
                self.restarts += 1
                self._connect()
        return np.frombuffer(bytes(results), np.uint8).reshape(len(packed), size)

    def _stream(self, data: bytes, results: bytearray, wanted: int) -> None:
        """Send the input while there is room for it, and collect the output."""
        at, room = 0, AHEAD
        while len(results) < wanted:
            while room and at < len(data):
                part = data[at : at + LONGEST]
                self.port.write(packet(INPUT, self._sent, part))
                self._sent, at, room = self._sent + 1 & 15, at + len(part), room - 1
            kind, number, body = self._packet()
            if number != self._seen or kind not in (TAKEN, OUTPUT):
                raise LinkError("the chip lost a packet, or one of the chip's was lost")
            self._seen = self._seen + 1 & 15
            if kind == OUTPUT:
                results += body
            else:
                room += 1
        while room < AHEAD:  # the input's last packets are told of, too
            kind, number, _ = self._packet()
            if kind != TAKEN or number != self._seen:
                raise LinkError("the chip sent more than was asked for")
            self._seen, room = self._seen + 1 & 15, room + 1

    def _connect(self) -> None:
        """Open the link, whatever state it is in: the accelerator is reset, and what was under way is forgotten."""
        for _ in range(TRIES):
            self._token = self._token % 255 + 1
            self.port.write(FLUSH + packet(OPEN, 0, bytes([self._token])))
            try:
                body = self._greeting()
            except LinkError:
                continue
            if body[1] != VERSION:
                raise RuntimeError(f"the chip speaks version {body[1]} of the protocol, this driver {VERSION}")
            if body[2:] != self.identity:
                raise RuntimeError("the chip holds another design than the one in this folder: load its bitstream")
            self._sent, self._seen = 0, 1
            return
        raise LinkError("the chip does not answer: is its bitstream loaded, and is this its serial port?")

    def _greeting(self) -> bytes:
        """The answer to the last token; what comes before it is left over."""
        while True:
            try:
                kind, number, body = self._packet()
            except _Damaged:
                continue
            if (kind, number, len(body)) == (OPENED, 0, 10) and body[0] == self._token:
                return body

    def _packet(self) -> tuple[int, int, bytes]:
        """The next packet. LinkError if it is damaged, or nothing comes."""
        while self._take(1)[0] != SYNC:
            pass
        head = self._take(2)
        rest = self._take(head[1] + 2)
        if crc16(head + rest[:-2]) != int.from_bytes(rest[-2:], "big"):
            raise _Damaged("a packet from the chip is damaged")
        return head[0] >> 4, head[0] & 15, rest[:-2]

    def _take(self, count: int) -> bytes:
        while len(self._heard) < count:
            more = self.port.read(max(count - len(self._heard), getattr(self.port, "in_waiting", 0)))
            if not more:
                self._heard.clear()
                raise LinkError("the chip does not answer")
            self._heard += more
        taken = bytes(self._heard[:count])
        del self._heard[:count]
        return taken


class _Damaged(LinkError):
    """A packet whose CRC is wrong."""


def _open_port(name: str, baud: int, timeout: float) -> Any:
    try:
        import serial
    except ImportError:
        raise RuntimeError("serial ports need pyserial: pip install pyserial") from None
    return serial.Serial(name, baud, timeout=timeout)


def main() -> None:
    """driver.py PORT X.npy Y.npy"""
    if len(sys.argv) != 4:
        sys.exit("usage: driver.py PORT X.npy Y.npy")
    with Accelerator(sys.argv[1]) as accelerator:
        np.save(sys.argv[3], accelerator.predict(np.load(sys.argv[2])))
        print("{fps:.0f} frames/s".format(**accelerator.throughput()))


if __name__ == "__main__":
    main()
