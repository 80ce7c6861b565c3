"""Connections to the database of a history, its rows as columns, and what its errors mean to people."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import errors

from drivers.errors import ConnectFailed
from server.config.history_spec import PostgresSpec
from server.history.store import StoreError

_CONNECT_S: Final = 5
_IDLE: Final = 4
_TAKE_OVER_MS: Final = 3000
_TLS: Final = {"verify": "verify-full", "require": "require", "off": "disable"}
_COPY_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END: Final = b"\xff\xff"
_SIGN: Final = np.uint64(1 << 63)
_WIDTHS: Final = {"int4": (">i4", 4), "int8": (">i8", 8), "float8": (">f8", 8), "bool": ("u1", 1)}


class PostgresLink:
    """One connection that writes, made anew when it broke, and some that read. Raises StoreError."""

    def __init__(self, spec: PostgresSpec) -> None:
        self._spec = spec
        self._lock = threading.Lock()
        self._idle: list[psycopg.Connection[Any]] = []
        self._writer: psycopg.Connection[Any] | None = None

    @contextlib.contextmanager
    def writing(self) -> Iterator[psycopg.Connection[Any]]:
        """A transaction: everything in the body or nothing. One bridge at a time holds the right to it."""
        with self._telling():
            if self._writer is None or self._writer.closed:
                self._writer = self._connect()
                self._refuse_second(self._writer)
            with self._writer.transaction():
                yield self._writer

    @contextlib.contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection for questions, which sees one state of the database."""
        with self._telling():
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None or connection.closed:
                connection = self._connect()
            try:
                with connection.transaction():
                    yield connection
            finally:
                self._give_back(connection)

    def close(self) -> None:
        """Let go of all connections."""
        with self._lock:
            open_, self._idle = [*self._idle, *([self._writer] if self._writer else [])], []
        self._writer = None
        for connection in open_:
            connection.close()

    def _give_back(self, connection: psycopg.Connection[Any]) -> None:
        with self._lock:
            if not connection.closed and len(self._idle) < _IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> psycopg.Connection[Any]:
        spec = self._spec
        local = spec.host.startswith("/")
        return psycopg.connect(
            host=spec.host,
            port=spec.port,
            dbname=spec.database,
            user=spec.user,
            password=self._password(),
            sslmode="disable" if local else _TLS[spec.tls],
            sslrootcert=None if local or spec.tls != "verify" else str(spec.ca or "system"),
            connect_timeout=_CONNECT_S,
            keepalives_idle=10,
            application_name="uatwin",
            options=f"-c search_path={spec.schema_},public -c client_min_messages=warning",
            autocommit=True,
        )

    def _password(self) -> str | None:
        try:
            return self._spec.password.read() if self._spec.password is not None else None
        except ConnectFailed as error:
            raise StoreError(f"{self._where}: {error}") from error

    def _refuse_second(self, connection: psycopg.Connection[Any]) -> None:
        """Take the right to write; a bridge that just ended may hold it for a moment."""
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = {_TAKE_OVER_MS}")
                connection.execute("SELECT pg_advisory_lock(hashtext('uatwin'), hashtext(%s))", (self._spec.schema_,))
        except errors.LockNotAvailable as error:
            connection.close()
            message = f"{self._where}: another bridge writes this history; give each plant its own schema"
            raise StoreError(message) from error

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except errors.DiskFull as error:
            raise StoreError(f"{self._where}: the disk of the database is full; make room, or keep less") from error
        except psycopg.Error as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise StoreError(f"{self._where}: {said}; see history: postgres in the plant file") from error

    @property
    def _where(self) -> str:
        return f"PostgreSQL {self._spec.host}:{self._spec.port}/{self._spec.database}"


def rows_to_copy(columns: list[npt.NDArray[Any]], kinds: list[str]) -> bytes:
    """Columns without gaps in PostgreSQL's binary COPY format."""
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for index, kind in enumerate(kinds):
        fields += [(f"size{index}", ">i4"), (f"value{index}", _WIDTHS[kind][0])]
    rows = np.empty(len(columns[0]), np.dtype(fields))
    rows["fields"] = len(kinds)
    for index, (column, kind) in enumerate(zip(columns, kinds, strict=True)):
        rows[f"size{index}"] = _WIDTHS[kind][1]
        rows[f"value{index}"] = column
    return _COPY_HEAD + rows.tobytes() + _COPY_END


def rows_from_copy(data: bytes, kinds: list[str]) -> list[npt.NDArray[Any]]:
    """Those columns again, in this computer's byte order."""
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for index, kind in enumerate(kinds):
        fields += [(f"size{index}", ">i4"), (f"value{index}", _WIDTHS[kind][0])]
    kind_of_row = np.dtype(fields)
    body = len(data) - len(_COPY_HEAD) - len(_COPY_END)
    rows = np.frombuffer(data, kind_of_row, body // kind_of_row.itemsize, len(_COPY_HEAD))
    return [rows[f"value{index}"].astype(_WIDTHS[kind][0].lstrip(">")) for index, kind in enumerate(kinds)]


def signed(cells: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Cells as PostgreSQL's bigint, in the same order."""
    return (cells ^ _SIGN).view(np.int64)


def unsigned(values: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Cells again."""
    cells: npt.NDArray[np.uint64] = values.view(np.uint64) ^ _SIGN
    return cells
