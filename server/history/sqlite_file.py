"""The file of the embedded store: its tables, its connections, and what SQLite's errors mean to people."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from filelock import FileLock, Timeout

from server.history.store import StoreError

_APPLICATION_ID: Final = 0x75617477  # "uatw"
_VERSION: Final = 1
_IDLE: Final = 4
"""Connections for reading that are kept for the next one."""
_SETUP: Final = (
    "PRAGMA page_size = 8192",
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
)
_WRITING: Final = (
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -8000",
    "PRAGMA journal_size_limit = 8388608",
    "PRAGMA wal_autocheckpoint = 1000",
)
_TABLES: Final = f"""
BEGIN;
CREATE TABLE tag (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL, data_type INTEGER NOT NULL, UNIQUE (path, data_type)
);
CREATE TABLE journal (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE page (
    id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, day INTEGER NOT NULL, level INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE INDEX page_place ON page (bucket, day, first, last);
CREATE INDEX page_age ON page (day, last);
CREATE INDEX page_open ON page (bucket, day, level) WHERE level < 2;
CREATE TABLE modified (
    id INTEGER PRIMARY KEY, tag INTEGER NOT NULL, source_ticks INTEGER NOT NULL, server_ticks INTEGER NOT NULL,
    cell INTEGER NOT NULL, status INTEGER NOT NULL, side BLOB, modified_ticks INTEGER NOT NULL, kind INTEGER NOT NULL,
    user TEXT NOT NULL
);
CREATE INDEX modified_place ON modified (tag, source_ticks);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
COMMIT;
"""
T = TypeVar("T")


class SqliteFile:
    """One connection that writes (none with read_only) and some that read, each seeing the file as it was when it
    began. Raises StoreError when the file cannot be had."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self._idle: list[sqlite3.Connection] = []
        self._turn = threading.Lock()
        self._guard = FileLock(f"{path}.lock")
        if read_only and not path.is_file():
            raise StoreError(
                f"{path}: there is no such history; it is made when the bridge runs with a section history"
            )
        try:
            self._take()
            with self.telling():
                self.writer = self._connect()
                self._prepare()
        except StoreError:
            self._guard.release()
            raise

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """Turns SQLite's errors into StoreError."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(_explained(self.path, error)) from error

    @contextlib.contextmanager
    def transaction(self, then: Callable[[], None] | None = None) -> Iterator[sqlite3.Connection]:
        """Everything in the body or nothing; durable afterwards. `then` is called before a reader sees it."""
        with self.telling():
            self.writer.execute("BEGIN IMMEDIATE")
            try:
                yield self.writer
                with self._turn if then else contextlib.nullcontext():
                    self.writer.execute("COMMIT")
                    if then:
                        then()
            except BaseException:
                if self.writer.in_transaction:
                    self.writer.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self, begun: Callable[[], T]) -> Iterator[tuple[sqlite3.Connection, T]]:
        """A connection that sees one state of the file, and what `begun` says at that moment."""
        with self._turn:
            connection = self._idle.pop() if self._idle else None
        with self.telling():
            connection = connection or self._connect(for_reading=True)
            try:
                with self._turn:
                    connection.execute("BEGIN")
                    connection.execute("SELECT 1 FROM tag LIMIT 1").fetchone()  # from here on it sees this state
                    said = begun()
                yield connection, said
            finally:
                connection.rollback()
                self._give_back(connection)

    def bytes_on_disk(self) -> int:
        """Of the file and its write-ahead log."""
        total = 0
        for file in (self.path, self.path.with_name(self.path.name + "-wal")):
            with contextlib.suppress(FileNotFoundError):
                total += file.stat().st_size
        return total

    def bytes_in_use(self) -> int:
        """Of the file, without what is free for new values."""
        with self.telling():
            size, count, free = (
                int(self.writer.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_size", "page_count", "freelist_count")
            )
        return size * (count - free)

    def shrink(self) -> None:
        """Give free space back to the disk."""
        with self.telling():
            self.writer.executescript("PRAGMA incremental_vacuum")  # execute would give one page back and stop
            self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Let go of the file."""
        with self._turn:
            for connection in self._idle:
                connection.close()
            self._idle.clear()
        try:
            with self.telling():
                self.writer.close()
        finally:
            self._guard.release()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._turn:
            if len(self._idle) < _IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _take(self) -> None:
        if self.read_only:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._guard.acquire(timeout=0)
        except Timeout:
            raise StoreError(
                f"{self.path}: another process writes this history; give each bridge its own file"
            ) from None
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}; choose another path for the history") from error

    def _connect(self, for_reading: bool = False) -> sqlite3.Connection:
        only = self.read_only or for_reading
        uri = f"{self.path.absolute().as_uri()}?mode={'ro' if only else 'rwc'}"
        connection = sqlite3.connect(uri, timeout=10.0, isolation_level=None, check_same_thread=False, uri=True)
        connection.execute("PRAGMA cache_size = -2000")
        return connection

    def _prepare(self) -> None:
        known = int(self.writer.execute("PRAGMA application_id").fetchone()[0])
        made = int(self.writer.execute("PRAGMA schema_version").fetchone()[0])
        version = int(self.writer.execute("PRAGMA user_version").fetchone()[0])
        if made and (known, version) != (_APPLICATION_ID, _VERSION):
            self.writer.close()
            raise StoreError(f"{self.path}: this is no history of this version of uatwin; choose another path")
        if self.read_only:
            return
        if not made:
            for pragma in _SETUP:
                self.writer.execute(pragma)
            self.writer.executescript(_TABLES)
        for pragma in _WRITING:
            self.writer.execute(pragma)


def _explained(path: Path, error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name == "SQLITE_FULL":
        return f"{path}: the disk is full; make room, or keep less with history: {{retention: {{size: ...}}}}"
    if name.startswith("SQLITE_IOERR"):
        return f"{path}: the disk takes no more or fails ({error}); make room, or look after the disk"
    if name in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
        return f"{path}: the file is damaged ({error}); move it away, and a new one is begun"
    if name in ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"):
        return f"{path}: cannot be opened for writing ({error}); check its owner and rights, or choose another path"
    return f"{path}: {error}"
