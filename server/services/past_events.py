"""Keeps every event that the hub hands out, and gives it back as it was; all work with the file is off the loop."""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path as FilePath
from typing import Final, TypeVar

from asyncua import ua
from asyncua.ua.ua_binary import nodeid_from_binary, nodeid_to_binary, variant_from_binary, variant_to_binary
from asyncua.ua.uatypes import datetime_to_win_epoch

from drivers.readings import now_ticks
from server.history.events_store import EventsStore, PastEvent
from server.history.store import StoreError
from server.services.events import Event, EventTypes, Path
from server.services.wire import RequestBuffer, node_id

PERIOD_S: Final = 0.5
CAPACITY: Final = 10_000
"""Events that wait in memory while the disk takes none."""
_TIDY_S: Final = 60.0
_AUDIT: Final = node_id(ua.ObjectIds.AuditEventType)
_TIME: Final[Path] = ((0, "Time"),)
_OF_ONE_CLIENT: Final = frozenset(
    node_id(getattr(ua.ObjectIds, f"Refresh{kind}EventType")) for kind in ("Start", "End", "Required")
)
"""They tell a subscription how it stands, and nothing of the plant."""
_LENGTH: Final = struct.Struct("<I")
_NAME: Final = struct.Struct("<HH")
_log = logging.getLogger(__name__)
T = TypeVar("T")


class PastEvents:
    """The events of one server in one file; nothing is opened before the first of them, or the first question.

    lost: events that could not be kept. oldest: when the first of those kept happened, in ticks, 0 without any, as of
    the last tidying. oldest_s, most: see `EventsStore`.
    """

    def __init__(self, path: FilePath, types: EventTypes, *, oldest_s: float, most: int) -> None:
        self._path, self._types = path, types
        self._bounds = oldest_s, most
        self._pending: list[Event] = []
        self._store: EventsStore | None = None
        self._thread = ThreadPoolExecutor(1, "ThreadPoolExecutor-events")
        self._turn = asyncio.Lock()
        self._failed = False
        self.lost = 0
        self.oldest = 0

    def note(self, event: Event) -> None:
        """Keep one; called by the hub."""
        if event.type in _OF_ONE_CLIENT:
            return
        if len(self._pending) >= CAPACITY:
            self.lost += 1
        else:
            self._pending.append(event)

    def is_audit(self, event: Event) -> bool:
        """Whether it tells what a user did."""
        return _AUDIT in self._types.and_above(event.type)

    async def run(self) -> None:
        """Write what came, twice a second, until cancelled; then the rest, and close."""
        tidied = time.monotonic()
        try:
            if self._path.exists():
                await self._tidy()
            while True:
                await asyncio.sleep(PERIOD_S)
                await self._flush()
                if self._store is not None and time.monotonic() - tidied > _TIDY_S:
                    tidied = time.monotonic()
                    await self._tidy()
        finally:
            await asyncio.shield(asyncio.ensure_future(self._end()))

    async def read(
        self,
        notifier: str | None,
        start: tuple[int, int],
        end_ticks: int,
        limit: int,
        *,
        forward: bool,
        audit: bool,
    ) -> list[PastEvent]:
        """As `EventsStore.read`, with everything that has happened so far. Raises StoreError."""
        await self._flush()
        return await self._in_thread(
            lambda: self._opened().read(notifier, start, end_ticks, limit, forward=forward, audit=audit)
        )

    def _opened(self) -> EventsStore:
        if self._store is None:
            oldest_s, most = self._bounds
            self._store = EventsStore(self._path, oldest_s=oldest_s, most=most)
        return self._store

    async def _flush(self) -> None:
        async with self._turn:
            events, self._pending = self._pending, []
            if not events:
                return
            of_users = [self.is_audit(event) for event in events]
            try:
                await self._in_thread(
                    lambda: self._opened().append([encode(*one) for one in zip(events, of_users, strict=True)])
                )
            except StoreError as error:
                self._fail(error)
                self._pending = (events + self._pending)[:CAPACITY]
            else:
                self._failed = False
                self.oldest = self.oldest or min(_ticks(event) for event in events)

    async def _tidy(self) -> None:
        try:
            await self._in_thread(lambda: self._opened().retain(now_ticks()))
            self.oldest = await self._in_thread(lambda: self._opened().oldest_ticks())
        except StoreError as error:
            self._fail(error)

    def _fail(self, error: StoreError) -> None:
        if not self._failed:
            _log.error("the history of events has stopped: %s", error)
        self._failed = True

    async def _end(self) -> None:
        await self._flush()
        store, self._store = self._store, None
        if store is not None:
            await self._in_thread(store.close)
        self._thread.shutdown()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def encode(event: Event, audit: bool) -> PastEvent:
    """An event as it is kept: its type, its ConditionId, and each field as its path and its encoded Variant."""
    parts = [nodeid_to_binary(event.type), nodeid_to_binary(event.condition or ua.NodeId())]
    for path, value in event.fields.items():
        names = [_name(namespace, name) for namespace, name in path]
        told = value if value.Value is not None else ua.Variant()  # a DateTime without a value cannot be encoded
        content = bytes([len(names)]) + b"".join(names) + variant_to_binary(told)
        parts += _LENGTH.pack(len(content)), content
    heard = tuple(str(one.Identifier) for one in event.notifiers if isinstance(one.Identifier, str))
    return PastEvent(_ticks(event), 0, audit, heard, b"".join(parts))


def _ticks(event: Event) -> int:
    """When it happened; now, where nobody said."""
    happened = event.fields[_TIME].Value
    return datetime_to_win_epoch(happened) if happened is not None else now_ticks()


def decode(body: bytes) -> Event:
    """The event again; its fields are decoded when they are looked at. Who heard it is not part of it."""
    buffer = RequestBuffer(body)
    kind, condition = nodeid_from_binary(buffer), nodeid_from_binary(buffer)
    return Event(kind, _Fields(body, buffer.cur_pos), frozenset(), None if condition.is_null() else condition)


class _Fields(Mapping[Path, ua.Variant]):
    """Fields of an encoded event, each decoded when it is asked for: a client wants ten of thirty."""

    def __init__(self, body: bytes, start: int) -> None:
        self._body = body
        self._at: dict[Path, tuple[int, int]] = {}
        while start < len(body):
            end = start + _LENGTH.size + _LENGTH.unpack_from(body, start)[0]
            path, value = self._path(start + _LENGTH.size)
            self._at[path] = value, end
            start = end

    def _path(self, at: int) -> tuple[Path, int]:
        names: list[tuple[int, str]] = []
        count, at = self._body[at], at + 1
        for _ in range(count):
            namespace, length = _NAME.unpack_from(self._body, at)
            at += _NAME.size
            names.append((namespace, self._body[at : at + length].decode()))
            at += length
        return tuple(names), at

    def __getitem__(self, path: Path) -> ua.Variant:
        start, end = self._at[path]
        return variant_from_binary(RequestBuffer(self._body[start:end]))

    def __iter__(self) -> Iterator[Path]:
        return iter(self._at)

    def __len__(self) -> int:
        return len(self._at)


def _name(namespace: int, name: str) -> bytes:
    encoded = name.encode()
    return _NAME.pack(namespace, len(encoded)) + encoded
