"""Analytics methods: from a call on a twin to its results, at once or as a job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from analytics.arguments import Answer, Context, Fleet, Job
from analytics.catalog import CATALOG
from analytics.cluster import Cluster
from analytics.errors import AnalyticsError, NotAvailable
from analytics.function import Function
from analytics.models import ModelRecord
from analytics.series import Series
from analytics.simulation.calibrate import CALIBRATE
from analytics.worker import Worker
from drivers.readings import now_ticks
from drivers.status import Status
from server.analysis.answers import nothing_yet, unavailable
from server.analysis.calibrating import Calibrating
from server.analysis.calibrations import Calibrations
from server.analysis.fleets import Fleets, member_of, results_of
from server.analysis.jobs import Caller, JobBook, JobRecord, JobState
from server.analysis.library import Library
from server.analysis.managing import Asked, Managing
from server.analysis.outcomes import Outcomes
from server.analysis.past import NO_QUALITY, Past, good_share, too_many
from server.analysis.ports import NOTHING, Beside
from server.analysis.surroundings import Surveyor, TagAt, nowhere
from server.config.alarm_definitions import AlarmDefinition
from server.config.diagnostics import SCENARIOS
from server.config.plant import Twin
from server.security.roles import User
from server.tags.table import TagTable

QUICK_S: Final = 0.8
"""A call that has not ended by then becomes a job, so that its answer is out within a second."""
LONGEST_S: Final = 3600.0
"""A job that takes longer, waiting included, ends with BadTimeout."""
_SERVER: Final = Caller(User("uatwin", frozenset()), "uatwin")
Results = Sequence[Any]
Work = Callable[[], Awaitable[Results]]


class Analytics:
    """Runs the functions of `analytics.catalog` on the past of a twin's signals.

    table: where the latest live results stand. past: where the course of signals comes from. alarms: gives those
    there are. tag_at: finds tags of the plant by path. cluster: gives the one
    where dear work is done, None: here. clock: the time, in ticks, at the twin with a path. beside: what
    else the server does. calibrating: what is calibrated continuously.
    """

    def __init__(
        self,
        table: TagTable,
        past: Past,
        worker: Worker,
        library: Library,
        jobs: JobBook,
        alarms: Callable[[], Iterable[AlarmDefinition]] = tuple,
        tag_at: TagAt = nowhere,
        cluster: Callable[[], Cluster | None] = lambda: None,
        clock: Callable[[str], int] = lambda twin: now_ticks(),
        beside: Beside = NOTHING,
        calibrating: Calibrating | None = None,
    ) -> None:
        self.library = library
        self.jobs = jobs
        self._table = table
        self._past = past
        self._worker = worker
        self._done_here = {**Managing(library).functions, **beside.functions}
        self._surveyor = Surveyor(alarms, tag_at)
        self._fleets = Fleets(past, worker, library, LONGEST_S)
        self._cluster = cluster
        self._clock = clock
        self._calibrations = Calibrations(library, calibrating or Calibrating())
        self._outcomes = Outcomes(library, self._calibrations, beside)

    async def call(self, twin: Twin, name: str, arguments: Results, caller: Caller) -> Results:
        """The results in the catalog's order: arrays, texts, booleans; DateTimes in ticks, the JobId as a path. Raises
        AnalyticsError."""
        return await self._call(twin, CATALOG[name], arguments, caller, QUICK_S)

    async def _call(
        self, twin: Twin, function: Function, arguments: Results, caller: Caller, quick_s: float | None
    ) -> Results:
        """quick_s: after so long a job is returned; None: never."""
        context = self.context(twin)
        try:
            if function.plan is None:
                asked = Asked(twin.path, arguments, caller.user, context.now_ticks)
                results, model = await self._done_here[function.name](asked)
                return (*results, model, NO_QUALITY, "")
            planned = function.plan(arguments, context)
        except NotAvailable as error:
            return unavailable(function, str(error))
        if isinstance(planned, Answer):
            told = await self._calibrations.ended(twin.path) if function is CALIBRATE else planned.results
            return (*told, planned.model, NO_QUALITY, "")
        if isinstance(planned, Fleet):
            job = self.jobs.open(twin.path, function, caller)
            return await self._begin(job, lambda: self._train(job, twin, planned), 0.0 if quick_s is not None else None)
        if refused := too_many(planned, context, self._past.oldest()):
            return unavailable(function, refused)
        await self._calibrations.begun(twin.path, planned, caller.user.name)
        job = self.jobs.open(twin.path, function, caller)
        around = self._surveyor.of(twin)
        rows = {**around.rows, **around.more, **around.bound}
        held = {rows[name] for name in planned.signals if name in around.about and around.about[name].command}
        job.model = planned.model or planned.rests_on
        longest = 0.0 if planned.long and quick_s is not None else quick_s
        return await self._begin(job, lambda: self._work(job, planned, rows, held), longest)

    async def complete(self, twin: Twin, name: str, arguments: Results) -> Results:
        """The same for the server itself, which waits to the end. Raises AnalyticsError."""
        return await self.ask(twin, CATALOG[name], arguments)

    async def ask(self, twin: Twin, function: Function, arguments: Results) -> Results:
        """The same of a function that need not be in the catalog."""
        return await self._call(twin, function, arguments, _SERVER, None)

    def context(self, twin: Twin) -> Context:
        """What a function may know of a twin now."""
        around = self._surveyor.of(twin)
        below = {part.path: self.library.models(f"{twin.path}/{part.path}") for part in around.parts}
        return Context(
            tuple(around.rows),
            self._clock(twin.path),
            around.about,
            twin.path,
            twin.scope,
            around.parts,
            self.library.models(twin.path),
            {path: models for path, models in below.items() if models},
            self.library.labels(twin.path),
            self._latest(around.latest),
            around.stations,
            self._calibrations.applied(around.machines),
            self._latest(around.bound),
            twin.optimization.aim if twin.optimization is not None else None,
            cluster=self._cluster(),
            modelled=twin.path.startswith(f"{SCENARIOS}/"),
        )

    def adopt(self) -> None:
        """The plant or its alarms have changed: look at the twins' signals anew."""
        self._surveyor.forget()

    def look_anew(self, path: str) -> None:
        """The twin with that path and all below it have changed."""
        self._surveyor.forget_below(path)

    async def forget(self, path: str) -> None:
        """The twin with that path and all below it have gone, and so have their jobs."""
        self._surveyor.forget_below(path)
        for job in self.jobs.below(path):
            await self.jobs.cancel(job)
            self.jobs.forget(job)

    async def _begin(self, job: JobRecord, work: Work, quick_s: float | None) -> Results:
        """Results, when they come soon; else those that name the job."""
        job.task = asyncio.create_task(self._to_its_end(job, work), name=job.id)
        job.task.add_done_callback(_seen)
        try:
            await asyncio.wait([job.task], timeout=quick_s)
        except asyncio.CancelledError:  # nobody waits for it any more, and nobody knows its id
            await self.jobs.cancel(job)
            self.jobs.forget(job)
            raise
        if job.state is not JobState.Halted:
            self.jobs.show(job)
            return nothing_yet(job.function, job)
        self.jobs.forget(job)
        results: Results = job.task.result()
        return results

    async def _to_its_end(self, job: JobRecord, work: Work) -> Results:
        """Carry it out and note how it ended. Raises AnalyticsError as well."""
        try:
            results = await work()
        except AnalyticsError as error:
            self.jobs.end(job, None, error.status, str(error))
            raise
        except BaseException:
            self.jobs.end(job, None, Status.BadRequestCancelledByClient, "cancelled")
            raise
        self.jobs.end(job, results, Status.Good, str(results[len(job.function.own) + 1]))
        return results

    async def _train(self, job: JobRecord, twin: Twin, fleet: Fleet) -> Results:
        """TrainFleet."""
        self.jobs.begin(job)
        twins = {one.path: one for one in twin.walk()}
        members = []
        for path in fleet.members:
            one = twins[f"{twin.path}/{path}"]
            rows = self._surveyor.of(one).rows
            members.append(member_of(path, fleet, self.context(one), rows, self._past.oldest()))
            await asyncio.sleep(0)  # there may be hundreds
        note = await self._fleets.train(
            members, self._cluster(), job.caller.owner, lambda fraction: setattr(job, "progress", fraction)
        )
        results, quality = results_of(members, note)
        return (*results, "", quality, "")

    async def _work(self, job: JobRecord, planned: Job, rows: Mapping[str, int], held: Collection[int]) -> Results:
        """Have a worker do it, and keep what is to be kept. held: rows of setpoints. Raises AnalyticsError."""
        quality = NO_QUALITY

        async def keywords() -> Mapping[str, Any]:
            nonlocal quality
            self.jobs.begin(job)
            wanted = {signal: rows[signal] for signal in planned.signals}
            span = planned.start_ticks, planned.end_ticks
            series = await self._past.series(list(wanted.values()), *span, planned.pieces, held)
            quality = await asyncio.to_thread(good_share, [series[row] for row in wanted.values()])
            named = planned.keywords({signal: series[row] for signal, row in wanted.items()})
            if planned.others:
                named["others"] = tuple([await self._course(wanted, *span, held) for span in planned.others])
            if planned.least_s and (before := await self._before_gap(planned, series)):
                named["others"] = (await self._course(wanted, *before, held),)
            return named | await self._models(job.twin, planned)

        record = self._outcomes.begin(job, planned)
        try:
            answer = await self._worker.run(
                planned.function,
                keywords,
                LONGEST_S,
                owner=job.caller.owner,
                long=planned.long,
                progress=lambda fraction: setattr(job, "progress", fraction),
            )
            return await self._outcomes.finish(job, planned, record, answer, quality)
        except NotAvailable as error:
            self._outcomes.give_up(record, str(error))
            return unavailable(job.function, str(error), job.model, quality)
        except AnalyticsError as error:
            self._outcomes.give_up(record, str(error))
            raise
        except BaseException:
            self._outcomes.give_up(record, "cancelled")
            raise

    async def _before_gap(self, planned: Job, series: Mapping[int, Series]) -> tuple[int, int] | None:
        start, end = planned.start_ticks, planned.end_ticks
        return None if start is None else await self._past.earlier(series, start, end, planned.least_s)

    async def _course(
        self, wanted: Mapping[str, int], start_ticks: int, end_ticks: int, held: Collection[int]
    ) -> Mapping[str, Series]:
        series = await self._past.series(list(wanted.values()), start_ticks, end_ticks, held=held)
        return {signal: series[row] for signal, row in wanted.items()}

    async def _models(self, twin: str, planned: Job) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if planned.model:
            given["model"] = await self.library.model(self._record(twin, planned.model))
        if planned.models:
            given["models"] = tuple([await self.library.model(self._record(twin, one)) for one in planned.models])
        return given

    def _record(self, twin: str, model_id: str) -> ModelRecord:
        """ids of models of twins below begin with their path."""
        below, _, own = model_id.rpartition("/")
        record = self.library.find(f"{twin}/{below}" if below else twin, own)
        if record is None:
            raise NotAvailable(f"model {model_id} is not there any more")
        return record

    def _latest(self, rows: Mapping[str, int]) -> Mapping[str, float]:
        good = {name: row for name, row in rows.items() if self._table.status[row] < Status.Uncertain}
        values = self._table.as_float(np.fromiter(good.values(), np.int32))
        return dict(zip(good, values.tolist(), strict=True))


def _seen(task: asyncio.Task[Any]) -> None:
    """A job keeps how it ended; nobody else need look at its task."""
    if not task.cancelled():
        task.exception()
