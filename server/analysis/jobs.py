"""The jobs of analytics methods that take longer than a call may: how far each is, what came of it, and their end.

Their states are those of a Program (Part 10, 4.2): Ready while it waits for a worker, Running, Halted when it has
ended, whichever way; a job runs once.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from analytics.errors import AnalyticsError
from analytics.function import Function
from drivers.readings import now_ticks
from drivers.status import Status
from server.security.roles import User

KEEP_S: Final = 3600.0
MOST_UNFINISHED: Final = 50
MOST_OF_AN_OWNER: Final = 10
MOST_ENDED: Final = 200
MOST_RESULT_BYTES: Final = 100 << 20


class JobState(IntEnum):
    """StateNumbers of ProgramStateMachineType (Part 10, 5.2.3)."""

    Halted = 11
    Ready = 12
    Running = 13


class TooManyJobs(AnalyticsError):
    """There are as many unfinished jobs as there may be."""

    status = int(Status.BadTooManyOperations)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who has called. session: its id, shown in the diagnostics; name: of the session."""

    user: User
    session: str = ""
    name: str = ""

    @property
    def owner(self) -> str:
        """Who takes turns with others: a session, but all anonymous ones together."""
        return self.session if self.user.kind != "anonymous" else "anonymous"


@dataclass(eq=False, slots=True)
class JobRecord:
    """One call on its way. id: "DetectAnomalies-3f9c01ab". twin: path. progress: 0 to 1. results: of the method, None
    before it has ended well. status: Good, or the StatusCode of its failure. before: the state it came from, None
    where there was none. model: id of the one it rests on or trains."""

    id: str
    twin: str
    function: Function
    caller: Caller
    created_ticks: int
    state: JobState = JobState.Ready
    before: JobState | None = None
    changed_ticks: int = 0
    progress: float = 0.0
    results: Sequence[Any] | None = None
    status: int = 0
    reason: str = ""
    model: str = ""
    task: asyncio.Task[Any] | None = None
    shown: bool = False
    size: int = field(default=0, repr=False)

    @property
    def path(self) -> str:
        """The NodeId's identifier."""
        return f"{self.twin}/Jobs/{self.id}"


Listener = Callable[[JobRecord], None]


class JobBook:
    """All jobs: at most 50 unfinished, 10 of one owner. Those that have ended are kept for keep_s, at most 200 and
    100 MB of results; the oldest go first."""

    def __init__(self, keep_s: float = KEEP_S, clock: Callable[[], int] = now_ticks) -> None:
        self._keep_s = keep_s
        self._clock = clock
        self._jobs: dict[str, JobRecord] = {}
        self._ended: dict[str, asyncio.TimerHandle] = {}
        self._listeners: list[Listener] = []
        self._changes: list[Callable[[str], None]] = []

    def on_transition(self, listener: Listener) -> None:
        """Call listener(job) after each change of a shown job's state."""
        self._listeners.append(listener)

    def on_list(self, listener: Callable[[str], None]) -> None:
        """Call listener(twin path) after a job of that twin was shown or has gone."""
        self._changes.append(listener)

    def of(self, twin: str) -> Iterable[JobRecord]:
        """The shown jobs of a twin, oldest first."""
        return [job for job in self._jobs.values() if job.shown and job.twin == twin]

    def below(self, path: str) -> Iterable[JobRecord]:
        """All jobs of the twin with that path and of those below it."""
        return [job for job in self._jobs.values() if f"{job.twin}/".startswith(f"{path}/")]

    def find(self, twin: str, job_id: str) -> JobRecord | None:
        """A shown job of a twin."""
        job = self._jobs.get(job_id)
        return job if job is not None and job.shown and job.twin == twin else None

    def open(self, twin: str, function: Function, caller: Caller) -> JobRecord:
        """A job in state Ready that nobody sees yet. Raises TooManyJobs."""
        unfinished = [job for job in self._jobs.values() if job.state is not JobState.Halted]
        if len(unfinished) >= MOST_UNFINISHED:
            raise TooManyJobs(f"{MOST_UNFINISHED} jobs are under way; call again when some have ended")
        if sum(job.caller.owner == caller.owner for job in unfinished) >= MOST_OF_AN_OWNER:
            raise TooManyJobs(f"{MOST_OF_AN_OWNER} of your jobs are under way; call again when some have ended")
        now = self._clock()
        job = JobRecord(f"{function.name}-{secrets.token_hex(4)}", twin, function, caller, now, changed_ticks=now)
        self._jobs[job.id] = job
        return job

    def begin(self, job: JobRecord) -> None:
        """It is its turn."""
        self._move(job, JobState.Running)

    def end(self, job: JobRecord, results: Sequence[Any] | None, status: int, reason: str) -> None:
        """It has ended: with results, or with a Bad status and why."""
        job.results, job.status, job.reason = results, status, reason
        job.progress = 1.0 if results is not None else job.progress
        job.size = sum(_size(one) for one in results or ())
        self._move(job, JobState.Halted)
        if job.shown:
            self._keep(job)

    def show(self, job: JobRecord) -> None:
        """Let clients see it, for they have been told its id."""
        job.shown = True
        self._tell_list(job)
        for listener in self._listeners:
            listener(job)
        if job.state is JobState.Halted:
            self._keep(job)

    def forget(self, job: JobRecord) -> None:
        """Remove it."""
        self._jobs.pop(job.id, None)
        timer = self._ended.pop(job.id, None)
        if timer is not None:
            timer.cancel()
        if job.shown:
            self._tell_list(job)

    async def cancel(self, job: JobRecord) -> bool:
        """End it now; whether it was still under way."""
        if job.state is JobState.Halted or job.task is None:
            return False
        job.task.cancel()
        await asyncio.wait([job.task])
        return True

    async def stop(self) -> None:
        """Cancel all that is under way, and wait for its end."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None and not job.task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for timer in self._ended.values():
            timer.cancel()
        self._ended.clear()

    def _move(self, job: JobRecord, state: JobState) -> None:
        job.before, job.state, job.changed_ticks = job.state, state, self._clock()
        if job.shown:
            for listener in self._listeners:
                listener(job)

    def _keep(self, job: JobRecord) -> None:
        loop = asyncio.get_running_loop()
        self._ended[job.id] = loop.call_later(self._keep_s, self.forget, job)
        ended = [self._jobs[one] for one in self._ended]
        while len(ended) > MOST_ENDED or (len(ended) > 1 and sum(one.size for one in ended) > MOST_RESULT_BYTES):
            self.forget(ended.pop(0))

    def _tell_list(self, job: JobRecord) -> None:
        for listener in self._changes:
            listener(job.twin)


def _size(value: Any) -> int:
    """Roughly the bytes of a result."""
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    if isinstance(value, (list, tuple)):
        return len(value) * (8 + (sys.getsizeof(value[0]) if value else 0))
    return sys.getsizeof(value)
