"""Shared by the tests of anomalies: models of the simulated pump, as the server would keep them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics import anomaly_train
from analytics.anomaly_data import KIND
from analytics.arguments import Context, Signal
from analytics.models import Label, Model, ModelRecord, ModelState, Trained
from analytics.series import TICKS_PER_SECOND, Series
from tests.simulators.courses import MEASURED, NOW, SPEED, as_series, pump

S = TICKS_PER_SECOND
TRAINING_S = 1800


def trained(series: Mapping[str, Series], context_signals: tuple[str, ...] = (SPEED,), **options: Any) -> Trained:
    """A model of all there is in the series."""
    start = min(int(one.ticks[0]) for one in series.values())
    return anomaly_train.run(series, context_signals, start, NOW, **options)


def model_of(made: Trained, state: ModelState = ModelState.active) -> Model:
    """With a record that says it was trained up to NOW."""
    record = ModelRecord(
        f"{KIND}-1", KIND, "Pump1", 1, state, NOW, NOW - TRAINING_S * S, NOW, made.signals, made.context_signals,
        made.settings, made.figures, "",
    )  # fmt: skip
    return Model(record, made.arrays)


def context_of(model: Model, now_ticks: int, labels: tuple[Label, ...] = ()) -> Context:
    """What a call on the pump gets to know."""
    about = {"DriveEndBearing/Vibration": Signal("C16", symbol="mm/s"), SPEED: Signal("RPM", symbol="r/min")}
    return Context((*MEASURED, SPEED), now_ticks, about, "Pump1", models=(model.record,), labels=labels)


def pump_model(seed: int = 1) -> Model:
    """Of half an hour of normal operation."""
    return model_of(trained(as_series(pump(TRAINING_S, seed))))
