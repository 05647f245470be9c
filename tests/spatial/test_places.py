"""The places of a row count what its columns do."""

import numpy as np
import pytest

from bitwright.spatial.circuit import Row
from bitwright.spatial.places import CARRIED, luts, places, single, tables


def random_row(rng: np.random.Generator) -> Row:
    """Columns of up to three bits with constants, inverters and gates, carries, and sum bits that nobody reads."""
    width = int(rng.integers(1, 8))

    def bit() -> int:
        return int(rng.integers(2)) if rng.random() < 0.2 else int(rng.integers(2, 24))

    most = int(rng.integers(2, 4))
    columns = tuple(tuple(bit() for _ in range(int(rng.integers(0, most + 1)))) for _ in range(width))
    gated = rng.random() < 0.5
    kills = tuple(
        tuple(2 * int(rng.integers(12, 14)) if gated and b > 1 and i == 0 and rng.random() < 0.5 else 0 for i, b in enumerate(c))
        for c in columns
    )  # fmt: skip
    carries = tuple(int(b) for b in rng.choice([1, 28, 30], int(rng.integers(0, 3)), replace=False))
    out = width + int(rng.integers(0, 3))
    nets = tuple(100 + k if k == out - 1 or rng.random() < 0.5 else 0 for k in range(out))
    return Row(columns, nets, kills if gated else (), carries)


def literal(value: dict[int, int], bit: int) -> int:
    return value[bit >> 1] ^ (bit & 1)


def chained(row: Row, value: dict[int, int]) -> dict[int, int]:
    """The bits that the row's places give, by their tables and a carry chain."""
    found = dict[int, int]()
    carry = literal(value, row.carries[0]) if row.carries else 0
    beside = literal(value, row.carries[1]) if len(row.carries) > 1 else 0
    for place in places(row):
        order = list(place.wires)
        if len(order) > CARRIED and (place.carried or place.compress):
            order.insert(CARRIED, 0)
        wires = [value[n] for n in order] + [0] * (5 - len(order))
        if place.carried:
            wires[CARRIED] = beside
        reading = sum(w << k for k, w in enumerate(wires))
        into, over = (t >> reading & 1 for t in tables(row, place, order, frozenset()))
        if row.nets[place.low]:
            found[place.low] = into ^ (0 if single(row) else carry)
        carry = carry if into else beside if place.compress else over
        beside = over if place.compress else 0
    return found


@pytest.mark.parametrize("seed", range(150))
def test_tables_and_a_chain_make_the_sum(seed):
    rng = np.random.default_rng(seed)
    row = random_row(rng)
    assert all(len(p.wires) <= p.room for p in places(row))
    for _ in range(50):
        value = {0: 0} | {net: int(rng.integers(2)) for net in range(1, 16)}
        total = sum(literal(value, b) for b in row.carries)
        for k, column in enumerate(row.columns):
            for i, b in enumerate(column):
                gone = row.kills and value[row.kills[k][i] >> 1]
                total += (b & 1 if gone else literal(value, b)) << k
        assert chained(row, value) == {k: total >> k & 1 for k, net in enumerate(row.nets) if net}


def test_columns_that_nobody_reads_share_a_lut():
    columns = tuple((2 * k + 2, 2 * k + 12) for k in range(4))
    assert luts(Row(columns, (20, 21, 22, 23, 24))) == 4
    assert luts(Row(columns, (0, 0, 0, 0, 24))) == 2


def test_wires_and_constants_take_no_lut():
    assert luts(Row(((2,), (4, 0), (1,), (6, 8)), (20, 21, 22, 23), carries=(10,))) == 1
