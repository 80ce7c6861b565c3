"""GetOEE against hand-worked shifts by the formulas of ISO 22400-2:2014, and what must always hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.errors import NotAvailable
from analytics.process.effectiveness import Unit, unit
from analytics.process.oee import GET_OEE, run
from analytics.process.stations import Meter, State, Station
from analytics.series import Series
from tests.simulators.flow_line import BEGIN, asked, at, machine, series

MINUTE = 60.0
NAMES = [one.name for one in GET_OEE.results[: len(GET_OEE.own) + 2]]
R, P, D, U, S = State.running, State.planned, State.down, State.setup, State.stopped
SHIFT = [
    (0, R), (100, D), (130, R), (200, P), (230, R), (300, U), (320, R), (400, State.starved), (408, R), (430, S),
    (435, R), (460, State.blocked), (467, R), (480, P),
]  # fmt: skip
"""Minutes of an 8 h shift: 30 min break; 30 down, 20 setup, 8 starved, 5 stopped, 7 blocked, and 380 running."""


def told(stations: list[Station], data: dict[str, Series], end: float = 480 * MINUTE, **more: Any) -> dict[str, Any]:
    ordered = asked(stations, 0, end, **{key: more.pop(key) for key in ("longest_s",) if key in more})
    return dict(zip(NAMES, run(data, None, at(end), ordered, more.get("stops", ())), strict=True))


def course(name: str, changes: list[tuple[float, State]], made: float, rejected: float) -> dict[str, Series]:
    end = changes[-1][0] * MINUTE
    return {
        f"{name}/State": series([(minute * MINUTE, state) for minute, state in changes]),
        f"{name}/Count": series([(0, 5000.0), (end, 5000.0 + made)]),
        f"{name}/Rejects": series([(0, 40.0), (end, 40.0 + rejected)]),
    }


def shift() -> dict[str, Series]:
    """700 made in the shift at 30 s each at best, 14 of them wrong. Counted at the edges of the break, so that nothing
    is made in it."""
    data = course("M", SHIFT, 700, 14)
    data["M/Count"] = series([(0, 5000.0), (200 * MINUTE, 5300.0), (230 * MINUTE, 5300.0), (480 * MINUTE, 5700.0)])
    data["M/Rejects"] = series([(0, 40.0), (200 * MINUTE, 46.0), (230 * MINUTE, 46.0), (480 * MINUTE, 54.0)])
    return data


def test_a_shift_worked_by_hand_comes_out() -> None:
    """PBT 450 min, APT 380, PRI 0.5 min, PQ 700, GQ 686: availability 380/450, effectiveness 350/380, quality 0.98."""
    result = told([machine("M", ideal=1 / 30)], shift())
    assert result["Valid"] is True
    assert result["Availability"] == pytest.approx(84.4444, abs=1e-3)
    assert result["Effectiveness"] == pytest.approx(92.1053, abs=1e-3)
    assert result["QualityRatio"] == pytest.approx(98.0)
    assert result["OEE"] == pytest.approx(76.2222, abs=1e-3)
    assert result["NEE"] == pytest.approx([400 / 450 * 350 / 380 * 98], abs=1e-6)
    times = [result[name][0] for name in ("PBT", "APT", "AUST", "ADOT", "ADET", "PlannedStopTime", "UnknownTime")]
    assert times == pytest.approx([450, 380, 20, 30, 20, 30, 0])
    assert (result["PQ"], result["GQ"]) == (pytest.approx([700]), pytest.approx([686]))
    losses = dict(zip(result["LossKinds"], result["LossTimes"], strict=True))
    assert losses == pytest.approx(
        {"Breakdowns": 30, "ReducedSpeed": 30, "Setup": 20, "Starved": 8, "Blocked": 7, "Rejects": 7, "OtherStops": 5}
    )
    assert sum(losses.values()) + 0.5 * 686 == pytest.approx(450), (
        "losses and what good items needed are all of the PBT"
    )
    assert result["Summary"] == (
        "OEE 76.2 %: availability 84.4 %, effectiveness 92.1 %, quality 98.0 %; lost most at M: "
        "Breakdowns 30.0 min, ReducedSpeed 30.0 min"
    )


def test_planned_stops_of_a_calendar_are_no_planned_busy_time_whatever_the_machine_says() -> None:
    stops = ((at(100 * MINUTE), at(130 * MINUTE)), (at(190 * MINUTE), at(210 * MINUTE)))
    result = told([machine("M", ideal=1 / 30)], shift(), stops=stops)
    assert (result["PBT"], result["ADOT"]) == (pytest.approx([410]), pytest.approx([0]))
    assert result["Availability"] == pytest.approx(100 * 370 / 410)
    assert result["PlannedStopTime"] == pytest.approx([70])


def test_time_of_which_nothing_is_known_is_told_and_left_out_with_what_was_made_in_it() -> None:
    """A device that is away from minute 100 to 200: neither time nor pieces of that time count."""
    data = {
        "M/State": series([(0, R), (100 * MINUTE, float("nan")), (200 * MINUTE, R)]),
        "M/Count": series([(0, 0.0), (100 * MINUTE, 190.0), (200 * MINUTE, 380.0), (300 * MINUTE, 570.0)]),
        "M/Rejects": series([(0, 0.0), (300 * MINUTE, 0.0)]),
    }
    result = told([machine("M", ideal=1 / 30)], data, 300 * MINUTE)
    assert (result["UnknownTime"], result["PBT"]) == (pytest.approx([100]), pytest.approx([200]))
    assert (result["PQ"], result["Effectiveness"]) == (pytest.approx([380]), pytest.approx(95))
    assert "33 % of the time, which is left out" in result["Reason"]
    gone = told([machine("M", ideal=1 / 30)], data, 300 * MINUTE, longest_s=60.0)
    assert gone["UnknownTime"] == pytest.approx([298]), "a reading counts for a minute only"
    assert gone["Valid"] is False


def test_counters_that_are_reset_roll_over_or_are_corrected_count_right() -> None:
    meter = Meter("M/Count", rolls_at=65536.0)
    counts = [(0, 65_500.0), (60, 65_530.0), (120, 14.0), (180, 50.0), (240, 0.0), (300, 7.0), (360, 6.0), (420, 10.0)]
    data = course("M", [(0, R), (7, R)], 0, 0) | {"M/Count": series(counts)}
    found = figures(machine("M", count=meter), data, 420)
    assert found.produced == 30 + 20 + 36 + 0 + 7 + 0 + 4
    assert any("set back by a little 1 times" in remark for remark in found.remarks)


def figures(station: Station, data: dict[str, Series], end: float, start: float = 0.0) -> Unit:
    ordered = asked([station], start, end)
    return unit(ordered, data, station, (at(start), at(end)), ())


def test_an_ideal_rate_may_come_from_a_tag_and_what_is_made_may_flow() -> None:
    """Effectiveness is what was made over what could have been made while running: a chiller at half load."""
    chiller = Station(
        "C", "C/State", {2: R}, Meter("C/Power", per_s=3600), unit="KWH", ideal_meter=Meter("C/Rated", per_s=3600)
    )
    data = {
        "C/State": series([(0, 2.0), (3600, 0.0)]),
        "C/Power": series([(0, 450.0), (3600, 0.0)]),
        "C/Rated": series([(0, 1000.0), (1800, 800.0)]),
    }
    found = figures(chiller, data, 7200)
    assert (found.produced, found.ideal) == (pytest.approx(450), pytest.approx(900))
    assert (found.availability, found.effectiveness, found.oee) == (0.5, 0.5, 0.25)


def test_what_is_not_counted_leaves_the_availability_and_says_why_there_is_no_oee() -> None:
    bare = replace(machine("M"), count=None, rejects=None)
    result = told([bare], {"M/State": shift()["M/State"]})
    assert result["Availability"] == pytest.approx(84.4444, abs=1e-3)
    assert np.isnan([result["OEE"], result["Effectiveness"], result["QualityRatio"]]).all()
    without = told([machine("M", rejects=None)], shift())
    assert np.isnan(without["OEE"])
    assert "no ideal_cycle_s" in without["Reason"]
    assert "M counts no rejects" in without["Reason"]
    fast = told([machine("M", ideal=1 / 60)], shift())
    assert "184 % of its ideal rate: the ideal is set too low" in fast["Reason"]


def test_no_values_and_nothing_but_planned_stops_are_not_available() -> None:
    nothing = dict.fromkeys(("M/State", "M/Count", "M/Rejects"), Series.empty())
    with pytest.raises(NotAvailable, match="no values in that time"):
        told([machine("M")], nothing)
    with pytest.raises(NotAvailable, match="planned stops"):
        told([machine("M")], shift(), stops=((BEGIN, at(480 * MINUTE)),))


def test_the_process_is_as_good_as_the_machine_the_flow_needs_most_and_the_quality_behind_it() -> None:
    """B is needed most (availability x effectiveness 0.9, against 0.6 and 0.5); of its 540 in 600 min 5 % are wrong,
    and C throws out another 10 %: OEE 0.9 x 0.95 x 0.9."""
    data = course("A", [(0, R), (600, P)], 600, 30) | course("B", [(0, R), (540, D), (600, P)], 540, 27)
    data |= course("C", [(0, R), (450, State.starved), (600, P)], 500, 50)
    rates = {"A": 1000 / 36_000, "B": 1 / 60, "C": 1 / 36}
    stations = [machine(name, *feeds, ideal=rates[name]) for name, feeds in (("C", ()), ("A", ("B",)), ("B", ("C",)))]
    result = told(stations, data, 600 * MINUTE)
    assert result["Constraint"] == "B"
    assert result["OEE"] == pytest.approx(90 * 0.95 * 0.9)
    assert result["QualityRatio"] == pytest.approx(95 * 0.9)
    own = told([*stations, machine("", ideal=1 / 30)], data | {"/State": data["A/State"], "/Count": data["A/Count"],
               "/Rejects": data["A/Rejects"]}, 600 * MINUTE)  # fmt: skip
    assert own["Constraint"] == ".", "what the twin says of itself comes first"
    assert own["Availability"] == pytest.approx(100)


SECONDS = st.integers(min_value=1, max_value=400)
STRETCH = st.tuples(SECONDS, st.sampled_from([*State]), st.integers(0, 400), st.floats(0, 1))


def happened(stretches: list[tuple[int, State, int, float]], ideal: float) -> tuple[dict[str, Series], float]:
    """A machine that makes something while it runs only, never faster than ideal; read at every change."""
    second, made, wrong = 0.0, 0.0, 0.0
    states, counts, rejects = [], [(0.0, 0.0)], [(0.0, 0.0)]
    for length, state, pieces, share in stretches:
        states.append((second, float("nan") if state is State.unknown else float(state)))
        second += length
        if state is R:
            more = min(pieces, length * ideal)
            made, wrong = made + more, wrong + share * more
        counts.append((second, made))
        rejects.append((second, wrong))
    return {"M/State": series(states), "M/Count": series(counts), "M/Rejects": series(rejects)}, second


@given(st.lists(STRETCH, min_size=1, max_size=30), st.floats(0.01, 5), st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_oee_is_from_0_to_1_losses_make_up_the_rest_and_two_halves_are_the_whole(
    stretches: list[tuple[int, State, int, float]], ideal: float, cut: float
) -> None:
    data, end = happened(stretches, ideal)
    station = machine("M", ideal=ideal)
    whole = figures(station, data, end)
    if whole.pbt_s:
        assert 0.0 <= whole.availability <= 1.0
    if np.isfinite(whole.oee):
        assert -1e-9 <= whole.oee <= 1.0 + 1e-9
    if np.isfinite(whole.effectiveness) and np.isfinite(whole.quality):
        needed = whole.good / ideal
        assert sum(lost for _, lost in whole.losses()) + needed == pytest.approx(whole.pbt_s, abs=1e-3 * end)
    middle = round(cut * end)
    if 0 < middle < end:
        halves = figures(station, data, middle), figures(station, data, end, middle)
        assert halves[0].seconds + halves[1].seconds == pytest.approx(whole.seconds, abs=1e-5)
        for name in ("produced", "good"):
            both = sum(np.nan_to_num(getattr(half, name)) for half in halves)
            assert both == pytest.approx(np.nan_to_num(getattr(whole, name)), abs=1e-4)
