"""What an analytics method looks like to a client; the caller of TwinSpace says which ones a twin has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from analytics.function import Access
from server.config.plant import Twin

SCALAR: Final = -1
ONE_DIMENSION: Final = 1


@dataclass(frozen=True, slots=True)
class Argument:
    """An input or output argument. data_type: numeric id of a built-in type (Part 6, 5.1.2); value_rank: SCALAR or
    ONE_DIMENSION (Part 3, 5.6.2); unit: UNECE common code, shown in the description, for an OPC UA Argument has no
    other place for it."""

    name: str
    data_type: int
    value_rank: int = SCALAR
    description: str = ""
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class MethodView:
    """A method under `Analytics` of a twin. access: who may call it."""

    name: str
    description: str
    arguments: tuple[Argument, ...] = ()
    results: tuple[Argument, ...] = ()
    access: Access = Access.read


AnalyticsMethods = Callable[[Twin], Sequence[MethodView]]
"""Which methods a twin has; always the same answer for the same twin."""
