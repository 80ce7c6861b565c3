"""How far models are from measurements, and the parameters that calibrations give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analytics.errors import NotAvailable
from analytics.models import ModelRecord, ModelState
from analytics.series import TICKS_PER_SECOND, Series
from analytics.simulation.calibrated import KIND, calibrated
from analytics.simulation.misfit import Misfit, compared
from analytics.simulation.naming import used_title
from analytics.simulation.wiring import ModelUse, Source, Term

START = 10**15
BODY = ModelUse(
    "P/Body",
    "volume",
    "volume",
    {"mass": 500.0},
    {name: Source((Term(f"P/Body/{name}"),)) for name in ("flow", "inlet_temperature", "heat")},
    {"temperature": Term("P/Body/Out")},
)
SUM = ModelUse("P", "sum", "sum", {}, {"value": Source((Term("P/Body/Out"),), 1.0)}, {"total": Term("P/Sum")})


def series(values: np.ndarray, every_s: float = 1.0) -> Series:
    """Readings from START on; Bad where they are NaN."""
    ticks = START + np.round(np.arange(len(values)) * every_s * TICKS_PER_SECOND).astype(np.int64)
    return Series(ticks, values, np.where(np.isfinite(values), 0, 0x80000000).astype(np.uint32))


def past(seconds: int = 7201) -> dict[str, Series]:
    """A body of 500 kg in 18 m3/h of water, whose heat jumps; followed exactly from second to second."""
    heat = np.where(np.arange(seconds) // 1800 % 2, 200.0, 100.0)
    out = np.empty(seconds)
    out[0] = 10.0 + 100.0 / (5.0 * 4.19)
    decay = np.exp(-5.0 / 500.0)
    for at in range(1, seconds):
        final = 10.0 + heat[at - 1] / (5.0 * 4.19)
        out[at] = final + (out[at - 1] - final) * decay
    flat = np.ones(seconds)
    lines = {"Body/flow": 18.0 * flat, "Body/inlet_temperature": 10.0 * flat, "Body/heat": heat, "Body/Out": out}
    return {name: series(line) for name, line in {**lines, "Sum": out + 1.5}.items()}


def misfits(*question: Any) -> Mapping[str, Misfit]:
    """Where nothing had to be taken from the present."""
    found = compared(*question)
    assert not found.as_now
    return found.misfits


def test_a_true_model_misses_little_a_wrong_one_much_and_the_bias_is_told() -> None:
    known, end = past(), START + 7200 * TICKS_PER_SECOND
    said = misfits([SUM, BODY], "P", known, START, end, 1800.0, 10.0)
    assert said.keys() == {"Body/Out", "Sum"}
    assert said["Body/Out"].rmse < 0.03
    assert said["Body/Out"].persistence > 2.0, "it moves by 4.8 K"
    assert said["Sum"].bias == pytest.approx(-0.5, abs=0.02), "the model adds 1, the plant 1.5"
    assert said["Sum"].rmse == pytest.approx(0.5, abs=0.03)
    assert said["Body/Out"].mean == pytest.approx(known["Body/Out"].values.mean(), abs=0.1)
    heavy = misfits([replace(BODY, parameters={"mass": 2000.0})], "P", known, START, end, 1800.0)
    assert heavy["Body/Out"].rmse > 10.0 * said["Body/Out"].rmse


def test_what_is_not_good_does_not_count_and_what_was_never_measured_is_named() -> None:
    known, end = past(), START + 7200 * TICKS_PER_SECOND
    whole = misfits([BODY], "P", known, START, end, 1800.0, 10.0)["Body/Out"]
    heat = known["Body/heat"].values.copy()
    heat[2400:2500] = np.nan
    gap = misfits([BODY], "P", {**known, "Body/heat": series(heat)}, START, end, 1800.0, 10.0)["Body/Out"]
    assert 100 <= whole.count - gap.count <= 125, "the rest of that half an hour"
    assert gap.rmse < 0.03
    with pytest.raises(NotAvailable, match="no Good value of Body/heat"):
        misfits([BODY], "P", {**known, "Body/heat": Series.empty()}, START, end)
    now = {"P/Body/heat": 150.0, "P/Body/flow": 5.0, "P/Body/Out": 0.0}
    found = compared([BODY], "P", {**known, "Body/heat": Series.empty()}, START, end, 1800.0, 10.0, present=now)
    assert found.as_now == ["P/Body/heat"], "what was measured counts, not what it is now"
    assert found.misfits["Body/Out"].count == whole.count
    assert found.misfits["Body/Out"].rmse > 1.0


def test_active_calibrations_give_models_their_parameters_the_latest_first() -> None:
    older = _record("Calibration-1", 1, {"P/Body:volume.mass": 600.0, "P/Body:volume.other": 1.0})
    newer = _record("Calibration-2", 2, {"P/Body:volume.mass": 700.0})
    idle = _record("Calibration-3", 3, {"P/Body:volume.mass": 800.0}, ModelState.candidate)
    whole, body = calibrated((SUM, BODY), [newer, idle, older])
    assert whole is SUM
    assert body.parameters == {"mass": 700.0, "other": 1.0}
    assert set(body.calibrations) == {"P/Calibration-1", "P/Calibration-2"}
    assert calibrated((SUM, BODY), [idle]) == (SUM, BODY)
    (old,) = calibrated((BODY,), [replace(older, invalid_since_ticks=5)])
    assert used_title(old, "P/Body") == (
        "volume (volume, fidelity 0, Calibration-1 from before a maintenance of /P)"
    ), "results that rest on it say so"


def _record(model: str, created: int, settings: dict[str, float], state: ModelState = ModelState.active) -> ModelRecord:
    return ModelRecord(model, KIND, "P", created, state, created, 0, 0, (), (), settings, {}, "x")
