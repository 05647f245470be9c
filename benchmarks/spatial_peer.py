"""One network or matrix by da4ml or alkaid, in an environment of theirs: prints figures, writes Verilog.

    python spatial_peer.py da4ml|alkaid FILE NAME FOLDER CUTOFF

Uses their own tracing, quantizers and solver at `hard_dc` 2, as their examples do. CUTOFF is theirs too, -1 for combinational.
"""

import importlib
import json
import re
import sys
import time
from pathlib import Path

import numpy as np

ROWS = 200_000  # samples to time
REPEATS = 3  # of which the quickest counts


def trace(tool, file, name):
    """The network as the tool sees it, an input and the output that it must give."""
    if tool == "da4ml":
        from da4ml.trace import FixedVariableArray, FixedVariableArrayInput, HWConfig, comb_trace
        from da4ml.trace.ops import quantize, relu

        array, entry, run, config = FixedVariableArray, FixedVariableArrayInput, comb_trace, HWConfig(1, -1, -1)
    else:
        from alkaid.trace import FVArray, FVArrayInput, HWConfig
        from alkaid.trace import trace as run
        from alkaid.trace.ops import quantize, relu

        array, entry, config = FVArray, FVArrayInput, HWConfig(1, 1, -1)
    data = np.load(file)
    options = {"hard_dc": 2}
    if name.startswith(("cmvm:", "bits:")):
        bits = name.startswith("bits:")
        weight = data[name.removeprefix("cmvm:")]
        ones = np.ones(len(weight), dtype=int)
        x = array.from_kif(ones * (not bits), ones * (1 if bits else 7), 0 * ones, config, 0, options)
        ends = (0, 2) if bits else (-128, 128)
        given = np.random.default_rng(0).integers(*ends, (2000, len(weight)))
        return run(x, x @ weight.astype(np.float64)), given.astype(float), given @ weight
    if "layer0_kernel" in data:
        x = entry((data["layer0_kernel"].shape[0],), config, options)
        h = x
        for n in range(sum(key.endswith("_kernel") for key in data.files)):
            kind = [data[f"layer{n}_in_{part}"].astype(int) for part in ("signed", "int_bits", "frac_bits")]
            ways = [
                str(data.get(f"layer{n}_{key}", usual)) for key, usual in (("overflow", "WRAP"), ("rounding", "RND"))
            ]
            h = quantize(h, *kind, *ways) @ data[f"layer{n}_kernel"] + data[f"layer{n}_bias"]
            if data[f"layer{n}_relu"]:
                h = relu(h)
        return run(x, h), data["x"], data["y"]
    mode = name.rsplit(" ", 1)[1]
    keep, whole, part = map(int, data["in_kif"])
    _, act_whole, act_part = map(int, data["act_kif"])
    scale, count = 2.0 ** -int(data["fw"]), sum(key.startswith("W") for key in data.files)
    x = entry((data["W0"].shape[0],), config, options)
    h = quantize(x, keep, whole, part)
    for n in range(count):
        h = h @ (data[f"W{n}"] * scale) + data[f"b{n}"] * scale
        if n < count - 1:
            ways = ("SAT", "RND") if mode == "sat" else ("WRAP", "TRN")
            h = quantize(relu(h), 0, act_whole, act_part, *ways)
    return run(x, h), data["x"] * 2.0**-part, data[f"y_{mode}"] * 2.0 ** -int(data["y_frac"])


def quickest(predict, x):
    """Samples a CPU-second at best."""
    found = []
    for _ in range(REPEATS):
        start = time.process_time()
        predict(x)
        found.append(time.process_time() - start)
    return len(x) / min(found)


def main(tool, file, name, folder, cutoff):
    importlib.import_module(f"{tool}.trace.ops")  # as ours are imported before they are timed
    start = time.process_time()
    graph, x, y = trace(tool, file, name)
    seconds = time.process_time() - start
    if tool == "da4ml":
        from da4ml.codegen import RTLModel

        model = RTLModel(graph, "model", folder, flavor="verilog", latency_cutoff=int(cutoff))
    else:
        from alkaid.codegen import RTLModel

        model = RTLModel(graph, folder, "model", flavor="verilog", latency_cutoff=int(cutoff))
    model.write()
    stages = [path for path in Path(folder, "src").rglob("*.v") if re.fullmatch(r"(logic|model_stage)\d+", path.stem)]
    told = {"seconds": round(seconds, 3), "stages": len(stages)}
    if int(cutoff) < 0:
        told["exact"] = bool(np.array_equal(graph.predict(x, n_threads=1).reshape(y.shape), y))
        many = np.tile(x, (max(1, ROWS // len(x)), 1))
        told["samples_per_cpu_second"] = round(quickest(lambda given: graph.predict(given, n_threads=1), many))
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
