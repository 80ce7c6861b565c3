"""What TrainModel asks of the code that trains models of one kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from analytics.arguments import Context
from analytics.function import with_signals
from analytics.models import Label, LabelKind, Trained

KIND, SIGNALS, CONTEXT_SIGNALS, START, END, EXCLUDE, OPTIONS = range(7)
"""The arguments of TrainModel, for ArgumentError."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something a trainer can be told: "name=value". The type of the default is that of the value; lowest, highest: of
    a number; choices: of a text."""

    default: float | int | bool | str
    description: str
    lowest: float = float("-inf")
    highest: float = float("inf")
    choices: tuple[str, ...] = ()


def after_maintenance(labels: Sequence[Label]) -> int | None:
    """When the last maintenance ended; None where there was none: then all there is counts."""
    return max((one.end_ticks for one in labels if one.kind is LabelKind.maintenance), default=None)


@dataclass(frozen=True, slots=True)
class Trainer:
    """How models of one kind are trained.

    run(series, context_signals=tuple of names, start_ticks, end_ticks, exclude=tuple of (start, end) in ticks, labels=
    tuple of Label, progress, and its options by keyword, lower case) is called in the worker and gives a Trained; it
    raises NotAvailable where the data do not suffice, with what would, and ArgumentError with an index of above. Its
    module imports heavy libraries only inside of it. least_signals: fewer make no model. needs: which twins can have
    one. baseline: whether it knows normal operation, which is another after maintenance: then it is invalid after the
    next one. since: from when on it is trained where Start is left open. pieces: see `Job`.
    """

    kind: str
    description: str
    run: Callable[..., Trained]
    options: Mapping[str, Option] = field(default_factory=dict)
    least_signals: int = 1
    needs: Callable[[Context], bool] = with_signals
    baseline: bool = True
    since: Callable[[Sequence[Label]], int | None] = after_maintenance
    pieces: int = 0
