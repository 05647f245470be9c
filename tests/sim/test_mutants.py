"""Every stream module's bench kills every mutant of it that can be told from the original."""

import pytest

from bitwright.sim import mutate, verilator
from tests.rtl import harness, test_branches, test_mvu, test_sparse, test_streams
from tests.rtl.test_branches import Reorder, Repeat
from tests.rtl.test_streams import rng, words
from tests.rtl.test_taps import Taps
from tests.rtl.test_vector import Depthwise, Pool, Total
from tests.rtl.test_window import Axis, Window


def gate(credits):
    data = words(40, 2)
    return harness.Case("bw_gate", {"WIDTH": 2, "CREDITS": credits}, 2, 2, data, data, "credit", credits)


def replay(size, passes, depth):
    data = words(size * 8, 2)
    out = [w for v in range(8) for _ in range(passes) for w in data[v * size : (v + 1) * size]]
    params = {"WIDTH": 2, "WORDS": size, "PASSES": passes, "DEPTH": depth}
    return harness.Case("bw_test_replay", params, 2, 2, data, out)


def mvu(shape, folder):
    return test_mvu.case(shape, 0, folder, vectors=24)


def window(shape):
    return shape.case(1, frames=5)


# More cycles than any but the windows needs to wrap all of its counters.
STEPS = 16

MODULES = {
    "gate and fifo": lambda _: gate(4),
    "gate and one-word fifo": lambda _: gate(1),
    "gear up": lambda _: test_streams.gear_case(1, 4, 6, 2),
    "gear up, whole": lambda _: test_streams.gear_case(2, 4, 8, 1),
    "gear down": lambda _: test_streams.gear_case(4, 2, 7, 2),
    "replay": lambda _: replay(3, 2, 5),
    "replay thrice": lambda _: replay(2, 3, 4),
    "axis_in": lambda _: test_streams.axis_in_case(2, 4, 2, 8, 5, 1, [3, 3, None, 3, 1, None, 2, 3, 1, 1, 3]),
    "axis_in, whole": lambda _: test_streams.axis_in_case(2, 2, 1, 2, 2, 1, [2, None, 1, 1, 2, 2, 1, 2]),
    "axis_out": lambda _: test_streams.axis_out_case(2, 4, 2, 8, 5, 1, True),
    "mvu": lambda folder: mvu(test_mvu.Shape(4, 4, 2, 2, 2, -2, credits=4), folder),
    "mvu with bias": lambda folder: mvu(test_mvu.Shape(3, 2, 1, 1, 2, -2, bias=True, credits=2), folder),
    "mvu, one fold": lambda folder: mvu(test_mvu.Shape(3, 2, 1, 2, 2, -2, credits=2), folder),
    "mvu, two rows a slice": lambda folder: mvu(
        test_mvu.Shape(4, 2, 2, 2, 2, -2, test_mvu.DSP, pack=2, step=4, chain=2, credits=3), folder
    ),
    "mvu, rows of weights": lambda folder: mvu(
        test_mvu.Shape(3, 4, 1, 1, 2, -2, styles=(1, 0), layout=(3, 4), credits=2), folder
    ),
    "sparse": lambda folder: test_sparse.unit(0, folder, 24, test_sparse.SMALL),
    "sparse, two lanes": lambda folder: test_sparse.unit(1, folder, 24, test_sparse.SMALL),
    "window": lambda _: window(Window(Axis(2, 2, before=1), Axis(2, 2, before=1), elem=2, extra=1)),
    "window, one dimension": lambda _: window(
        Window(Axis(3, 2, before=1), Axis(1, 1), words=2, passes=2, grouped=True, elem=2, pad=1)
    ),
    "window, skipping": lambda _: window(Window(Axis(5, 1, 2, before=-1), Axis(2, 1, 2), elem=2, style=1)),
    "taps": lambda _: window(Taps(Axis(3, 2, before=1), Axis(2, 2, before=1, after=1), elem=1, pad=1)),
    "taps, skipping": lambda _: window(Taps(Axis(5, 1, 2, before=-1), Axis(3, 2, 2), elem=1)),
    "taps, more than pixels": lambda _: window(Taps(Axis(2, 2, before=1, after=2), Axis(3, 1), elem=1, style=1)),
    "taps, words and parts": lambda _: window(
        Taps(Axis(2, 2, before=1), Axis(2, 2, before=1), elem=1, pad=1, words=2, parts=4)
    ),
    "taps, two parts": lambda _: window(Taps(Axis(4, 2, 2), Axis(1, 1), elem=2, words=3, parts=2)),
    "queue": lambda _: test_branches.queue_case(4, 0, 2),
    "queue, one word": lambda _: test_branches.queue_case(1, 0, 2),
    "queue, block": lambda _: test_branches.queue_case(3, 1, 2),
    "fork": lambda _: test_branches.fork_cases(2, 2),
    "join": lambda _: test_branches.join_cases(3, 1, 2),
    "concat": lambda _: test_branches.concat_cases(3, 2, 2),
    "repeat": lambda _: Repeat(2, 2, 2, 2).case(2),
    "repeat across": lambda _: Repeat(1, 3, 3, 1).case(2),
    "reorder": lambda _: Reorder((1, 1, 3, 2), (0, 0, 1, 3)).case(2),
    "depthwise": lambda folder: Depthwise(2, 2, 1, 2, -2, bias=True, credits=3).case(0, folder, 12),
    "depthwise, two taps": lambda folder: Depthwise(4, 2, 1, 2, -2, bias=True, credits=3, simd=2).case(0, folder, 12),
    "depthwise, slices": lambda folder: Depthwise(3, 2, 1, 2, -2, 1, credits=3, simd=3, chain=3).case(0, folder, 12),
    "maximum": lambda _: Pool(3, 1, -2, credits=2).case(0),
    "sums": lambda _: Pool(2, 1, 2, True, 1, credits=2).case(0),
    "maximum, two taps": lambda _: Pool(4, 1, -2, credits=3, simd=2).case(0),
    "sums, whole": lambda _: Pool(3, 1, 2, True, 2, credits=4, simd=3).case(0),
    "total": lambda _: Total(2, 2, 1, 2, wider=1, credits=2).case(0, 12),
}


