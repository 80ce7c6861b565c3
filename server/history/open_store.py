"""From the settings to the store they mean."""

from __future__ import annotations

from pathlib import Path

from server.config.history_spec import PostgresSpec
from server.history.sqlite_store import SqliteStore
from server.history.store import HistoryStore


def open_store(postgres: PostgresSpec | None, file: Path) -> HistoryStore:
    """The store, ready; the embedded one without a database. Raises StoreError."""
    return SqliteStore(file)
