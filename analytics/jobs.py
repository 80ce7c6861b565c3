"""The functions a worker runs, by name; it runs nothing else.

Each is called with what `analytics.arguments.Job` says. It returns the results of its Function (`own`, valid, reason),
or raises ArgumentError, or NotAvailable where there is no result for a reason that is nobody's mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

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
    savings,
    training,
)
from analytics.process import balance, bottleneck, oee, throughput
from analytics.simulation import advance, calibration_run, counterfactual, following, optimize, predict, simulate

JOBS: Final[dict[str, Callable[..., Any]]] = {
    "CheckDataQuality": quality.run,
    "ExtractFeatures": extract.run,
    "DetectAnomalies": anomaly_detect.run,
    "ExplainAnomaly": anomaly_explain.run,
    "DetectChangePoints": change_points.run,
    "CheckDrift": drift.run,
    "GetHealth": health.run,
    "Forecast": forecast.run,
    "RemainingLifeByHistories": remaining_life.run_histories,
    "RemainingLifeByTrend": remaining_life.run_trend,
    "TrainModel": training.run,
    "TrainFleet": fleet.run,
    "EstimateSavings": savings.run,
    "GetOEE": oee.run,
    "GetThroughput": throughput.run,
    "FindBottleneck": bottleneck.run,
    "GetMaterialBalance": balance.run,
    "Simulate": simulate.run,
    "Predict": predict.run,
    "OptimizeSetpoints": optimize.run,
    "Counterfactual": counterfactual.run,
    "Following": following.run,
    "Calibrate": calibration_run.run,
    "BeginScenario": advance.begin,
    "AdvanceScenario": advance.advance,
}
