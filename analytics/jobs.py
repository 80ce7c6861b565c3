"""The functions a worker runs, by name; it runs nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from analytics import extract

JOBS: Final[dict[str, Callable[..., Any]]] = {"ExtractFeatures": extract.run}
