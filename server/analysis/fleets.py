"""Trains models of many twins in one call, in the workers of the bridge or on a Dask cluster, and keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from analytics.arguments import Context, Fleet, Job
from analytics.catalog import CATALOG
from analytics.cluster import Cluster
from analytics.errors import AnalyticsError, ArgumentError, NotAvailable
from analytics.models import ModelRecord, ModelState
from analytics.series import Series
from analytics.training import ACTIVATE, Lesson
from analytics.worker import Worker
from server.analysis.library import Library
from server.analysis.past import NO_QUALITY, Past, good_share, readings_asked, too_many

_AT_ONCE: Final = 2
_READINGS_AT_ONCE: Final = 5_000_000.0
"""Sent to the cluster in one go, 100 MB."""
_MEMBERS_AT_ONCE: Final = 64


@dataclass(eq=False, slots=True)
class Member:
    """A twin of a fleet. path: below the twin of the call; rows: of its signals; readings: how many it may have; job:
    its training, None where it was refused; then and in the end `reason` says why, "" where there is a model."""

    path: str
    twin: str
    rows: Mapping[str, int]
    job: Job | None
    readings: float = 0.0
    reason: str = ""
    model: ModelRecord | None = None
    quality: float = NO_QUALITY
    done: float = 0.0


class Fleets:
    """Trains fleets. longest_s: what one training may take."""

    def __init__(self, past: Past, worker: Worker, library: Library, longest_s: float) -> None:
        self._past = past
        self._worker = worker
        self._library = library
        self._longest_s = longest_s

    async def train(
        self, members: Sequence[Member], cluster: Cluster | None, owner: str, progress: Callable[[float], None]
    ) -> str:
        """Fill in what came of each; returns what is to be kept in mind. Cancelling it gives up those under way."""
        able = [one for one in members if one.job is not None]
        note = ""
        if cluster is not None:
            try:
                await self._on_cluster(able, cluster, owner, progress)
            except NotAvailable as error:
                note = f"trained here, for {error}"
        here = [one for one in able if one.model is None and not one.reason]
        turns = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for member in here:
                tasks.create_task(self._here(member, able, owner, turns, progress), name=f"train {member.path}")
        return note

    # -- here ---------------------------------------------------------------------------------------------------------

    async def _here(
        self,
        member: Member,
        fleet: Sequence[Member],
        owner: str,
        turns: asyncio.Semaphore,
        progress: Callable[[float], None],
    ) -> None:
        def told(fraction: float) -> None:
            member.done = fraction
            progress(sum(one.done for one in fleet) / len(fleet))

        async with turns:
            record = self._begin(member)
            try:
                lesson = await self._worker.run(
                    "TrainModel",
                    lambda: self._keywords(member),
                    self._longest_s,
                    owner=owner,
                    long=True,
                    progress=told,
                )
                await self._keep(member, record, lesson)
            except AnalyticsError as error:
                self._refuse(member, record, str(error))
            except BaseException:
                self._library.give_up(record, "cancelled")
                raise
            progress(sum(one.done for one in fleet) / len(fleet))

    # -- on the cluster -----------------------------------------------------------------------------------------------

    async def _on_cluster(
        self, members: Sequence[Member], cluster: Cluster, owner: str, progress: Callable[[float], None]
    ) -> None:
        """Some at a time, as the data of all would not fit. Raises NotAvailable where the cluster cannot do it."""
        before = 0
        for part in _parts(members):
            await self._part_on_cluster(
                part,
                cluster,
                owner,
                lambda fraction, part=part, before=before: progress(  # type: ignore[misc]
                    (before + fraction * len(part)) / len(members)
                ),
            )
            before += len(part)

    async def _part_on_cluster(
        self, members: Sequence[Member], cluster: Cluster, owner: str, progress: Callable[[float], None]
    ) -> None:
        async def keywords() -> Mapping[str, Any]:
            return {"lessons": [await self._keywords(one) for one in members], "cluster": cluster}

        records = [self._begin(one) for one in members]
        try:
            lessons = await self._worker.run(
                "TrainFleet", keywords, self._longest_s, owner=owner, long=True, progress=progress
            )
        except NotAvailable as error:
            for record in records:
                self._library.withdraw(record)
            raise error
        except AnalyticsError as error:
            lessons = [str(error)] * len(members)
        except BaseException:
            for record in records:
                self._library.give_up(record, "cancelled")
            raise
        for member, record, lesson in zip(members, records, lessons, strict=True):
            if isinstance(lesson, str):
                self._refuse(member, record, lesson)
                continue
            try:
                await self._keep(member, record, lesson)
            except AnalyticsError as error:  # a disk that refuses
                self._refuse(member, record, str(error))

    # -- both ---------------------------------------------------------------------------------------------------------

    async def _keywords(self, member: Member) -> Mapping[str, Any]:
        assert member.job is not None
        job, rows = member.job, [member.rows[signal] for signal in member.job.signals]
        found = await self._past.series(rows, job.start_ticks, job.end_ticks, job.pieces)
        series: dict[str, Series] = {signal: found[row] for signal, row in zip(job.signals, rows, strict=True)}
        member.quality = await asyncio.to_thread(good_share, series.values())
        return job.keywords(series)

    def _begin(self, member: Member) -> ModelRecord:
        assert member.job is not None
        return self._library.begin(member.twin, str(member.job.settings["kind"]), member.job)

    async def _keep(self, member: Member, record: ModelRecord, lesson: Lesson) -> None:
        assert member.job is not None
        model = await self._library.finish(record, lesson)
        options = member.job.settings["options"]
        if isinstance(options, Mapping) and options[ACTIVATE]:
            model, _ = await self._library.activate(model)
        member.model, member.done = model, 1.0

    def _refuse(self, member: Member, record: ModelRecord, reason: str) -> None:
        self._library.give_up(record, reason)
        member.reason, member.done = reason, 1.0


def member_of(path: str, fleet: Fleet, context: Context, rows: Mapping[str, int], oldest_ticks: int) -> Member:
    """A twin of a fleet, with its training or why there is none. context: of that twin."""
    plan = CATALOG[fleet.function].plan
    assert plan is not None
    try:
        job = plan(fleet.arguments, context)
    except (ArgumentError, NotAvailable) as error:
        return Member(path, context.twin, rows, None, reason=str(error))
    assert isinstance(job, Job)
    if refused := too_many(job, context, oldest_ticks):
        return Member(path, context.twin, rows, None, reason=refused)
    return Member(path, context.twin, rows, job, readings_asked(job, context, oldest_ticks))


def results_of(members: Sequence[Member], note: str) -> tuple[tuple[Any, ...], float]:
    """The results of TrainFleet in their order, with valid and reason; and the data quality, of all that were read."""
    models = [one.model for one in members]
    names = list(dict.fromkeys(name for model in models if model is not None for name in model.figures))
    figures = [[model.figures.get(name, np.nan) if model else np.nan for name in names] for model in models]
    trained = sum(model is not None for model in models)
    said = [] if trained == len(members) else [f"{trained} of {len(members)} are trained, Reasons says why not others"]
    qualities = [one.quality for one in members if np.isfinite(one.quality)]
    own = (
        [one.path for one in members],
        [model.id if model is not None else "" for model in models],
        [str(model.state if model is not None else ModelState.draft) for model in models],
        [one.reason for one in members],
        names,
        np.array(figures, np.float64).reshape(-1),
        trained > 0,
        "; ".join([*said, note] if note else said),
    )
    return own, sum(qualities) / len(qualities) if qualities else NO_QUALITY


def _parts(members: Sequence[Member]) -> Iterator[Sequence[Member]]:
    part: list[Member] = []
    readings = 0.0
    for one in members:
        if part and (readings + one.readings > _READINGS_AT_ONCE or len(part) >= _MEMBERS_AT_ONCE):
            yield part
            part, readings = [], 0.0
        part.append(one)
        readings += one.readings
    if part:
        yield part
