"""What is told about optimisation: to the log, and to clients as events."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_log = logging.getLogger(__name__)
TOLD: Final = 100
REFUSED: Final = 400
FELL_BACK: Final = 600
LEFT_HALF: Final = 900


@dataclass(frozen=True, slots=True)
class Notice:
    """twin: its path. severity: 1 to 1000 (Part 5, 6.4.2). message: a sentence."""

    twin: str
    severity: int
    message: str


Listener = Callable[[Notice], None]


class Notices:
    """Tells everybody who listens."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def on(self, listener: Listener) -> None:
        """Call listener(notice) for each. It must not raise."""
        self._listeners.append(listener)

    def tell(self, twin: str, severity: int, message: str) -> None:
        """Tell something."""
        _log.log(logging.INFO if severity <= TOLD else logging.WARNING, "%s: %s", twin, message)
        for listener in self._listeners:
            listener(Notice(twin, severity, message))
