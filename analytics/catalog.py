"""The one list of analytics functions that the server exposes."""

from __future__ import annotations

from typing import Final

from analytics import extract
from analytics.function import Function
from analytics.managing import MANAGING

CATALOG: Final[dict[str, Function]] = {function.name: function for function in (extract.EXTRACT_FEATURES, *MANAGING)}
"""By name, in the order they are shown."""
