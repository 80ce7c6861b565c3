"""Keeps the states of conditions in an SQLite file, so that a restart forgets neither an acknowledgement nor a comment.

Everything here waits for the disk: `Conditions` calls it from a thread, but for the one load at the start.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

from server.alarms.event_ids import EventIds
from server.alarms.state import Acking, ConditionState, Shelving

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS condition (path TEXT PRIMARY KEY, type TEXT NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS secret (id INTEGER PRIMARY KEY CHECK (id = 0), value BLOB NOT NULL);
"""
_FIELDS: Final = frozenset(field.name for field in fields(ConditionState))


class StateFileError(Exception):
    """The file cannot be used: which, why, and what would help."""


class StateFile:
    """One file; the folder it is in is made. Raises StateFileError where it can be neither opened nor made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._opened() as file:
                file.executescript(f"PRAGMA journal_mode=WAL; {_SCHEMA}")
        except (OSError, sqlite3.Error) as error:
            raise StateFileError(
                f"{path}: states of alarms cannot be kept there: {error}; make the folder writable, or move a file "
                "that is no SQLite database away"
            ) from error

    def event_ids(self) -> EventIds:
        """The EventIds of these conditions: the same after every restart."""
        with self._opened() as file:
            file.execute("INSERT OR IGNORE INTO secret VALUES (0, ?)", (EventIds().secret,))
            return EventIds(file.execute("SELECT value FROM secret").fetchone()[0])

    def load(self) -> dict[tuple[str, str], ConditionState]:
        """All states by path and name of the AlarmType."""
        with self._opened() as file:
            rows = file.execute("SELECT path, type, state FROM condition").fetchall()
        return {(path, kind): _decoded(json.loads(text)) for path, kind, text in rows}

    def save(self, states: Mapping[tuple[str, str], ConditionState]) -> None:
        """Write these states, all or none. Raises StateFileError when the disk refuses."""
        rows = [(path, kind, json.dumps(asdict(state))) for (path, kind), state in states.items()]
        try:
            with self._opened() as file:
                file.executemany("INSERT OR REPLACE INTO condition VALUES (?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise StateFileError(
                f"{self.path}: states of alarms cannot be written: {error}; is the disk full?"
            ) from error

    @contextlib.contextmanager
    def _opened(self) -> Any:
        """A transaction; the file is opened for each, since threads come and go."""
        with contextlib.closing(sqlite3.connect(self.path, timeout=10.0)) as file, file:
            yield file


def _decoded(told: dict[str, Any]) -> ConditionState:
    known = {name: value for name, value in told.items() if name in _FIELDS}
    known["acking"], known["shelving"] = Acking(known["acking"]), Shelving(known["shelving"])
    known["shelved_from"] = Shelving(known["shelved_from"])
    known["comment"], known["level_ticks"] = tuple(known["comment"]), tuple(known["level_ticks"])
    return ConditionState(**known)
