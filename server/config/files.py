"""Files that a plant file names: where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel


def located(settings: BaseModel, folder: Path) -> BaseModel:
    """The settings with relative paths taken from a folder: that of the file in which they stand."""
    changed: dict[str, Any] = {}
    for key in settings.model_fields_set:
        value = getattr(settings, key)
        if isinstance(value, Path):
            changed[key] = folder / value
        elif isinstance(value, BaseModel):
            changed[key] = located(value, folder)
    return settings.model_copy(update=changed) if changed else settings
