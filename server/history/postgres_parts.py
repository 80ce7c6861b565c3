"""The days of a history in PostgreSQL: partitions of a plain table, or chunks of a TimescaleDB hypertable."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from psycopg import errors

from drivers.readings import TICKS_PER_SECOND, now_ticks
from server.history.store import StoreFigures

DAY_TICKS: Final = 86_400 * TICKS_PER_SECOND
_COLUMNS: Final = """
    tag integer NOT NULL, source_ticks bigint NOT NULL, server_ticks bigint NOT NULL, cell bigint NOT NULL,
    status bigint NOT NULL, value double precision, side bytea, PRIMARY KEY (tag, source_ticks, cell, status)
"""
_PAST_DAYS: Final = 36_500
_COMING_DAYS: Final = 2
"""Values of other days than these are kept in a partition of their own: a device that does not know the time must not
make thousands of partitions."""
_PARTITIONS: Final = """
SELECT child.oid::regclass::text, child.relname, pg_total_relation_size(child.oid), child.reltuples
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'history_value'::regclass ORDER BY child.relname
"""
_CHUNKS: Final = """
SELECT format('%I.%I', chunk_schema, chunk_name), range_end_integer,
    pg_total_relation_size(format('%I.%I', chunk_schema, chunk_name)::regclass),
    (SELECT reltuples FROM pg_class WHERE oid = format('%I.%I', chunk_schema, chunk_name)::regclass)
FROM timescaledb_information.chunks
WHERE hypertable_name = 'history_value' AND hypertable_schema = current_schema() ORDER BY range_end_integer
"""


@dataclass(frozen=True, slots=True)
class Part:
    """Some time of the history. table: its name in SQL; end_ticks: values in it are older; tuples: about how many there
    are, below 0 when nobody has counted."""

    table: str
    end_ticks: int
    bytes: int
    tuples: float


class Parts:
    """Made within the transaction that makes the tables. values: about how many there are; the caller adds to it."""

    def __init__(self, connection: Any) -> None:
        self._chunked = _take_timescale(connection)
        self._made: set[int] = set()
        self._oldest: tuple[str, int] | None = None
        if self._chunked:
            connection.execute(f"CREATE TABLE IF NOT EXISTS history_value ({_COLUMNS})")
            connection.execute(
                "SELECT create_hypertable('history_value', 'source_ticks', chunk_time_interval => %s::bigint, "
                "if_not_exists => true)",
                (DAY_TICKS,),
            )
        else:
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS history_value ({_COLUMNS}) PARTITION BY RANGE (source_ticks)"
            )
            connection.execute("CREATE TABLE IF NOT EXISTS history_value_other PARTITION OF history_value DEFAULT")
        self.values = sum(self._count(connection, part) for part in self._parts(connection))

    def make_for(self, connection: Any, source_ticks: npt.NDArray[np.int64]) -> None:
        """See that there is a place for values of these times."""
        today = now_ticks() // DAY_TICKS
        days = {int(day) for day in np.unique(source_ticks // DAY_TICKS)} - self._made
        if self._oldest is not None and int(source_ticks.min()) < self._oldest[1]:
            self._oldest = None
        for day in days if not self._chunked else ():
            if not today - _PAST_DAYS <= day <= today + _COMING_DAYS:
                continue
            try:
                with connection.transaction():
                    connection.execute(
                        f"CREATE TABLE IF NOT EXISTS history_value_d{day} PARTITION OF history_value "
                        f"FOR VALUES FROM ({day * DAY_TICKS}) TO ({(day + 1) * DAY_TICKS})"
                    )
            except errors.CheckViolation:
                pass  # values of that day came when it was in the future, and lie with the others
            self._made.add(day)

    def forget(self, connection: Any, oldest_ticks: int, most_bytes: int) -> int:
        """Drop the days that are too old, and the oldest beyond that size but the last; how many values those had."""
        parts = self._parts(connection)
        total = sum(part.bytes for part in parts)
        forgotten = 0
        for part in parts:
            too_much = bool(most_bytes) and total > most_bytes and part is not parts[-1]
            if part.end_ticks and (part.end_ticks <= oldest_ticks or too_much):
                forgotten += self._count(connection, part)
                total -= part.bytes
                self._drop(connection, part)
        if not self._chunked:
            gone = connection.execute("DELETE FROM history_value_other WHERE source_ticks < %s", (oldest_ticks,))
            forgotten += gone.rowcount
        self.values -= forgotten
        return forgotten

    def figures(self, connection: Any) -> StoreFigures:
        """Values, bytes, and the oldest value."""
        parts = self._parts(connection)
        size = sum(part.bytes for part in parts)
        return StoreFigures(max(self.values, 0), size, self._oldest_ticks(connection, parts))

    def _drop(self, connection: Any, part: Part) -> None:
        self._oldest = None
        if self._chunked:
            connection.execute("SELECT drop_chunks('history_value', older_than => %s::bigint)", (part.end_ticks,))
            return
        connection.execute(f"DROP TABLE {part.table}")
        self._made.discard(part.end_ticks // DAY_TICKS - 1)

    def _parts(self, connection: Any) -> list[Part]:
        """Oldest first; what has no end comes first."""
        if self._chunked:
            rows = connection.execute(_CHUNKS).fetchall()
            return [Part(table, end, size, tuples) for table, end, size, tuples in rows]
        found = []
        for table, name, size, tuples in connection.execute(_PARTITIONS):
            day = re.fullmatch(r"history_value_d(\d+)", name)
            found.append(Part(table, (int(day[1]) + 1) * DAY_TICKS if day else 0, size, tuples))
        return sorted(found, key=lambda part: part.end_ticks)

    @staticmethod
    def _count(connection: Any, part: Part) -> int:
        if part.tuples >= 0:
            return int(part.tuples)
        return int(connection.execute(f"SELECT count(*) FROM {part.table}").fetchone()[0])

    def _oldest_ticks(self, connection: Any, parts: list[Part]) -> int:
        """A look into the index for each tag; it is not repeated while the oldest day stays."""
        for part in parts:
            if self._oldest is not None and self._oldest[0] == part.table:
                return self._oldest[1]
            first = connection.execute(
                f"SELECT min((SELECT min(source_ticks) FROM {part.table} one WHERE one.tag = known.id)) "
                "FROM history_tag known"
            ).fetchone()[0]
            if first is not None:
                self._oldest = (part.table, int(first))
                return int(first)
        return 0


def _take_timescale(connection: Any) -> bool:
    """Whether TimescaleDB is there for this database; it is put to use where it is on offer."""
    kind = connection.execute("SELECT relkind FROM pg_class WHERE oid = to_regclass('history_value')").fetchone()
    if kind is not None and kind[0] == "p":
        return False  # begun without it
    offered = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'").fetchone()
    if offered is None:
        return False
    try:
        with connection.transaction():
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    except errors.Error:
        return False
    return True
