"""Results of calls that have none, or none yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics.function import Function
from server.analysis.jobs import JobRecord
from server.analysis.past import NO_QUALITY

Results = Sequence[Any]


def unavailable(function: Function, reason: str, model: str = "", quality: float = NO_QUALITY) -> Results:
    """The results of a call that cannot be answered, for a reason that is nobody's mistake."""
    return (*function.nothing(), False, reason, model, quality, "")


def nothing_yet(function: Function, job: JobRecord) -> Results:
    """The results of a call that goes on as a job."""
    reason = f"it takes longer than a call may: see the Result of job {job.id}"
    return (*function.nothing(), False, reason, job.model, NO_QUALITY, job.path)
