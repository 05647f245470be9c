"""The control port of an accelerator, as docs/control.md has it. `boundary.json` says where its registers are."""

from __future__ import annotations

import time

from weights import words


class Control:
    """Starts, stops and counts an accelerator, and tells which one it is."""

    def __init__(self, port, spec, timeout):
        """`port` reads and writes words by their byte addresses. RuntimeError where the chip has another accelerator."""
        self._port, self._at, self._names, self._timeout = port, spec["registers"], spec["counters"], timeout
        self._layers, self._bits = spec["weights"], spec["bits"]
        self.identification = {name: port.read(self._at[name]) for name in spec["identity"]}
        wrong = [name for name in spec["identity"] if self.identification[name] != spec["identity"][name]]
        if wrong:
            says, wanted = self.identification[wrong[0]], spec["identity"][wrong[0]]
            raise RuntimeError(
                "the bitstream is not that of boundary.json: "
                f"its {wrong[0]} is {says:#x}, not {wanted:#x}; copy both from the same build"
            )

    def start(self):
        """Let frames enter."""
        self._port.write(self._at["run"], self._bits["run"])

    def stop(self):
        """Let no further frame enter, and wait until those inside have left."""
        self._port.write(self._at["run"], 0)
        deadline = time.monotonic() + self._timeout
        while not self._port.read(self._at["status"]) & self._bits["stopped"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the accelerator did not finish its frames within {self._timeout} s")

    def counters(self):
        """All counters of one instant: frames in and out, cycles, and cycles of three kinds of waiting."""
        self._port.write(self._at["command"], self._bits["capture"])
        read = self._port.read
        return {name: read(self._at[name]) | read(self._at[name] + 4) << 32 for name in self._names}

    def clear_counters(self):
        """Count from 0."""
        self._port.write(self._at["command"], self._bits["clear"])

    def write_weights(self, layer, codes):
        """Give a rewritable layer other weights: integers, as the model's array has them. Stops it meanwhile, if it runs.

        ValueError where there is no such layer, or its weights have another shape, type or range.
        """
        if layer not in self._layers:
            raise ValueError(f"layer {layer!r} is not rewritable; these are: {', '.join(self._layers) or 'none'}")
        data, base = words(self._layers[layer], codes).tolist(), self._layers[layer]["base"]
        running = self._port.read(self._at["run"]) & self._bits["run"]
        self.stop()
        for k, word in enumerate(data):
            self._port.write(base + 4 * k, word)
        if self._port.read(self._at["status"]) & self._bits["refused"]:
            raise RuntimeError("the accelerator refused a word of weights; load the overlay again")
        if running:
            self.start()
