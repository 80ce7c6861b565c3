"""GetThroughput and GetMaterialBalance: amounts by hand, a known loss is found at its place, what must always hold."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.arguments import Context, Signal
from analytics.errors import ArgumentError, NotAvailable
from analytics.process import balance, throughput
from analytics.process.stations import Material, Meter, Station
from analytics.series import Series
from tests.simulators.flow_line import asked, at, line, machine, series, simulate

HOUR = 3600.0
OF_BALANCE = [one.name for one in balance.GET_MATERIAL_BALANCE.results[: len(balance.GET_MATERIAL_BALANCE.own) + 2]]
OF_THROUGHPUT = [one.name for one in throughput.GET_THROUGHPUT.results[: len(throughput.GET_THROUGHPUT.own) + 2]]


def balanced(
    stations: list[Station], data: dict[str, Series], end: float = HOUR, longest_s: float = 1e8
) -> dict[str, Any]:
    return dict(zip(OF_BALANCE, balance.run(data, None, at(end), asked(stations, 0, end, longest_s)), strict=True))


def counted(
    stations: list[Station], data: dict[str, Series], end: float, interval_s: float, start: float | None = 0
) -> dict[str, Any]:
    ordered = asked(stations, start, end)
    return dict(zip(OF_THROUGHPUT, throughput.run(data, None, at(end), ordered, interval_s), strict=True))


def row(result: dict[str, Any], node: str, material: str | None = None) -> dict[str, Any]:
    number = next(
        n for n, name in enumerate(result["Nodes"]) if name == node and material in (None, result["Materials"][n])
    )
    return {name: result[name][number] for name in OF_BALANCE[:11]}


def flow(signal: str, uncertainty: float = 0.02) -> Meter:
    return Meter(signal, per_s=HOUR, uncertainty=uncertainty)


def loop(drained: float = 0.0) -> tuple[list[Station], dict[str, Series]]:
    """An hour of a cooling loop: 1 m3 of fresh water, 0.9 m3 evaporated by 612.7 kWh, 0.1 m3 more in the tank."""
    water = Material(
        "water",
        "MTQ",
        (flow("MakeUp"),),
        (),
        (Meter("Heat", 1 / 680.8, HOUR, uncertainty=0.05),),
        (Meter("Tank/Volume", uncertainty=0.005),),
        symbol="m³",
    )
    data = {
        "MakeUp": series([(0, 1.0)]),
        "Heat": series([(0, 612.72)]),
        "Tank/Volume": series([(0, 4.0), (HOUR, 4.1 - drained)]),
    }
    return [Station("", materials=(water,))], data


def test_a_loop_closes_within_its_uncertainty_and_a_leak_is_told_with_its_size() -> None:
    """Uncertainty by hand: 2 x sqrt((0.02 x 1)^2 + (0.05 x 0.9)^2 + 0.005^2 x (4.0^2 + 4.1^2)) = 0.114 m3."""
    result = balanced(*loop())
    whole = row(result, ".")
    assert (whole["In"], whole["Out"], whole["Lost"], whole["StockChange"]) == pytest.approx((1, 0, 0.9, 0.1), abs=1e-4)
    assert whole["Missing"] == pytest.approx(0, abs=1e-4)
    assert whole["Uncertainty"] == pytest.approx(0.114, abs=5e-4)
    assert result["Summary"] == (
        "Water: 0.9 m³ lost on purpose at ., most of all; it closes within the uncertainty of the meters."
    )
    leaks = balanced(*loop(drained=0.3))
    assert row(leaks, ".")["Missing"] == pytest.approx(0.3, abs=1e-4)
    assert leaks["Summary"].startswith("Water: 0.3 m³ missing at . (± 0.11")


def bottles(lost: float = 0.0) -> tuple[list[Station], dict[str, Series]]:
    """1000 filled, 20 of them wrong; `lost` vanish on the way; the rest is capped, 10 wrong; twelve to a case."""
    arrived = 980 - lost
    good = arrived - 10
    counts = {"Filler": (1000, 20), "Capper": (arrived, 10), "Packer": (good / 12, 0)}
    data = {}
    for name, (made, wrong) in counts.items():
        data |= {
            f"{name}/Count": series([(0, 7.0), (HOUR, 7.0 + made)]),
            f"{name}/Rejects": series([(0, 0.0), (HOUR, wrong)]),
        }
    stations = [machine("Filler", "Capper"), machine("Capper", "Packer"), machine("Packer", items=12.0)]
    return [replace(one, state="") for one in stations], data


def test_pieces_that_vanish_between_two_machines_are_found_there_and_yields_roll_to_the_end() -> None:
    result = balanced(*bottles(lost=50))
    assert result["Nodes"] == ["Filler", "Capper", "Packer", "Filler > Capper", "Capper > Packer", "*"]
    assert row(result, "Filler")["Yield"] == pytest.approx(98)
    assert row(result, "Filler > Capper")["Missing"] == pytest.approx(50)
    assert row(result, "Filler > Capper")["Yield"] == pytest.approx(100 * 930 / 980)
    assert row(result, "Packer")["RolledYield"] == pytest.approx(92.0)
    assert row(result, "*")["Yield"] == pytest.approx(92.0)
    assert row(result, "*")["Missing"] == pytest.approx(50)
    assert result["Summary"] == (
        "Product: 92.0 % of what went in came out; 50 pieces missing between Filler and Capper (± 2 pieces): "
        "a leak, an outlet without a meter, or a wrong meter."
    )
    assert "most of all; it closes" in balanced(*bottles())["Summary"]
    assert "20 pieces lost on purpose at Filler" in balanced(*bottles())["Summary"]


def test_what_no_meter_tells_is_told_by_the_neighbours_and_what_nobody_tells_is_said() -> None:
    """A feeds B alone, B feeds C and D: B takes in what A puts out, but which of the two gets what cannot be known."""

    def station(name: str, *feeds: str, **meters: tuple[Meter, ...]) -> Station:
        return Station(name, feeds=feeds, materials=(Material("oil", "LTR", **meters, symbol="l"),))

    stations = [
        station("A", "B", ins=(Meter("A/In"),), outs=(Meter("A/Out"),)),
        station("B", "C", "D", outs=(Meter("B/Out"),)),
        station("C", outs=(Meter("C/Out"),)),
        station("D", outs=(Meter("D/Out"),)),
    ]
    ends = {"A/In": 100.0, "A/Out": 95.0, "B/Out": 90.0, "C/Out": 40.0, "D/Out": 30.0}
    result = balanced(stations, {name: series([(0, 0.0), (HOUR, end)]) for name, end in ends.items()})
    assert (row(result, "B")["In"], row(result, "B")["Yield"]) == (95, pytest.approx(100 * 90 / 95))
    assert math.isnan(row(result, "C")["In"])
    assert row(result, "*")["Missing"] == pytest.approx(30)
    assert "C: oil is not measured on all sides, so it has no balance" in result["Reason"]
    gone = balanced(stations[:1], {"A/In": Series.empty(), "A/Out": series([(0, 1.0), (HOUR, 2.0)])})
    assert (gone["Valid"], math.isnan(row(gone, "A")["In"])) == (False, True)
    with pytest.raises(NotAvailable, match="no values in that time"):
        balanced(stations[:1], {"A/In": Series.empty(), "A/Out": Series.empty()})


def test_what_a_flow_meter_did_not_see_makes_the_balance_less_certain() -> None:
    """A quarter of the hour is Bad: a quarter of what was seen is added to the uncertainty, as nobody knows."""
    water = Material("water", "MTQ", (flow("In", 0.0),), (flow("Out", 0.0),), symbol="m³")
    data = {
        "In": series([(0, 12.0), (1800, float("nan")), (2700, 12.0)]),
        "Out": series([(0, 12.0)]),
    }
    whole = row(balanced([Station("", materials=(water,))], data), ".")
    assert (whole["In"], whole["Out"], whole["Missing"]) == pytest.approx((9, 12, -3))
    assert whole["Uncertainty"] == pytest.approx(2 * 9 / 4)


@given(
    st.lists(st.tuples(st.floats(0.01, 1e4), st.floats(0.01, 1e4), st.floats(0, 1e3)), min_size=1, max_size=6),
    st.randoms(),
)
@settings(max_examples=60, deadline=None)
def test_what_is_missing_at_nodes_and_between_them_is_what_is_missing_of_the_whole(
    meters: list[tuple[float, float, float]], random: Any
) -> None:
    stations, data = [], {}
    for number, (into, out, lost) in enumerate(meters):
        name, feeds = f"S{number}", (f"S{number + 1}",) if number + 1 < len(meters) else ()
        told = {"ins": (Meter(f"{name}/In"),), "outs": (Meter(f"{name}/Out"),), "losses": (Meter(f"{name}/Lost"),)}
        stations.append(Station(name, feeds=feeds, materials=(Material("ore", "TNE", **told),)))
        for key, amount in (("In", into), ("Out", out), ("Lost", lost)):
            data[f"{name}/{key}"] = series([(0, 5.0), (HOUR, 5.0 + amount)])
    random.shuffle(stations)
    result = balanced(stations, data)
    parts = [missing for name, missing in zip(result["Nodes"], result["Missing"], strict=True) if name != "*"]
    expected = meters[0][0] - meters[-1][1] - sum(lost for *_, lost in meters)
    assert sum(parts) == pytest.approx(expected, abs=1e-6)
    if len(meters) > 1:
        assert row(result, "*")["Missing"] == pytest.approx(expected, abs=1e-6)
        last = row(result, f"S{len(meters) - 1}")
        assert last["RolledYield"] == pytest.approx(100 * meters[-1][1] / meters[0][0])


# -- throughput --------------------------------------------------------------------------------------------------------


def test_a_simulated_line_puts_out_what_its_last_machine_made_interval_by_interval() -> None:
    made = simulate(300, [lambda: 10.0, lambda: 12.0], [lambda: 0.0] * 2)
    stations, data = line(("Filler", "Capper"), made)
    stations = [replace(one, state="", unit="H87") for one in stations]
    result = counted(stations, data, 3600.0, 600.0)
    finished = np.array(made[1].finished)
    assert result["Throughput"] == pytest.approx([50.0] * 6, abs=1.0)
    assert sum(result["Throughput"]) == pytest.approx((finished <= 3600).sum(), abs=1.0)
    assert result["Mean"] == pytest.approx(300, abs=2)
    assert (result["Outlets"], result["Unit"], result["Units"]) == (["Capper"], "H87", ["Filler", "Capper"])
    assert result["Times"].tolist() == [at(600.0 * n) for n in range(1, 7)]
    assert result["Known"] == pytest.approx([100.0] * 6, abs=1.0)


def test_the_best_interval_is_one_that_is_known_and_rejects_are_no_throughput() -> None:
    """100 in the first hour, nothing known for two, 150 with 30 rejects in the fourth."""
    count = series([(0, 0.0), (HOUR, 100.0), (1.5 * HOUR, float("nan")), (3 * HOUR, 400.0), (4 * HOUR, 550.0)])
    data = {"M/Count": count, "M/Rejects": series([(0, 0.0), (3 * HOUR, 0.0), (4 * HOUR, 30.0)])}
    ordered = replace(
        asked([replace(machine("M"), state="")], 0, 4 * HOUR), longest_s={"M/Count": HOUR, "M/Rejects": 1e8}
    )
    result = dict(zip(OF_THROUGHPUT, throughput.run(data, None, at(4 * HOUR), ordered, HOUR), strict=True))
    assert result["Known"] == pytest.approx([100, 0, 0, 100])
    assert (result["Best"], result["UnitBest"]) == (pytest.approx(120), [pytest.approx(120)])
    assert "only 50 % of the time is known" in result["Reason"]


def test_cases_and_single_pieces_add_up_by_their_items_and_other_units_are_left_out_with_a_word() -> None:
    data = {
        "Cases/Count": series([(0, 0.0), (HOUR, 10.0)]),
        "Loose/Count": series([(0, 0.0), (HOUR, 30.0)]),
        "Heat/Power": series([(0, 50.0)]),
    }
    stations = [
        Station("Cases", good=Meter("Cases/Count"), unit="H87", items=12.0),
        Station("Loose", good=Meter("Loose/Count"), unit="C62"),
        Station("Heat", count=Meter("Heat/Power", per_s=HOUR), unit="KWH"),
    ]
    result = counted(stations, data, HOUR, HOUR, start=None)
    assert result["Throughput"] == pytest.approx([150])
    assert result["Outlets"] == ["Cases", "Loose"]
    assert "Heat counts in another unit" in result["Reason"]
    assert result["UnitMean"] == pytest.approx([10, 30, 50])


# -- plans -------------------------------------------------------------------------------------------------------------


def test_wrong_arguments_are_told_by_their_index_and_a_little_more_than_the_span_is_read() -> None:
    station = replace(machine("M"), state="")
    about = {"M/Count": Signal(stale_s=60.0), "M/Rejects": Signal(period_s=5.0)}
    context = Context(("M/Count", "M/Rejects"), at(HOUR), about, stations=(station,))
    job = throughput.plan([at(0), at(1800), 600.0], context)
    assert (job.start_ticks, job.end_ticks) == (at(-60), at(1860))
    assert job.signals == ("M/Count", "M/Rejects")
    for arguments, index in (
        ([at(10), at(5), 0.0], 0), ([at(2 * HOUR), None, 0.0], 0), ([at(0), at(60), 600.0], 2),
        ([at(0), at(60), -1.0], 2), ([at(0), at(HOUR), 1e-3], 2), (["today", None, 0.0], 0),
    ):  # fmt: skip
        with pytest.raises(ArgumentError) as raised:
            throughput.plan(arguments, context)
        assert raised.value.index == index, arguments
    with pytest.raises(NotAvailable, match="no complete interval"):
        counted([station], {"M/Count": series([(0, 1.0)]), "M/Rejects": series([(0, 0.0)])}, 60.0, 600.0)
