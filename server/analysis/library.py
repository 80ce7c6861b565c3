"""The models of all twins and what people have said of them: from training to retirement, over restarts."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from analytics.arguments import Job
from analytics.errors import FunctionFailed
from analytics.model_store import ModelStore, ModelStoreError
from analytics.models import Arrays, Label, LabelKind, Model, ModelRecord, ModelState
from analytics.training import TRAINERS, Lesson
from drivers.readings import now_ticks

_log = logging.getLogger(__name__)
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_MOST_OF_A_KIND: Final = 20
"""Models of one twin and kind; beyond them the oldest that are not in use go."""
_MOST_LABELS: Final = 1000
_ARRAYS_KEPT: Final = 64
_IN_USE: Final = (ModelState.candidate, ModelState.active)
Listener = Callable[[str], None]


class Library:
    """Models by twin, newest last. Everything that changes something is awaited until it is on disk.

    Callers are on the event loop. Raises FunctionFailed where the disk refuses.
    """

    def __init__(self, store: ModelStore, clock: Callable[[], int] = now_ticks) -> None:
        self._store = store
        self._clock = clock
        self._models: defaultdict[str, list[ModelRecord]] = defaultdict(list)
        self._labels: defaultdict[str, list[Label]] = defaultdict(list)
        self._arrays: OrderedDict[tuple[str, str], Arrays] = OrderedDict()
        self._listeners: list[Listener] = []
        self._writing = asyncio.Lock()

    # -- looking ----------------------------------------------------------------------------------------------------

    def models(self, twin: str) -> Sequence[ModelRecord]:
        """The models of a twin, oldest first."""
        return tuple(self._models.get(twin, ()))

    def find(self, twin: str, model_id: str) -> ModelRecord | None:
        """One of them."""
        return next((one for one in self._models.get(twin, ()) if one.id == model_id), None)

    def labels(self, twin: str) -> Sequence[Label]:
        """What people have said of a twin, oldest first."""
        return tuple(self._labels.get(twin, ()))

    def in_use(self, kind: str) -> Iterable[ModelRecord]:
        """Of each twin the active model of a kind, and its newest candidate."""
        for models in self._models.values():
            for state in _IN_USE:
                of_state = [one for one in models if one.kind == kind and one.state is state]
                yield from of_state[-1:]

    async def model(self, record: ModelRecord) -> Model:
        """A model with its arrays. Raises FunctionFailed."""
        key = record.twin, record.id
        arrays = self._arrays.get(key)
        if arrays is None:
            try:
                arrays = await asyncio.to_thread(self._store.arrays, record)
            except ModelStoreError as error:
                raise FunctionFailed(str(error)) from error
            self._arrays[key] = arrays
        self._arrays.move_to_end(key)
        while len(self._arrays) > _ARRAYS_KEPT:
            self._arrays.popitem(last=False)
        return Model(record, arrays)

    def on_change(self, listener: Listener) -> None:
        """Call listener(twin path) after the models of a twin have changed."""
        self._listeners.append(listener)

    # -- life -------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Read what was kept; tells the log what cannot be read."""
        records, problems = await asyncio.to_thread(self._store.load)
        labels, more = await asyncio.to_thread(self._store.load_labels)
        for problem in (*problems, *more):
            _log.error("%s", problem)
        for record in sorted(records, key=lambda one: (one.created_ticks, one.version)):
            self._models[record.twin].append(record)
        for twin, said in labels.items():
            self._labels[twin].extend(said)
        for twin in self._models:
            self._tell(twin)

    def begin(self, twin: str, kind: str, job: Job) -> ModelRecord:
        """A model that is being trained; it is not kept before it is trained."""
        version = max((one.version for one in self._models[twin] if one.kind == kind), default=0) + 1
        record = ModelRecord(
            id=f"{kind}-{version}",
            kind=kind,
            twin=twin,
            version=version,
            state=ModelState.training,
            created_ticks=self._clock(),
            training_start_ticks=job.start_ticks or 0,
            training_end_ticks=job.end_ticks,
            signals=job.signals,
            context_signals=(),
            settings={},
            figures={},
            data_hash="",
        )
        self._models[twin].append(record)
        self._tell(twin)
        return record

    def give_up(self, record: ModelRecord, reason: str) -> None:
        """The training came to nothing: a Draft that says why, until the next one of its kind or a restart."""
        drafts = [one for one in self._models[record.twin] if one.kind == record.kind and one.state is ModelState.draft]
        for draft in drafts:
            self._models[record.twin].remove(draft)
        self._put(replace(record, state=ModelState.draft, reason=reason))

    def withdraw(self, record: ModelRecord) -> None:
        """The training was not begun after all."""
        self._models[record.twin].remove(record)
        self._tell(record.twin)

    async def finish(self, record: ModelRecord, lesson: Lesson, reason: str = "") -> ModelRecord:
        """The training succeeded: a Candidate, kept on disk. reason: why it is not better than that."""
        trained = lesson.trained
        done = replace(
            record,
            state=ModelState.candidate,
            training_start_ticks=lesson.start_ticks,
            training_end_ticks=lesson.end_ticks,
            signals=trained.signals,
            context_signals=trained.context_signals,
            settings=dict(trained.settings),
            figures=dict(trained.figures),
            data_hash=lesson.data_hash,
            libraries=dict(lesson.libraries),
            windows=trained.windows,
            reason=reason,
        )
        await self._write(lambda: self._store.save(done, trained.arrays))
        self._put(done)
        await self._thin_out(done.twin, done.kind)
        return done

    async def activate(self, record: ModelRecord) -> tuple[ModelRecord, ModelRecord | None]:
        """Make it the active one of its kind; the one that was is retired and comes second."""
        before = next(
            (
                one
                for one in self._models[record.twin]
                if one.kind == record.kind and one.state is ModelState.active and one.id != record.id
            ),
            None,
        )
        active = await self._change(replace(record, state=ModelState.active))
        retired = await self._change(replace(before, state=ModelState.retired)) if before is not None else None
        return active, retired

    async def retire(self, record: ModelRecord) -> ModelRecord:
        """Take it out of use."""
        return await self._change(replace(record, state=ModelState.retired))

    async def note_drift(self, record: ModelRecord, drift: float) -> ModelRecord:
        """Remember how far its twin has gone from what it was trained on."""
        return await self._change(replace(record, drift=drift))

    async def label(
        self, twin: str, kind: LabelKind, span: tuple[int, int], text: str, event_id: str, user: str
    ) -> tuple[Label, list[ModelRecord]]:
        """Remember what somebody has said; the models whose baseline does not hold any more after maintenance come
        second: those trained before it on signals of this twin, whichever twin they belong to."""
        label = Label(secrets.token_hex(4), kind, *span, text, event_id, user, self._clock())
        said = sorted([*self._labels[twin], label], key=lambda one: one.start_ticks)[-_MOST_LABELS:]
        await self._write(lambda: self._store.save_labels(twin, said))
        self._labels[twin] = said
        invalid = list(self._rests_on(twin, span[0])) if kind is LabelKind.maintenance else []
        why = f"baseline invalid since maintenance at {moment(span[1])}; train it anew"
        changed = [await self._change(replace(one, invalid_since_ticks=span[1], reason=why)) for one in invalid]
        return label, changed

    # -- below ------------------------------------------------------------------------------------------------------

    def _rests_on(self, twin: str, trained_before: int) -> Iterable[ModelRecord]:
        for path, models in self._models.items():
            above = "" if path == twin or path.startswith(f"{twin}/") else f"{twin[len(path) + 1 :]}/"
            if above and not twin.startswith(f"{path}/"):
                continue
            for one in models:
                uses = not above or any(name.startswith(above) for name in (*one.signals, *one.context_signals))
                baseline = one.kind not in TRAINERS or TRAINERS[one.kind].baseline
                if uses and baseline and one.state in _IN_USE and one.training_start_ticks < trained_before:
                    yield one

    async def _change(self, record: ModelRecord) -> ModelRecord:
        if record.data_hash:
            await self._write(lambda: self._store.update(record))
        self._put(record)
        return record

    def _put(self, record: ModelRecord) -> None:
        models = self._models[record.twin]
        place = next((place for place, one in enumerate(models) if one.id == record.id), len(models))
        models[place : place + 1] = [record]
        self._tell(record.twin)

    async def _thin_out(self, twin: str, kind: str) -> None:
        of_kind = [one for one in self._models[twin] if one.kind == kind]
        idle = [one for one in of_kind if one.state in (ModelState.retired, ModelState.candidate)]
        for record in idle[: max(0, len(of_kind) - _MOST_OF_A_KIND)]:
            await asyncio.to_thread(self._store.remove, record)
            self._models[twin].remove(record)
            self._arrays.pop((twin, record.id), None)

    async def _write(self, write: Callable[[], None]) -> None:
        async with self._writing:
            try:
                await asyncio.to_thread(write)
            except (ModelStoreError, ValueError) as error:
                raise FunctionFailed(str(error)) from error

    def _tell(self, twin: str) -> None:
        for listener in self._listeners:
            listener(twin)


def moment(ticks: int) -> str:
    """A time for people, UTC."""
    return (_EPOCH + timedelta(microseconds=ticks // 10)).isoformat(timespec="seconds").replace("+00:00", "Z")
