"""Calibrations in the library: what is kept of a new one, and the parameters in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from analytics.arguments import Job
from analytics.models import ModelRecord, ModelState
from analytics.series import TICKS_PER_SECOND
from analytics.simulation.calibrate import CALIBRATE, Mode
from analytics.simulation.calibrated import COVARIANCE, KIND, PARAMETERS, calibrated
from analytics.simulation.calibration_run import Calibrated
from analytics.simulation.wiring import ModelUse
from analytics.training import Lesson
from server.analysis.calibrating import Calibrating, Continuous, every_s
from server.analysis.library import Library


class Calibrations:
    """Those of the whole plant; a model takes those that name it: of its twin, of one above, or of one below that.
    calibrating: those that are made again and again."""

    def __init__(self, library: Library, calibrating: Calibrating) -> None:
        self._library = library
        self._calibrating = calibrating
        self._known: tuple[ModelRecord, ...] | None = None
        library.on_change(lambda _twin: self._forget())

    def applied(self, uses: Sequence[ModelUse]) -> Sequence[ModelUse]:
        """Models of the plant file with their parameters of now."""
        if self._known is None:
            self._known = tuple(self._library.in_use(KIND))
        return calibrated(uses, self._known) if uses and self._known else uses

    async def begun(self, twin: str, planned: Job, user: str) -> None:
        """A calibration is about to be made; one that is continuous is made again and again. Raises FunctionFailed."""
        if planned.function != CALIBRATE.name or planned.settings["mode"] is not Mode.continuous:
            return
        wanted: Any = planned.settings["wanted"]
        begin: Any = planned.settings["begin_ticks"]
        window_s = (planned.end_ticks - begin) / TICKS_PER_SECOND
        bounds = tuple(bound for one in wanted for bound in (one.low, one.high))
        names = tuple(one.name for one in wanted)
        await self._calibrating.begin(Continuous(twin, names, bounds, window_s, every_s(window_s), user))

    async def ended(self, twin: str) -> tuple[Any, ...]:
        """The results of a call with Mode Stop up to the Reason. Raises FunctionFailed."""
        was = await self._calibrating.end(twin)
        why = "" if was else "the twin is not calibrated continuously; Mode Continuous begins that"
        return (*CALIBRATE.nothing(), was, why)

    async def keep(self, record: ModelRecord, said: Calibrated) -> tuple[Any, ...]:
        """The results of Calibrate up to the ModelId: it is active where it is better, else a Candidate; nothing but
        the reason is kept of one that the data cannot tell. Raises FunctionFailed."""
        if said.lesson is None:
            self._library.give_up(record, said.reason)
            return (*said.results, False, said.valid, said.reason, record.id)
        lesson = await self._with_the_others(record, said.lesson)
        model = await self._library.finish(record, lesson, "" if said.better else said.reason)
        if said.better:
            model, _ = await self._library.activate(model)
        reason = said.reason if said.better else f"it stays a Candidate: {said.reason}"
        return (*said.results, said.better, said.valid, reason, model.id)

    async def _with_the_others(self, record: ModelRecord, lesson: Lesson) -> Lesson:
        """With the parameters of the active one that this one does not look for: it takes its place."""
        active = next(
            (one for one in self._library.models(record.twin) if one.kind == KIND and one.state is ModelState.active),
            None,
        )
        if active is None:
            return lesson
        fresh, arrays = lesson.trained.settings, (await self._library.model(active)).arrays
        keys = [str(key) for key in arrays[PARAMETERS]]
        kept = [place for place, key in enumerate(keys) if key not in fresh]
        if not kept:
            return lesson
        names = [*fresh, *(keys[place] for place in kept)]
        covariance = np.zeros((len(names), len(names)))
        covariance[: len(fresh), : len(fresh)] = lesson.trained.arrays[COVARIANCE]
        covariance[len(fresh) :, len(fresh) :] = arrays[COVARIANCE][np.ix_(kept, kept)]
        settings = {**fresh, **{keys[place]: active.settings[keys[place]] for place in kept}}
        both = {PARAMETERS: np.array(names), COVARIANCE: covariance}
        return replace(lesson, trained=replace(lesson.trained, settings=settings, arrays=both))

    def _forget(self) -> None:
        self._known = None
