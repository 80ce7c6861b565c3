"""The one list of analytics functions that the server exposes."""

from __future__ import annotations

from typing import Final

from analytics import (
    anomaly_detect,
    anomaly_explain,
    change_points,
    drift,
    extract,
    fleet,
    forecast,
    health,
    quality,
    remaining_life,
    returns,
    savings,
)
from analytics.function import Function
from analytics.managing import MANAGING
from analytics.process import balance, bottleneck, oee, throughput
from analytics.simulation import calibrate, listing, optimize, predict, simulate
from analytics.simulation.advising import ADVISING

_FUNCTIONS: Final = (
    quality.CHECK_DATA_QUALITY,
    extract.EXTRACT_FEATURES,
    anomaly_detect.DETECT_ANOMALIES,
    anomaly_explain.EXPLAIN_ANOMALY,
    change_points.DETECT_CHANGE_POINTS,
    health.GET_HEALTH,
    remaining_life.PREDICT,
    forecast.FORECAST,
    drift.CHECK_DRIFT,
    savings.ESTIMATE_SAVINGS,
    returns.CALCULATE_RETURN,
    oee.GET_OEE,
    throughput.GET_THROUGHPUT,
    bottleneck.FIND_BOTTLENECK,
    balance.GET_MATERIAL_BALANCE,
    simulate.SIMULATE,
    predict.PREDICT,
    calibrate.CALIBRATE,
    optimize.OPTIMIZE_SETPOINTS,
    listing.LIST_SIMULATION_MODELS,
    *ADVISING,
    *MANAGING,
    fleet.TRAIN_FLEET,
)
CATALOG: Final[dict[str, Function]] = {function.name: function for function in _FUNCTIONS}
"""By name, in the order they are shown."""
