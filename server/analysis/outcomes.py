"""What becomes of the result of a worker: models that are kept, drift that is noted, proposals that are made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from analytics.arguments import Job
from analytics.models import ModelRecord
from analytics.simulation.calibrate import CALIBRATE
from analytics.simulation.calibrated import KIND as CALIBRATION
from analytics.simulation.calibration_run import Calibrated
from analytics.training import ACTIVATE, Lesson
from server.analysis.calibrations import Calibrations
from server.analysis.jobs import JobRecord
from server.analysis.library import Library
from server.analysis.ports import Beside

TRAIN_MODEL: Final = "TrainModel"
CHECK_DRIFT: Final = "CheckDrift"


class Outcomes:
    """library: where models are kept; calibrations: those among them; beside: what else the server does."""

    def __init__(self, library: Library, calibrations: Calibrations, beside: Beside) -> None:
        self._library = library
        self._calibrations = calibrations
        self._beside = beside

    def begin(self, job: JobRecord, planned: Job) -> ModelRecord | None:
        """The model that a job is to make; None for one that makes none."""
        if job.function.name not in (TRAIN_MODEL, CALIBRATE.name):
            return None
        record = self._library.begin(job.twin, str(planned.settings.get("kind", CALIBRATION)), planned)
        job.model = record.id
        return record

    def give_up(self, record: ModelRecord | None, reason: str) -> None:
        """It came to nothing."""
        if record is not None:
            self._library.give_up(record, reason)

    async def finish(
        self, job: JobRecord, planned: Job, record: ModelRecord | None, answer: Any, quality: float
    ) -> Sequence[Any]:
        """All results of the method, from what its function gave. Raises FunctionFailed."""
        if record is not None and isinstance(answer, Calibrated):
            return (*await self._calibrations.keep(record, answer), quality, "")
        if record is not None:
            return await self._trained(planned, record, answer, quality)
        used = self._library.find(job.twin, planned.model) if planned.model else None
        *own, valid, reason = answer
        if used is not None and job.function.name == CHECK_DRIFT and valid:
            names = [one.name for one in job.function.own]
            used = await self._library.note_drift(used, float(own[names.index("DriftScore")]))
        if used is not None and used.invalid_since_ticks:
            reason = f"{reason}; {used.reason}" if reason else used.reason
        own = self._beside.finish(job, own) if valid else own
        return (*own, valid, reason, job.model, quality, "")

    async def _trained(self, planned: Job, record: ModelRecord, lesson: Lesson, quality: float) -> Sequence[Any]:
        model = await self._library.finish(record, lesson)
        options = planned.settings["options"]
        if isinstance(options, Mapping) and options[ACTIVATE]:
            model, _ = await self._library.activate(model)
        return (str(model.state), list(model.figures), list(model.figures.values()), True, "", model.id, quality, "")
