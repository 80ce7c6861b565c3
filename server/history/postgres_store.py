"""The history in a PostgreSQL database: a row per value, in partitions of a day, or a hypertable of TimescaleDB.

The view `history` shows path, time, value and status to whoever asks in SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from drivers.data_types import DataType, floats, has_cell
from server.config.history_spec import PostgresSpec
from server.history.changes import changed_by, recorded, recorded_columns
from server.history.columns import Columns, columns_of, columns_of_tag, samples_of
from server.history.postgres_link import PostgresLink, rows_from_copy, rows_to_copy, signed, unsigned
from server.history.postgres_parts import Parts
from server.history.store import Block, Modified, Samples, StoredTag, StoreError, StoreFigures, UpdateKind

_KINDS: Final = ["int4", "int8", "int8", "int8", "int8", "float8"]
_READ_KINDS: Final = ["int8", "int8", "int8", "int8", "bool"]
_BAD: Final = 0x80000000
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS history_tag (
    id integer GENERATED ALWAYS AS IDENTITY (MINVALUE 1) PRIMARY KEY, path text NOT NULL, data_type integer NOT NULL,
    UNIQUE (path, data_type)
);
CREATE TABLE IF NOT EXISTS history_modified (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tag integer NOT NULL, source_ticks bigint NOT NULL,
    server_ticks bigint NOT NULL, cell bigint NOT NULL, status bigint NOT NULL, side bytea,
    modified_ticks bigint NOT NULL, kind integer NOT NULL, user_name text NOT NULL
);
CREATE INDEX IF NOT EXISTS history_modified_place ON history_modified (tag, source_ticks);
"""
_VIEW: Final = """
CREATE OR REPLACE VIEW history AS
SELECT tag.path, to_timestamp((one.source_ticks - 116444736000000000) / 1e7) AS time, one.value, one.status
FROM history_value one JOIN history_tag tag ON tag.id = one.tag
"""
_INCOMING: Final = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    tag integer, source_ticks bigint, server_ticks bigint, cell bigint, status bigint, value double precision
) ON COMMIT DELETE ROWS
"""
_INSERT: Final = "INSERT INTO history_value (tag, source_ticks, server_ticks, cell, status, value, side) "
_MODIFIED: Final = (
    "INSERT INTO history_modified "
    "(tag, source_ticks, server_ticks, cell, status, side, modified_ticks, kind, user_name) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


class PostgresStore:
    """See `server.history.store.HistoryStore`. Written from one thread, read from any."""

    def __init__(self, spec: PostgresSpec, *, read_only: bool = False) -> None:
        self._link = PostgresLink(spec)
        self._numbers: dict[tuple[str, int], int] = {}
        self._types = np.zeros(1, np.uint8)
        try:
            if read_only:
                with self._link.reading() as connection:
                    self._load_tags(connection)
                return
            self._prepare(spec)
        except StoreError:
            self._link.close()
            raise

    def _prepare(self, spec: PostgresSpec) -> None:
        with self._link.writing() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('uatwin tables'))")
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{spec.schema_}"')
            connection.execute(_TABLES)
            self._parts = Parts(connection)
            connection.execute(_VIEW)
            self._load_tags(connection)

    def tag_ids(self, tags: Sequence[tuple[str, int]]) -> npt.NDArray[np.int32]:
        """See HistoryStore."""
        new = [tag for tag in dict.fromkeys(tags) if tag not in self._numbers]
        if new:
            with self._link.writing() as connection, connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO history_tag (path, data_type) VALUES (%s, %s) ON CONFLICT DO NOTHING", new
                )
                self._load_tags(connection)
        return np.array([self._numbers[tag] for tag in tags], np.int32)

    def tags(self) -> Sequence[StoredTag]:
        """See HistoryStore."""
        return [StoredTag(number, path, data_type) for (path, data_type), number in self._numbers.items()]

    def append(self, block: Block) -> None:
        """See HistoryStore."""
        if len(block.tag):
            with self._link.writing() as connection:
                self._insert(connection, columns_of(block))

    def tidy(self, longest_s: float) -> bool:
        """See HistoryStore; PostgreSQL looks after itself."""
        return False

    def read(self, tag: int, start_ticks: int, end_ticks: int, limit: int = 0, *, forward: bool = True) -> Samples:
        """See HistoryStore."""
        with self._link.reading() as connection:
            found = _read(connection, tag, start_ticks, end_ticks, limit, forward)
        return samples_of(int(self._types[tag]), found)

    def update(
        self, tag: int, samples: Samples, kind: UpdateKind, user: str, modified_ticks: int
    ) -> npt.NDArray[np.uint32]:
        """See HistoryStore."""
        if not len(samples):
            return np.empty(0, np.uint32)
        given = columns_of_tag(tag, samples)
        with self._link.writing() as connection:
            first, last = int(given.source_ticks.min()), int(given.source_ticks.max())
            change = changed_by(given, _read(connection, tag, first, last, 0, True), kind)
            self._take_out(connection, change.gone, kind, user, modified_ticks)
            if len(change.new):
                self._insert(connection, change.new)
        return change.statuses

    def delete(self, tag: int, start_ticks: int, end_ticks: int, user: str, modified_ticks: int) -> int:
        """See HistoryStore."""
        with self._link.writing() as connection:
            gone = _read(connection, tag, start_ticks, end_ticks - 1, 0, True)
            self._take_out(connection, gone, UpdateKind.delete, user, modified_ticks)
        return len(gone)

    def modified(self, tag: int, start_ticks: int, end_ticks: int, limit: int = 0, *, forward: bool = True) -> Modified:
        """See HistoryStore."""
        way = "" if forward else "DESC"
        with self._link.reading() as connection:
            rows = connection.execute(
                "SELECT source_ticks, server_ticks, cell, status, side, modified_ticks, kind, user_name "
                "FROM history_modified WHERE tag = %s AND source_ticks BETWEEN %s AND %s "
                f"ORDER BY source_ticks {way}, modified_ticks {way}, id {way} LIMIT %s",
                (tag, start_ticks, end_ticks, limit or None),
            ).fetchall()
        ticks, kinds = np.array([row[5] for row in rows], np.int64), np.array([row[6] for row in rows], np.uint8)
        samples = samples_of(int(self._types[tag]), recorded_columns(tag, rows))
        return Modified(samples, ticks, kinds, [row[7] for row in rows])

    def retain(self, oldest_ticks: int, most_bytes: int) -> int:
        """See HistoryStore; a day goes as a whole, and the latest never for the sake of size."""
        with self._link.writing() as connection:
            forgotten = self._parts.forget(connection, oldest_ticks, most_bytes)
            connection.execute("DELETE FROM history_modified WHERE source_ticks < %s", (oldest_ticks,))
        return forgotten

    def figures(self) -> StoreFigures:
        """See HistoryStore."""
        with self._link.reading() as connection:
            return self._parts.figures(connection)

    def close(self) -> None:
        """See HistoryStore."""
        self._link.close()

    def _load_tags(self, connection: Any) -> None:
        rows = connection.execute("SELECT id, path, data_type FROM history_tag ORDER BY id").fetchall()
        self._types = np.zeros(rows[-1][0] + 1 if rows else 1, np.uint8)
        self._types[[row[0] for row in rows]] = [row[2] for row in rows]
        self._numbers = {(path, data_type): number for number, path, data_type in rows}

    def _insert(self, connection: Any, columns: Columns) -> None:
        self._parts.make_for(connection, columns.source_ticks)
        keys = np.array(list(columns.side), np.uint64)
        in_side = np.isin(columns.cells, keys) if len(keys) else np.zeros(len(columns), np.bool_)
        plain = columns.take(~in_side)
        if len(plain):
            self._copy(connection, plain)
        rest = columns.take(in_side)
        if len(rest):
            stored = (rest.tag, rest.source_ticks, rest.server_ticks, signed(rest.cells), rest.status)
            sides = [columns.side[key] for key in rest.cells.tolist()]
            with connection.cursor() as cursor:
                cursor.executemany(
                    f"{_INSERT} VALUES (%s, %s, %s, %s, %s, NULL, %s) ON CONFLICT DO NOTHING",
                    list(zip(*(column.tolist() for column in stored), sides, strict=True)),
                )
                self._parts.values += cursor.rowcount

    def _copy(self, connection: Any, plain: Columns) -> None:
        kinds = self._types[plain.tag]
        numbers = floats(plain.cells, kinds)
        numbers[(plain.status >= _BAD) | ~np.isin(kinds, _NUMERIC)] = np.nan
        columns: list[npt.NDArray[Any]] = [
            plain.tag,
            plain.source_ticks,
            plain.server_ticks,
            signed(plain.cells),
            plain.status,
            numbers,
        ]
        connection.execute(_INCOMING)
        with connection.cursor() as cursor:
            with cursor.copy("COPY incoming FROM STDIN (FORMAT BINARY)") as copy:
                copy.write(rows_to_copy(columns, _KINDS))
            cursor.execute(
                f"{_INSERT} SELECT tag, source_ticks, server_ticks, cell, status, nullif(value, 'NaN'), NULL "
                "FROM incoming ON CONFLICT DO NOTHING"
            )
            self._parts.values += cursor.rowcount

    def _take_out(self, connection: Any, gone: Columns, kind: UpdateKind, user: str, modified_ticks: int) -> None:
        if not len(gone):
            return
        taken = connection.execute(
            "DELETE FROM history_value WHERE tag = %s AND source_ticks = ANY(%s)",
            (int(gone.tag[0]), np.unique(gone.source_ticks).tolist()),
        )
        self._parts.values -= taken.rowcount
        with connection.cursor() as cursor:
            cursor.executemany(_MODIFIED, recorded(gone, kind, user, modified_ticks))


_NUMERIC: Final = [int(kind) for kind in DataType if has_cell(kind)]


def _read(connection: Any, tag: int, start_ticks: int, end_ticks: int, limit: int, forward: bool) -> Columns:
    way = "" if forward else "DESC"
    where = (
        f"FROM history_value WHERE tag = {int(tag)} AND source_ticks BETWEEN {int(start_ticks)} AND {int(end_ticks)} "
        f"ORDER BY source_ticks {way}, cell {way}, status {way} LIMIT {int(limit) or 'ALL'}"
    )
    columns = f"SELECT source_ticks, server_ticks, cell, status, side IS NOT NULL {where}"
    with connection.cursor() as cursor, cursor.copy(f"COPY ({columns}) TO STDOUT (FORMAT BINARY)") as copy:
        source, server, cell, status, in_side = rows_from_copy(b"".join(bytes(part) for part in copy), _READ_KINDS)
    side: dict[int, bytes] = {}
    cells = unsigned(cell)
    if in_side.any():
        rows = connection.execute(f"SELECT DISTINCT cell, side FROM (SELECT cell, side {where}) one").fetchall()
        keys = unsigned(np.array([row[0] for row in rows], np.int64)).tolist()
        side = {key: bytes(row[1]) for key, row in zip(keys, rows, strict=True) if row[1] is not None}
    return Columns(np.full(len(source), tag, np.int32), source, server, cells, status.astype(np.uint32), side)
