"""Every stream module's bench kills every mutant of it that can be told from the original."""

import pytest

from bitwright.sim import mutate, verilator
from tests.rtl import harness, test_mvu, test_streams
from tests.rtl.test_streams import rng, words


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


# More cycles than any of these needs to wrap all of its counters.
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
}


def survivors(module, count, seed, folder, monkeypatch):
    """The mutants that the bench does not notice and that some input sequence tells from the original."""
    monkeypatch.chdir(folder)
    rng.seed(seed)
    cases = [MODULES[module](folder)]
    (folder / "bw_test.v").write_text(harness.wrapper(cases))
    (folder / "bw_test_replay.v").write_text(test_streams.REPLAY.replace("(5)", "(4)"))
    sources = [folder / "bw_test.v", folder / "bw_test_replay.v", *harness.RTL]
    netlist = folder / "mutants.v"
    mutants = mutate.write_mutants(sources, "bw_test", count, seed, netlist)
    assert len(mutants) == count
    exe = verilator.build([netlist], "bw_test")
    killed = harness.execute(
        exe, folder, harness.job(cases, (*harness.RESETS, *harness.MATRIX), [m.number for m in mutants])
    )
    assert not any(k and k.startswith("unchanged") for k in killed), killed
    alive = [m for m, k in zip(mutants, killed) if k is None]
    data = {"d0_out": "gold_out_valid"}
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
