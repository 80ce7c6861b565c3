"""From the settings to the store they mean."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path

from server.config.history import HistorySettings
from server.history.sqlite_store import SqliteStore
from server.history.store import HistoryStore


def file_of(settings: HistorySettings, plant_name: str) -> Path:
    """The file of the embedded store."""
    return settings.path or user_data_path("uatwin") / "history" / f"{plant_name}.sqlite"


def open_store(settings: HistorySettings, plant_name: str) -> HistoryStore:
    """The store, ready. Raises StoreError."""
    return SqliteStore(file_of(settings, plant_name))
