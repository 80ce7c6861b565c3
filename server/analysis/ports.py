"""What the methods need from other parts of the server that have functions of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from server.analysis.jobs import JobRecord
from server.analysis.managing import Asked, Outcome


class Beside(Protocol):
    """functions: those that it does itself, by name. Each raises AnalyticsError."""

    @property
    def functions(self) -> Mapping[str, Callable[[Asked], Awaitable[Outcome]]]:
        """Done by it."""
        ...

    def finish(self, job: JobRecord, own: list[Any]) -> list[Any]:
        """The own results of a function of a worker that are valid, with what it adds to them."""
        ...


class _Nothing:
    functions: Mapping[str, Callable[[Asked], Awaitable[Outcome]]] = {}

    def finish(self, job: JobRecord, own: list[Any]) -> list[Any]:
        return own


NOTHING: Final[Beside] = _Nothing()
