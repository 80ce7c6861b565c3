"""The Variables under Analytics: the latest results, which clients subscribe to, alarms watch and history keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ANOMALY_SCORE: Final = "AnomalyScore"
CANDIDATE_SCORE: Final = "CandidateScore"
HEALTH_SCORE: Final = "HealthScore"
REMAINING_LIFE: Final = "RemainingUsefulLife"


@dataclass(frozen=True, slots=True)
class Latest:
    """A Variable of type Double, on every twin with numeric telemetry, its own or of those below it. unit: UNECE common
    code. range: EURange, what is normal.

    function, result: where it comes from: each `every_s` seconds the server calls that function of the catalog with
    all arguments left open (null, empty, 0), on twins that have an active model of `kind` ("": on all), and puts that
    result here, Good where valid. function "": the live anomaly score, and the health.
    """

    name: str
    description: str
    unit: str | None = None
    range: tuple[float, float] | None = None
    function: str = ""
    result: str = ""
    kind: str = ""
    every_s: float = 60.0


LATEST: Final = (
    Latest(
        ANOMALY_SCORE, "Distance from normal operation by the active Anomaly model, each second; 1 is the limit",
        range=(0.0, 1.0),
    ),
    Latest(
        CANDIDATE_SCORE, "The same by the newest Candidate, which is on trial: nobody is to act on it",
        range=(0.0, 1.0),
    ),
    Latest(
        HEALTH_SCORE, "Health of this twin and of those below it: 100 well, 60 at a warning, 20 at an alarm, 0 beyond",
        range=(60.0, 100.0),
    ),
    Latest(
        REMAINING_LIFE, "What PredictRemainingUsefulLife says with its usual arguments, where that is in hours",
        unit="HUR", function="PredictRemainingUsefulLife", result="Hours", every_s=300.0,
    ),
)  # fmt: skip