def survivors(module, count, seed, folder, monkeypatch):
    """The mutants that the bench does not notice and that some input sequence tells from the original."""
    monkeypatch.chdir(folder)
    rng.seed(seed)
    made = MODULES[module](folder)
    cases = made if isinstance(made, list) else [made]
    (folder / "bw_test.v").write_text(harness.wrapper(cases))
    (folder / "bw_test_replay.v").write_text(test_streams.REPLAY.replace("(5)", "(4)"))
    sources = [folder / "bw_test.v", folder / "bw_test_replay.v", *harness.RTL]
    netlist = folder / "mutants.v"
    mutants = mutate.write_mutants(sources, "bw_test", count, seed, netlist)
    assert min(count, 24) <= len(mutants) <= count  # a small module has no more
    exe = verilator.build([netlist], "bw_test")
    killed = harness.execute(
        exe, folder, harness.job(cases, (*harness.RESETS, *harness.MATRIX), [m.number for m in mutants])
    )
    assert not any(k and k.startswith("unchanged") for k in killed), killed
    alive = [m for m, k in zip(mutants, killed) if k is None]
    data = {f"d{k}_out": f"gold_out_valid[{k}]" if len(cases) > 1 else "gold_out_valid" for k in range(len(cases))}
    return [
        m.text
        for m in alive
        if not mutate.indistinguishable(netlist, "bw_test", m.number, data, reset="rst_n", steps=STEPS)
    ]


@pytest.mark.parametrize("module", MODULES)
def test_every_mutant_is_killed(module, tmp_path, monkeypatch):
    left = survivors(module, 24, 1, tmp_path, monkeypatch)
    assert not left, "\n".join(left)


@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("module", MODULES)
def test_every_one_of_many_mutants_is_killed(module, seed, tmp_path, monkeypatch):
    left = survivors(module, 120, seed, tmp_path, monkeypatch)
    assert not left, "\n".join(left)


def test_a_bench_without_stalls_is_not_enough(tmp_path, monkeypatch):
    """What this file checks is a property of the bench, not a matter of course."""
    monkeypatch.setattr(harness, "MATRIX", (harness.Run(), harness.Run(seed=1)))
    monkeypatch.setattr(harness, "RESETS", ())
    left = survivors("axis_out", 40, 1, tmp_path, monkeypatch)
    assert left


def test_too_many_mutants(tmp_path):
    with pytest.raises(ValueError, match="256 mutants: 1 to 255"):
        mutate.write_mutants([], "bw_test", 256, 1, tmp_path / "x.v")
