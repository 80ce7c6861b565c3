"""Which results are shown together, for what the methods of the catalog say of their results."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

from rich.console import Console

from analytics.catalog import CATALOG
from server.address_space import Argument
from server.address_space.arguments import argument_lists
from server.address_space.method_views import MethodView
from server.call_command.arguments import declared
from server.call_command.showing import Showing
from server.call_command.tables import Grouped, Result, group

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def results(name: str, **values: Any) -> list[Result]:
    """Outputs of a method as the bridge declares them, with these values; arrays that are not given are empty."""
    function = CATALOG[name]
    told = tuple(
        Argument(one.name, int(one.data_type), one.value_rank, one.description, one.unit) for one in function.results
    )
    outputs = argument_lists(MethodView(name, "", (), told, function.access), ())["OutputArguments"]
    about = [declared(one) for one in outputs]
    return [Result(one, values.get(one.name, [] if one.is_array else None)) for one in about]


def names(grouped: Grouped) -> list[list[str]]:
    return [[one.name for one in table] for table in grouped.tables]


def said(told: list[Result], *, everything: bool = False) -> str:
    out = StringIO()
    Showing(Console(file=out, width=100, markup=False), everything).results(told)
    return out.getvalue()


SIMULATED = results(
    "Simulate",
    Times=[NOW + timedelta(minutes=at) for at in range(3)],
    Outputs=["Flow", "Power"],
    Units=["MQH", "KWT"],
    Trajectories=[1.0, 10.0, 2.0, 20.0, 3.0, 30.0],
    Differences=[0.0, -5.0, 0.0, -6.0, 0.0, -7.0],
    KpiNames=["Mean(Flow)", "Energy(Power)"],
    KpiUnits=["MQH", "KWH"],
    Kpis=[2.0, 20.0],
    KpiDifferences=[0.0, -6.0],
    Models=["pump (pump, fidelity 0)", "motor (motor, fidelity 1)"],
    InputNames=["Speed", "Ambient"],
    InputValues=[1500.0, 20.0],
)


def test_arrays_of_one_length_that_are_neighbours_by_chance_stay_apart() -> None:
    """Everything but the times is two long here."""
    grouped = group(SIMULATED)
    assert names(grouped)[0] == ["KpiNames", "KpiUnits", "Kpis", "KpiDifferences"]
    assert ["InputNames", "InputValues"] in names(grouped)
    assert ["Models"] in names(grouped)
    explained = results(
        "ExplainAnomaly",
        Explanation="worn",
        **{name: ["a"] for name in ("Signals", "Features", "SimilarEventIds", "SimilarLabels")},
        **{name: [1.0] for name in ("Shares", "Actual", "Expected", "Tolerance", "Similarities")},
        Onsets=[NOW],
    )
    assert names(group(explained)) == [
        ["Signals", "Shares", "Actual", "Expected", "Tolerance", "Features", "Onsets"],
        ["SimilarEventIds", "SimilarLabels", "Similarities"],
    ]


def test_the_product_of_two_lengths_is_a_course_over_time() -> None:
    trajectories, differences = group(SIMULATED).matrices
    assert (trajectories.name, trajectories.rows.name) == ("Trajectories", "Times")
    assert (trajectories.columns, trajectories.units) == (["Flow", "Power"], ["m³/h", "kW"])
    assert trajectories.values == [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]
    assert differences.name == "Differences", "it says that it is the same"
    text = said(SIMULATED)
    assert "Flow m³/h   Power kW" in text
    assert "Energy(Power)   kW·h         20               -6" in text
    assert "Mean(Flow)" not in text, "it does not differ"
    assert "Mean(Flow)" in said(SIMULATED, everything=True)
    fleet = results(
        "TrainFleet", Twins=["A", "B"], ModelIds=["1", "2"], States=["Active"] * 2, Reasons=["", ""],
        FigureNames=["F1", "FAR", "MAR"], Figures=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    )  # fmt: skip
    (figures,) = group(fleet).matrices
    assert (figures.rows.name, figures.columns) == ("Twins", ["F1", "FAR", "MAR"])


def test_every_method_of_the_catalog_can_be_shown_with_results_and_without() -> None:
    sample = {1: True, 6: 1, 7: 1, 11: 1.5, 12: "text", 13: NOW, 15: b"x", 17: None}
    for name, function in CATALOG.items():
        assert said(results(name)), name
        values = {
            one.name: [sample[one.data_type]] * 3 if one.value_rank == 1 else sample[one.data_type]
            for one in function.own
        }
        text = said(results(name, **values), everything=True)
        matrices = [one.name for one in function.own if "* length(" in one.description]
        missing = [one.name for one in function.own if one.name not in text]
        assert not missing or matrices, f"{name} does not show {missing}"
