"""From the settings to the store they mean."""

from __future__ import annotations

from pathlib import Path

from server.config.history_spec import PostgresSpec
from server.history.sqlite_store import SqliteStore
from server.history.store import HistoryStore, StoreError


def open_store(postgres: PostgresSpec | None, file: Path) -> HistoryStore:
    """The store, ready to be written; the embedded one without a database. Raises StoreError."""
    return _opened(postgres, file, read_only=False)


def open_to_read(postgres: PostgresSpec | None, file: Path) -> HistoryStore:
    """A store that another process may be writing. Raises StoreError, also where there is none yet."""
    return _opened(postgres, file, read_only=True)


def _opened(postgres: PostgresSpec | None, file: Path, *, read_only: bool) -> HistoryStore:
    if postgres is None:
        return SqliteStore(file, read_only=read_only)
    try:
        from server.history.postgres_store import PostgresStore
    except ImportError as error:
        raise StoreError(f"PostgreSQL needs the extra postgres: pip install 'uatwin[postgres]' ({error})") from error
    return PostgresStore(postgres, read_only=read_only)
