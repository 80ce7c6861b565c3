"""The detector: what raises its score, what must not, and what it does without some of its signals."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import anomaly_train
from analytics.anomaly import Scores, from_arrays
from analytics.anomaly_data import frame, sampling_of
from analytics.anomaly_detect import course, found
from analytics.anomaly_live import Scorer
from analytics.errors import NotAvailable
from analytics.models import Label, LabelKind, Model
from analytics.rolling import rolling
from analytics.series import Series
from tests.simulators.anomalies import TRAINING_S, S, model_of, pump_model, trained
from tests.simulators.courses import MEASURED, NOW, SPEED, Columns, as_series, pump

VIBRATION, TEMPERATURE, FLOW, CURRENT = MEASURED


@cache
def known() -> Model:
    return pump_model()


def scores(columns: Columns, model: Model) -> Scores:
    """Of as many seconds after the training."""
    seconds = len(next(iter(columns.values())))
    return course(as_series(columns, NOW + seconds * S), model, NOW + S, NOW + seconds * S).scores


def broken(**shifts: float) -> Columns:
    """Ten minutes, in the last five of which signals (by their last names) are off."""
    columns = pump(600, 7)
    for name, shift in shifts.items():
        path = next(one for one in columns if one.endswith(name))
        columns[path][300:] += shift
    return columns


def test_features_of_windows_are_those_of_each_window_by_itself() -> None:
    values = np.random.default_rng(0).normal(1e5, 1.0, (200, 3))
    values[40:47, 1] = np.nan
    for width in (1, 2, 7, 15):
        features = rolling(values, width)
        assert np.isnan(features[: width - 1]).all()
        for end in (width - 1, 80, 199):
            window = values[end - width + 1 : end + 1]
            by_hand = [window.mean(0), window.std(0), window.max(0), window.min(0)]
            assert np.allclose(features[end], by_hand, rtol=1e-9, atol=1e-6)


def test_a_window_with_half_of_its_values_missing_has_no_features() -> None:
    values = np.arange(20.0)[:, None]
    values[4:8] = np.nan
    present = ~np.isnan(rolling(values, 8)[:, 0, 0])
    assert present[7:].tolist() == [False] * 5 + [True] * 8


def test_normal_operation_raises_no_alarm_at_any_speed_that_was_seen() -> None:
    seen = scores(pump(3600, 2), known())
    assert found(known(), seen) == []
    assert not seen.unknown_state.any()


def test_a_speed_that_training_never_saw_is_not_judged_and_never_an_alarm() -> None:
    fast = scores(pump(900, 3, speeds=(1900.0, 2000.0)), known())
    assert np.isnan(fast.score).all()
    assert fast.unknown_state[20:].all()
    assert found(known(), fast) == []


def test_with_the_speed_as_a_signal_among_others_a_new_speed_is_an_alarm() -> None:
    """What ContextSignals are for."""
    other = pump(1800, 3, speeds=(1000.0, 1700.0))
    blind = model_of(trained(as_series(pump(TRAINING_S, 1)), ()))
    assert found(blind, scores(other, blind)) != []
    assert found(known(), scores(other, known())) == []


@pytest.mark.parametrize(
    ("name", "shift"), [("Vibration", 1.0), ("Temperature", 2.0), ("Flow", -6.0), ("Current", 1.5)]
)
def test_a_fault_is_found_soon_and_its_sensor_named(name: str, shift: float) -> None:
    seen = scores(broken(**{name: shift}), known())
    (event,) = found(known(), seen)
    assert 300 <= event.first <= 310
    assert event.last == 599
    top = np.nanargmax(seen.shares[320:], axis=1)
    assert (top == next(at for at, one in enumerate(MEASURED) if one.endswith(name))).mean() > 0.99


def test_a_relation_that_breaks_is_found_though_each_sensor_stays_in_its_range() -> None:
    generator = np.random.default_rng(3)
    cause = np.zeros(5000)
    for second in range(1, 5000):
        cause[second] = 0.97 * cause[second - 1] + 0.24 * generator.normal()

    def both(first: int, second: int, seconds: int) -> Columns:
        noise = 0.1 * generator.normal(size=(2, seconds))
        return {"A": cause[first : first + seconds] + noise[0], "B": cause[second : second + seconds] + noise[1]}

    model = model_of(trained(as_series(both(0, 0, 1800)), ()))
    assert found(model, scores(both(2000, 2000, 900), model)) == []
    parted = scores(both(2000, 4000, 900), model)
    assert np.nanmean(parted.score > 1.0) > 0.5
    assert np.nanmean(parted.own > 1.0) < 0.05


def test_one_faulty_sensor_among_sixty_is_found() -> None:
    generator = np.random.default_rng(4)
    causes = generator.normal(size=(3, 60))

    def sixty(seconds: int) -> Columns:
        phases = np.arange(seconds)[:, None] / np.array([7.0, 23.0, 61.0]) + generator.uniform(0, 6, 3)
        data = np.sin(phases) @ causes + 0.5 * generator.normal(size=(seconds, 60))
        return {f"S{at}": data[:, at] for at in range(60)}

    model = model_of(trained(as_series(sixty(TRAINING_S)), ()))
    faulty = sixty(300)
    faulty["S17"][200:] += 3.0
    seen = scores(faulty, model)
    assert np.nanmax(seen.score[:200]) < 1.0
    assert (seen.score[225:] > 1.0).all()
    assert (seen.shares[225:].argmax(axis=1) == 17).all()


@settings(max_examples=10, deadline=None)
@given(factor=st.floats(1e-3, 1e3), offset=st.floats(-1e3, 1e3))
def test_scores_do_not_depend_on_units(factor: float, offset: float) -> None:
    train, fault = pump(600, 1), broken(Vibration=1.0)
    plain = scores(fault, model_of(trained(as_series(train))))
    for columns in (train, fault):
        columns[VIBRATION] = columns[VIBRATION] * factor + offset
        columns[SPEED] = columns[SPEED] / 60.0
    other = scores(fault, model_of(trained(as_series(train))))
    assert np.allclose(plain.score, other.score, rtol=1e-3, equal_nan=True)


def test_a_constant_signal_changes_nothing_and_is_named() -> None:
    train, fault = pump(600, 1), broken(Vibration=1.0)
    plain = scores(fault, model_of(trained(as_series(train))))
    made = trained(as_series({**train, "Setpoint": np.full(600, 7.0)}))
    assert made.settings["dropped"] == "Setpoint is constant"
    assert made.signals == MEASURED
    assert np.array_equal(scores(fault, model_of(made)).score, plain.score, equal_nan=True)


def test_scoring_is_causal() -> None:
    fault = broken(Flow=-8.0)
    whole = scores(fault, known()).score
    cut = scores({name: column[:400] for name, column in fault.items()}, known()).score
    assert np.allclose(whole[:400], cut, equal_nan=True)


def test_a_sensor_that_goes_silent_neither_raises_nor_hides_an_alarm() -> None:
    quiet, loud = pump(600, 7), broken(Flow=-8.0)
    for columns in (quiet, loud):
        columns[TEMPERATURE][200:] = np.nan
    assert found(known(), scores(quiet, known())) == []
    assert np.isnan(scores(quiet, known()).score).sum() <= 14
    assert len(found(known(), scores(loud, known()))) == 1


def test_without_most_sensors_or_the_context_there_is_no_score() -> None:
    columns = pump(600, 7)
    for name in (VIBRATION, TEMPERATURE, FLOW):
        columns[name][200:400] = np.nan
    columns[SPEED][500:] = np.nan
    score = scores(columns, known()).score
    assert np.isnan(score[220:390]).all()
    assert np.isnan(score[515:]).all()
    assert np.isfinite(score[420:490]).all()


def test_a_missing_sensor_counts_as_what_the_others_let_expect() -> None:
    """Its conditional mean: no other value of it would make the distance less."""
    model, data = known(), as_series(pump(60, 9), NOW)
    detector = from_arrays(model.arrays)
    rows = frame(data, MEASURED, (SPEED,), NOW, NOW, sampling_of(model))
    holes = replace(rows, features=rows.features.copy())
    holes.features[:, :, 1] = np.nan
    from analytics.anomaly import distances, fill, residuals, whiten

    z = residuals(detector, holes.features, holes.context)
    fill(detector, z)
    least = np.linalg.norm(whiten(detector, z))
    assert least == pytest.approx(float(distances(detector, holes.features, holes.context).total[0]))
    for at in range(1, 16, 4):
        for step in (-0.1, 0.1):
            moved = z.copy()
            moved[0, at] += step
            assert np.linalg.norm(whiten(detector, moved)) > least


def test_arrays_are_plain_and_give_the_same_detector_back() -> None:
    detector = from_arrays(known().arrays)
    assert all(array.dtype.kind in "fibu" for array in known().arrays.values())
    again = from_arrays(detector.arrays())
    assert again.limit == detector.limit
    assert again.state.pairs == detector.state.pairs
    assert np.array_equal(again.basis, detector.basis)


# -- training ----------------------------------------------------------------------------------------------------------


def test_the_figures_come_from_data_not_used_for_the_fit() -> None:
    made = trained(as_series(pump(TRAINING_S, 1)))
    assert made.kind == "Anomaly"
    assert made.windows == TRAINING_S // 15 - 1
    assert made.figures["FalseAlarmShare"] < 0.01
    assert made.figures["HeldOutWindows"] > 100
    assert made.figures["GoodShare"] == 1.0
    assert 0.1 < made.figures["HeldOutMedianScore"] < 0.7


def test_too_few_windows_are_refused_with_what_is_needed() -> None:
    with pytest.raises(NotAvailable, match=r"19 windows of 15 s .* are too few, a model needs 20 \(300 s"):
        trained(as_series(pump(300, 1)), ())
    assert trained(as_series(pump(330, 1)), ()).windows == 21


def test_operating_states_that_occur_only_once_give_no_limit() -> None:
    """Each lasts for one of the blocks that are held back in turn."""
    columns, at = pump(400, 1), np.arange(400)
    states = {"Recipe": (0, 111), "Load": (97, 207), "Feed": (193, 304)}
    for name, (begin, end) in states.items():
        columns[name] = np.where((at >= begin) & (at < end), 50.0, np.sin(at))
    with pytest.raises(NotAvailable, match="each operating state occurs only once"):
        trained(as_series(columns), (SPEED, *states))


def test_dead_and_constant_signals_are_left_out_by_name() -> None:
    columns = pump(900, 1)
    columns[FLOW][:] = np.nan
    columns[CURRENT][200:] = np.nan
    columns[TEMPERATURE][:] = 3.0
    made = trained(as_series(columns))
    assert made.signals == (VIBRATION,)
    dropped = str(made.settings["dropped"])
    assert f"{FLOW} has Good values in 0 % of the time" in dropped
    assert f"{CURRENT} has Good values in 22 % of the time" in dropped
    assert f"{TEMPERATURE} is constant" in dropped


def test_without_a_usable_signal_or_a_known_operating_state_there_is_no_model() -> None:
    columns = pump(900, 1)
    with pytest.raises(NotAvailable, match="no signal can be used: Flow is constant"):
        trained(as_series({FLOW: np.full(900, 1.0), SPEED: columns[SPEED]}))
    columns[SPEED][100:] = np.nan
    with pytest.raises(NotAvailable, match="operating state is not known: Speed has Good values in 11 %"):
        trained(as_series(columns))
    silent = {"A": Series.empty()}
    with pytest.raises(NotAvailable, match="no signal can be used: A has Good values in 0 %"):
        anomaly_train.run(silent, (), NOW - 900 * S, NOW)


@pytest.mark.parametrize("how", ["exclude", "label"])
def test_a_known_fault_in_the_data_can_be_left_out(how: str) -> None:
    columns = pump(TRAINING_S, 1)
    columns[FLOW][600:1000] -= 15.0
    span = (NOW - (TRAINING_S - 590) * S, NOW - (TRAINING_S - 1010) * S)
    label = Label("L1", LabelKind.fault, *span)
    made = trained(as_series(columns), **({"exclude": (span,)} if how == "exclude" else {"labels": (label,)}))
    assert made.windows < TRAINING_S // 15 - 25
    assert len(found(model_of(made), scores(broken(Flow=-6.0), model_of(made)))) == 1


def test_a_spike_in_the_training_does_not_blind_the_detector() -> None:
    columns = pump(TRAINING_S, 1)
    columns[FLOW][900:903] += 500.0
    spiked, clean = trained(as_series(columns)), trained(as_series(pump(TRAINING_S, 1)))
    assert spiked.figures["Limit"] < 1.5 * clean.figures["Limit"]


def test_step_and_window_follow_the_data_unless_said() -> None:
    slow = {
        name: Series(one.ticks[::10], one.values[::10], one.status[::10])
        for name, one in as_series(pump(9000, 1)).items()
    }
    assert (trained(slow).settings["step_s"], trained(slow).settings["width"]) == (10.0, 15)
    made = trained(slow, step=20.0, window=100.0, margin=2.0)
    assert (made.settings["step_s"], made.settings["width"], made.settings["margin"]) == (20.0, 5, 2.0)


def test_very_many_rows_are_thinned() -> None:
    made = trained(as_series(pump(65_000, 1)))
    assert made.windows > 4000
    assert found(model_of(made), scores(pump(900, 5), model_of(made))) == []


# -- live --------------------------------------------------------------------------------------------------------------


def fleet() -> dict[str, Model]:
    """Machines of two shapes."""
    small = model_of(trained({name: one for name, one in as_series(pump(900, 3)).items() if name != CURRENT}))
    return {"Pump1": known(), "Pump2": pump_model(5), "Pump3": small}


def rows_of(scorer: Scorer, columns: dict[str, Columns]) -> np.ndarray:
    return np.stack([columns[machine][signal] for machine, signal in scorer.inputs], axis=1)


def test_live_scores_are_those_of_the_interval() -> None:
    models = fleet()
    columns = {name: pump(200, 20 + at) for at, name in enumerate(models)}
    columns["Pump2"][FLOW][120:] -= 10.0
    columns["Pump1"][TEMPERATURE][50:150] = np.nan
    columns["Pump2"][CURRENT][90:] = np.nan
    columns["Pump3"][SPEED][150:] = np.nan
    scorer = Scorer(models)
    said = [scorer.push(row, float(second)) for second, row in enumerate(rows_of(scorer, columns))]
    live = np.stack([one.score for one in said])
    for at, (name, model) in enumerate(models.items()):
        whole = scores(columns[name], model).score
        assert np.allclose(live[:, at], whole, rtol=1e-3, equal_nan=True)
    assert said[-1].alarm.tolist() == [False, True, False]
    assert MEASURED[said[-1].top[1]] == FLOW


def test_live_scores_go_on_when_another_model_changes() -> None:
    models = fleet()
    columns = {name: pump(60, 20 + at) for at, name in enumerate(models)}
    scorer = Scorer(models)
    for second, row in enumerate(rows_of(scorer, columns)):
        scorer.push(row, float(second))
    fewer = {name: models[name] for name in ("Pump3", "Pump1")}
    after = Scorer(fewer, scorer)
    now = after.push(rows_of(after, columns)[-1], 60.0)
    without = scorer.push(rows_of(scorer, columns)[-1], 60.0)
    assert np.isfinite(now.score).all()
    assert now.score.tolist() == pytest.approx([without.score[2], without.score[0]])


def test_a_model_with_a_longer_step_is_asked_when_its_row_is_due() -> None:
    slow = model_of(trained(as_series(pump(9000, 1)), step=10.0))
    scorer = Scorer({"Pump1": slow})
    columns = {"Pump1": pump(400, 2)}
    live = [scorer.push(row, float(at)).score[0] for at, row in enumerate(rows_of(scorer, columns))]
    changed = np.flatnonzero(np.diff(np.nan_to_num(np.array(live))))
    assert np.isfinite(live[-1])
    assert set((changed + 1) % 10) == {0}
