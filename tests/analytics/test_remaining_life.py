"""PredictRemainingUsefulLife by histories: what it learns from, how sure it is, what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analytics import remaining_life, remaining_life_train
from analytics.arguments import Context, Signal
from analytics.catalog import CATALOG
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, ArgumentError, NotAvailable
from analytics.models import Label, LabelKind, Model, ModelRecord, ModelState, Trained
from analytics.remaining_life_plan import plan
from analytics.remaining_life_runs import TICKS_PER_HOUR, features, lives, run_of, since_new
from analytics.series import Series

START = 134_000_000_000_000_000
Case = tuple[dict[str, Series], tuple[Label, ...], list[tuple[int, int]]]


def failure(at: int, kind: LabelKind = LabelKind.failure) -> Label:
    return Label("", kind, at, at)


def fleet(count: int, seed: int = 0, worn: float = 1.0) -> Case:
    """Lives of 80 to 160 hours one after the other, a reading an hour: vibration and temperature rise over the last
    60, the flow says nothing, the counter counts two cycles an hour."""
    random = np.random.default_rng(seed)
    begin, labels, spans = START, [], []
    ticks, vibration, temperature, flow = [], [], [], []
    for _ in range(count):
        hours = int(random.integers(80, 160))
        t = np.arange(hours) + 0.5
        wear = worn * np.clip((t - hours + 60.0) / 60.0, 0.0, None) ** 1.5
        ticks.append(begin + (t * TICKS_PER_HOUR).astype(np.int64))
        vibration.append(1.0 + 3.0 * wear + random.normal(0, 0.15, hours))
        temperature.append(40.0 + random.normal(0, 2) + 20.0 * wear + random.normal(0, 1.0, hours))
        flow.append(80.0 + random.normal(0, 1.0, hours))
        spans.append((begin, begin + hours * TICKS_PER_HOUR))
        begin = spans[-1][1] + 1
        labels.append(failure(begin - 1))
    at = np.concatenate(ticks)
    good = np.zeros(len(at), np.uint32)
    columns = {"Vibration": vibration, "Temperature": temperature, "Flow": flow}
    series = {name: Series(at, np.concatenate(parts), good) for name, parts in columns.items()}
    series["Cycles"] = Series(at, 2.0 * (at - START) / TICKS_PER_HOUR, good)
    return series, tuple(labels), spans


def model_of(trained: Trained) -> Model:
    record = ModelRecord(
        "RemainingLife-1", trained.kind, "", 1, ModelState.active, 0, 0, 0, trained.signals, trained.context_signals,
        trained.settings, trained.figures, "",
    )  # fmt: skip
    return Model(record, trained.arrays)


def train(case: Case, **options: Any) -> Trained:
    series, labels, spans = case
    return remaining_life_train.run(series, (), START, spans[-1][1] + 1, labels=labels, **options)


@pytest.fixture(scope="module")
def model() -> Model:
    series, labels, spans = fleet(20)
    del series["Cycles"]
    return model_of(train((series, labels, spans)))


def named(results: Sequence[Any]) -> dict[str, Any]:
    names = [*(one.name for one in remaining_life.PREDICT.own), "Valid", "Reason"]
    return dict(zip(names, results, strict=True))


def ask(model: Model, case: Case, hours_left: float, percent: float = 90.0) -> dict[str, Any]:
    """What the model says so many hours before the last failure of a case."""
    series, labels, spans = case
    now = spans[-1][1] - round(hours_left * TICKS_PER_HOUR)
    context = Context(tuple(series), now, models=(model.record,), labels=labels[:-1])
    job = plan(("", percent), context)
    assert job.model == model.record.id
    assert job.start_ticks is not None
    cut = {name: series[name].between(job.start_ticks, now) for name in job.signals}
    return named(remaining_life.run_histories(**job.keywords(cut), model=model))  # type: ignore[arg-type]


def test_the_figures_of_training_are_those_of_lives_it_has_not_seen(model: Model) -> None:
    figures = model.record.figures
    assert figures["Histories"] == 20
    assert figures["HeldOutError"] < 0.5 * figures["ConstantGuessError"]
    assert 0.8 <= figures["Coverage90"] <= 1.0


def test_a_remaining_life_shrinks_as_the_end_comes_and_its_interval_holds_the_truth(model: Model) -> None:
    case = fleet(3, seed=5)
    said = [ask(model, case, left) for left in (50, 30, 15, 5)]
    values = [one["RemainingUsefulLife"] for one in said]
    assert values == sorted(values, reverse=True)
    assert all(one["Lower"] <= left <= one["Upper"] for one, left in zip(said, (50, 30, 15, 5), strict=True))
    chances = [one["Probabilities"][0] for one in said]
    assert chances == sorted(chances)
    assert said[-1]["Horizons"].tolist() == [24.0, 168.0, 720.0]
    assert chances[-1] == 1.0


@pytest.mark.parametrize("percent", [60.0, 90.0])
def test_the_interval_holds_the_truth_in_about_the_stated_share_of_new_lives(model: Model, percent: float) -> None:
    held = []
    for seed in range(40):
        left = 1 + (7 * seed) % 60
        one = ask(model, fleet(2, seed=100 + seed), left, percent)
        held.append(one["Lower"] <= left <= one["Upper"])
    assert percent / 100 - 0.12 <= np.mean(held) <= min(percent / 100 + 0.2, 1.0)


def test_what_tells_the_end_is_named_and_what_says_nothing_is_not(model: Model) -> None:
    one = ask(model, fleet(3, seed=5), 10)
    assert set(one["Drivers"][:2]) == {"Vibration", "Temperature"}
    assert one["DriverShares"][:2].sum() > 0.7
    assert np.isclose(one["DriverShares"].sum(), 1.0)
    assert (one["Method"], one["Histories"], one["Unit"]) == ("Histories", 20, "HUR")
    assert "20 histories" in one["Explanation"]
    assert "Vibration" in one["Explanation"]


def test_before_wear_shows_it_says_so(model: Model) -> None:
    one = ask(model, fleet(3, seed=6), 78)
    assert one["Valid"]
    assert "no wear shows yet" in one["Reason"]


def test_fewer_than_ten_histories_are_refused_with_what_would_help() -> None:
    with pytest.raises(NotAvailable, match=r"9 histories.*10 are needed.*LabelEvent"):
        train(fleet(9))


def test_lives_that_maintenance_ended_are_no_histories_and_are_told() -> None:
    series, labels, spans = fleet(11)
    renewed = (*(replace(one, kind=LabelKind.maintenance) for one in labels[:2]), *labels[2:])
    with pytest.raises(NotAvailable, match="2 more ended by maintenance"):
        train((series, renewed, spans))
    assert lives(renewed, START, spans[-1][1] + 1)[0][0] == (labels[1].end_ticks, labels[2].start_ticks)
    assert since_new(renewed[:2], spans[-1][1]) == labels[1].end_ticks


def test_signals_that_do_not_show_wear_make_no_model() -> None:
    random = np.random.default_rng(3)
    ends = np.cumsum(25.0 + random.exponential(60.0, 16))  # sudden failures: what has lasted long lasts no shorter
    at = START + (np.arange(ends[-1]) * TICKS_PER_HOUR).astype(np.int64)
    series = {"Flow": Series(at, random.normal(size=len(at)), np.zeros(len(at), np.uint32))}
    labels = tuple(failure(START + round(end * TICKS_PER_HOUR)) for end in ends)
    with pytest.raises(NotAvailable, match="do not show how far the end is"):
        remaining_life_train.run(series, (), START, labels[-1].end_ticks, labels=labels)


def test_use_may_be_counted_by_a_signal() -> None:
    many = fleet(14)
    hours = np.median([(end - begin) / TICKS_PER_HOUR for begin, end in many[2]])
    trained = train(many, counter="Cycles")
    assert trained.context_signals == ("Cycles",)
    assert abs(trained.figures["MedianLife"] - 2.0 * hours) < 4.0
    case = fleet(2, seed=9)
    model = model_of(trained)
    context = Context(tuple(case[0]), case[2][-1][1], {"Cycles": Signal("C62", symbol="")}, models=(model.record,))
    job = plan(("", 0.0), context)
    assert (job.settings["unit"], job.settings["symbol"]) == ("C62", "")
    early, late = ask(model, case, 25)["RemainingUsefulLife"], ask(model, case, 5)["RemainingUsefulLife"]
    assert abs(early - 50) < 25
    assert abs(late - 10) < 15


def test_missing_and_bad_values_are_borne_until_too_many_are_missing(model: Model) -> None:
    series, labels, spans = fleet(2, seed=5)
    holes = np.random.default_rng(0).random(len(series["Vibration"])) < 0.3
    broken = {
        name: replace(one, values=np.where(holes, np.nan, one.values)) if name == "Vibration" else one
        for name, one in series.items()
    }
    assert abs(ask(model, (broken, labels, spans), 10)["RemainingUsefulLife"] - 10) < 15
    dead = {
        name: replace(one, values=np.full(len(one), np.nan)) if name != "Flow" else one for name, one in series.items()
    }
    with pytest.raises(NotAvailable, match="2 of 3 signals have no Good value now: Vibration, Temperature"):
        ask(model, (dead, labels, spans), 10)


def test_a_part_that_is_quite_new_is_not_judged(model: Model) -> None:
    series, labels, spans = fleet(2, seed=5)
    life_h = (spans[-1][1] - spans[-1][0]) / TICKS_PER_HOUR
    with pytest.raises(NotAvailable, match="too short a time"):
        ask(model, (series, labels, spans), life_h - 3)


def test_what_no_history_saw_is_told(model: Model) -> None:
    series, labels, spans = fleet(2, seed=5)
    hot = replace(series["Temperature"], values=series["Temperature"].values + 200.0)
    one = ask(model, ({**series, "Temperature": hot}, labels, spans), 20)
    assert "outside of what the histories saw: Temperature" in one["Reason"]


def test_more_confidence_than_the_histories_bear_is_told(model: Model) -> None:
    one = ask(model, fleet(2, seed=5), 20, 99.0)
    assert "confidence only" in one["Reason"]


@pytest.mark.parametrize(
    ("arguments", "index", "status"),
    [
        (("RemainingLife-9", 90.0), 0, BAD_NO_MATCH),
        (("", 0.9), 1, BAD_OUT_OF_RANGE),
        (("", 100.0), 1, BAD_OUT_OF_RANGE),
    ],
)
def test_a_wrong_argument_is_named(model: Model, arguments: tuple[object, ...], index: int, status: int) -> None:
    with pytest.raises(ArgumentError) as error:
        plan(arguments, Context(("Vibration",), START, models=(model.record,)))
    assert (error.value.index, error.value.status) == (index, status)


def test_a_model_whose_signal_the_plant_has_no_more_is_not_used(model: Model) -> None:
    with pytest.raises(NotAvailable, match="no Temperature, Flow any more"):
        plan(("", 0.0), Context(("Vibration",), START, models=(model.record,)))


@pytest.mark.parametrize("options", [{"horizons": "24,soon"}, {"horizons": "-1"}, {"counter": "Hours"}])
def test_a_wrong_option_is_named(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        train(fleet(1), **options)


def test_the_features_of_a_row_know_nothing_of_what_comes_later() -> None:
    series, _, spans = fleet(1)
    whole = run_of(list(series.values()), None, spans[0], 1.0, ())
    part = run_of(list(series.values()), None, (spans[0][0], spans[0][0] + 50 * TICKS_PER_HOUR), 1.0, ())
    assert np.allclose(features(whole)[:50], features(part), equal_nan=True)


def test_the_function_is_in_the_catalog() -> None:
    assert CATALOG["PredictRemainingUsefulLife"] is remaining_life.PREDICT
