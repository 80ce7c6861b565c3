"""Keeps what has happened, in an SQLite file of its own: a few events a second for years, bounded by age and number."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.history.store import StoreError

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY, time INTEGER NOT NULL, audit INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS event_time ON event (time, id);
CREATE TABLE IF NOT EXISTS notifier (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS heard (
    notifier INTEGER NOT NULL, time INTEGER NOT NULL, event INTEGER NOT NULL,
    PRIMARY KEY (notifier, time, event)) WITHOUT ROWID;
"""
_VERSION: Final = 1
_FORGET_AT_ONCE: Final = 10_000
"""Events deleted in one transaction, so that the file is never locked for long."""


@dataclass(frozen=True, slots=True)
class PastEvent:
    """One event. time_ticks: when it happened; number: its place among those of the same time, in the order they were
    kept; audit: whether it tells what a user did; notifiers: paths of the twins that heard it; body: all its fields, as
    whoever keeps it encodes them."""

    time_ticks: int
    number: int
    audit: bool
    notifiers: Sequence[str]
    body: bytes


class EventsStore:
    """Opened at once; one thread at a time may use it. Every method raises StoreError when the disk refuses.

    oldest_s: events older than that are forgotten; most: of more than that the oldest. 0: no bound.
    """

    def __init__(self, path: Path, *, oldest_s: float = 90 * 86_400.0, most: int = 1_000_000) -> None:
        self.path = path
        self._oldest_ticks = round(oldest_s * 10_000_000)
        self._most = most
        self._notifiers: dict[str, int] = {}
        with self._told("opened"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def append(self, events: Sequence[PastEvent]) -> None:
        """Keep these; durable when it returns. Their numbers are given here."""
        with self._told("written"), self._transaction():
            for event in events:
                row = (event.time_ticks, event.audit, event.body)
                number = self._db.execute("INSERT INTO event (time, audit, body) VALUES (?, ?, ?)", row).lastrowid
                heard = [(self._notifier(path), event.time_ticks, number) for path in event.notifiers]
                self._db.executemany("INSERT OR IGNORE INTO heard VALUES (?, ?, ?)", heard)

    def read(
        self,
        notifier: str | None,
        start: tuple[int, int],
        end_ticks: int,
        limit: int,
        *,
        forward: bool = True,
        audit: bool = True,
    ) -> list[PastEvent]:
        """The first `limit` events behind `start` (time and number, itself excluded) up to `end_ticks` (excluded), in
        the direction of time or against it. notifier: only those it heard, None for all; audit: with those of users."""
        compare, bound, order = (">", "<", "ASC") if forward else ("<", ">", "DESC")
        source, key = "event e", "e.id"
        values: list[object] = [*start, end_ticks]
        if notifier is not None:
            source, key = "heard h JOIN event e ON e.id = h.event", "h.event"
            values.append(self._notifiers.get(notifier, -1))
        time = "e.time" if notifier is None else "h.time"
        where = f"({time}, {key}) {compare} (?, ?) AND {time} {bound} ?"
        where += "" if notifier is None else " AND h.notifier = ?"
        where += "" if audit else " AND NOT e.audit"
        sql = f"SELECT e.time, e.id, e.audit, e.body FROM {source} WHERE {where} ORDER BY {time} {order}, {key} {order}"
        with self._told("read"):
            found = self._db.execute(f"{sql} LIMIT ?", (*values, limit)).fetchall()
        return [PastEvent(at, number, bool(of_user), (), body) for at, number, of_user, body in found]

    def retain(self, now_ticks: int) -> int:
        """Forget what is too old or too much, a part of it at a time; how many events that were."""
        with self._told("tidied"), self._transaction():
            oldest = now_ticks - self._oldest_ticks if self._oldest_ticks else 0
            count = self.count()
            excess = max(0, count - self._most) if self._most else 0
            too_old = self._db.execute("SELECT count(*) FROM event WHERE time < ?", (oldest,)).fetchone()[0]
            going = min(max(excess, too_old), _FORGET_AT_ONCE)
            if not going:
                return 0
            rows = self._db.execute("SELECT time, id FROM event ORDER BY time, id LIMIT ?", (going,)).fetchall()
            gone = [(notifier, *rows[-1]) for notifier in self._notifiers.values()]
            self._db.executemany("DELETE FROM heard WHERE notifier = ? AND (time, event) <= (?, ?)", gone)
            self._db.executemany("DELETE FROM event WHERE id = ?", [(number,) for _, number in rows])
        return int(going)

    def count(self) -> int:
        """How many events there are."""
        with self._told("read"):
            return int(self._db.execute("SELECT count(*) FROM event").fetchone()[0])

    def oldest_ticks(self) -> int:
        """When the first of them happened, 0 without any."""
        with self._told("read"):
            return int(self._db.execute("SELECT min(time) FROM event").fetchone()[0] or 0)

    def close(self) -> None:
        """Let go of the file."""
        with self._told("closed"):
            self._db.close()

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise StoreError(
                f"{self.path}: was written by a later version of uatwin (layout {version}, this one knows {_VERSION}); "
                "go on with that version, or move the file away to begin anew"
            )
        self._db.executescript(_SCHEMA)
        self._db.execute(f"PRAGMA user_version={_VERSION}")
        self._notifiers = {path: number for number, path in self._db.execute("SELECT id, path FROM notifier")}

    def _notifier(self, path: str) -> int:
        number = self._notifiers.get(path)
        if number is None:
            number = self._db.execute("INSERT INTO notifier (path) VALUES (?)", (path,)).lastrowid
            assert number is not None
            self._notifiers[path] = number
        return number

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        known = dict(self._notifiers)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._notifiers = known
            if self._db.in_transaction:  # a full disk has ended it already
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"{self.path}: events cannot be {what}: {error}. Is there space, and may uatwin write there?"
            ) from error
