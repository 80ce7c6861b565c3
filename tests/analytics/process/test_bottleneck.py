"""FindBottleneck: the periods of the method by hand, a known bottleneck in simulated lines, what must always hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.errors import NotAvailable
from analytics.process.active_periods import Bottlenecks, bottlenecks
from analytics.process.bottleneck import FIND_BOTTLENECK, run
from analytics.process.stations import State
from analytics.series import TICKS_PER_SECOND, Series
from tests.simulators.flow_line import Made, asked, at, line, machine, series, simulate

NAMES = [one.name for one in FIND_BOTTLENECK.results[: len(FIND_BOTTLENECK.own) + 2]]
PARTS = 800
LINE = ("Filler", "Capper", "Labeller", "Packer")


def told(stations: list[Any], data: dict[str, Series], start: float, end: float) -> dict[str, Any]:
    return dict(zip(NAMES, run(data, None, at(end), asked(stations, start, end)), strict=True))


def periods(*spans: tuple[float, float]) -> np.ndarray:
    return np.array([(round(a * TICKS_PER_SECOND), round(b * TICKS_PER_SECOND)) for a, b in spans], np.int64).reshape(
        -1, 2
    )


def test_the_longest_active_period_is_the_bottleneck_and_shifts_where_two_overlap() -> None:
    """As Roser, Nakano, Tanaka 2002 define it: machine 1 is the sole bottleneck up to the begin of the next period
    that is one, machine 2 from the end of the first; in between it shifts. A short period never counts."""
    found = bottlenecks([periods((0, 60)), periods((50, 130)), periods((20, 30), (100, 125))])
    assert found.sole_s == pytest.approx([50, 70, 0])
    assert found.shifting_s == pytest.approx([10, 10, 0])


def test_a_gap_between_active_periods_has_no_bottleneck() -> None:
    found = bottlenecks([periods((0, 10)), periods((20, 25))])
    assert found.sole_s == pytest.approx([10, 5])


def test_one_who_waits_is_not_active_and_one_who_is_repaired_is() -> None:
    data = {
        "A/State": series([(0, State.running), (10, State.blocked), (90, State.running)]),
        "B/State": series(
            [(0, State.starved), (10, State.down), (50, State.setup), (60, State.running), (90, State.starved)]
        ),
    }
    stations = [replace(one, count=None, rejects=None) for one in (machine("A", "B"), machine("B"))]
    result = told(stations, data, 0, 100)
    assert result["Units"] == ["B", "A"]
    assert result["SoleShare"] == pytest.approx([80, 20])
    assert (result["DownShare"][0], result["BlockedShare"][1]) == (pytest.approx(40), pytest.approx(80))
    assert result["MeanActivePeriod"] == pytest.approx([80, 10])
    assert result["Summary"] == (
        "B holds the flow up: it is the bottleneck 80 % of the time (80 % alone); A is blocked 80 %. "
        "Of its time its breakdowns take 40 %, running 30 %: begin with its breakdowns"
    )


def lines(seed: int, slow: int) -> list[Made]:
    """Parts through four machines of 10 s a part, one of them 20 % slower in the mean, with breakdowns."""
    random = np.random.default_rng(seed)
    scale = [12.0 if one == slow else 10.0 for one in range(4)]
    service = [iter(random.gamma(4.0, mean / 4.0, PARTS).tolist()).__next__ for mean in scale]
    broken = random.exponential(40.0, (4, PARTS)) * (random.random((4, PARTS)) < 0.02)
    return simulate(PARTS, service, [iter(one.tolist()).__next__ for one in broken])


def test_the_slow_machine_of_a_simulated_line_is_found_in_more_than_nine_of_ten_runs() -> None:
    found = 0
    for seed in range(24):
        slow = seed % 4
        stations, data = line(LINE, lines(seed, slow))
        result = told(stations, data, 200, 7000)
        found += result["Bottleneck"] == LINE[slow]
        assert result["Valid"] is True
    assert found >= 22


def test_a_line_with_rare_long_breakdowns_tells_to_begin_with_them() -> None:
    """The Capper is quick and breaks down: 9 s a part, and every fiftieth time for 300 s, 15 s in the mean."""
    random = np.random.default_rng(3)
    service = [lambda: 10.0, lambda: 9.0, lambda: 10.0, lambda: 10.0]
    none = [lambda: 0.0] * 4
    broken = [none[0], lambda: float(random.random() < 0.02) * 300.0, none[2], none[3]]
    stations, data = line(LINE, simulate(1000, service, broken, buffer=10))
    result = told(stations, data, 500, 12_000)
    assert result["Bottleneck"] == "Capper"
    assert "Labeller is starved" in result["Summary"]
    assert result["Summary"].endswith("begin with its breakdowns")


def test_a_stop_without_a_reason_is_its_own_only_where_waiting_has_states_of_its_own() -> None:
    data = {
        "A/State": series([(0, State.running), (50, State.stopped)]),
        "B/State": series([(0, State.stopped), (40, State.running)]),
    }
    stations = [replace(machine(name), count=None, rejects=None) for name in ("A", "B")]
    assert told(stations, data, 0, 100)["ActiveShare"] == pytest.approx([100, 100]), "Starved and Blocked are told"
    mute = [replace(one, states={0: State.running}) for one in stations]
    assert told(mute, data, 0, 100)["ActiveShare"] == pytest.approx([60, 50])


def test_what_is_not_known_is_told_and_where_nothing_works_there_is_no_bottleneck() -> None:
    stations = [replace(machine(name), count=None, rejects=None) for name in ("A", "B")]
    data = {"A/State": series([(0, State.running), (40, float("nan"))]), "B/State": series([(0, State.starved)])}
    result = told(stations, data, 0, 100)
    assert result["Valid"] is False
    assert result["Reason"] == "the state of A is not known for 60 % of the time"
    with pytest.raises(NotAvailable, match="no machine was active"):
        told(stations, dict.fromkeys(data, data["B/State"]), 0, 100)


def _spans(cuts: list[int]) -> list[tuple[int, int]]:
    return [(a, b) for a, b in zip(cuts[0::2], cuts[1::2], strict=False)]


MACHINE = st.lists(st.integers(0, 1000), max_size=16, unique=True).map(sorted).map(_spans)


def found_in(machines: list[list[tuple[int, int]]]) -> Bottlenecks:
    return bottlenecks([periods(*spans) for spans in machines])


@given(st.lists(MACHINE, min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_shares_make_up_the_time_in_which_anything_is_active_and_time_may_run_backwards(
    machines: list[list[tuple[int, int]]],
) -> None:
    found = found_in(machines)
    busy = np.zeros(1000, np.bool_)
    for spans in machines:
        for begin, end in spans:
            busy[begin:end] = True
    assert found.sole_s.sum() <= busy.sum() + 1e-6
    assert found.sole_s.sum() + found.shifting_s.sum() >= busy.sum() - 1e-6
    assert ((found.sole_s + found.shifting_s) <= [sum(b - a for a, b in spans) + 1e-6 for spans in machines]).all()
    lengths = [b - a for spans in machines for a, b in spans]
    if len(set(lengths)) == len(lengths):
        backwards = found_in([[(1000 - b, 1000 - a) for a, b in reversed(spans)] for spans in machines])
        assert backwards.sole_s == pytest.approx(found.sole_s)
        assert backwards.shifting_s == pytest.approx(found.shifting_s)
