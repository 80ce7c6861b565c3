"""The one list of analytics functions that the server exposes: name, arguments, results, and how a call is planned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from analytics import extract
from analytics.arguments import Context, Job

SCALAR: Final = -1
ONE_DIMENSION: Final = 1
"""ValueRanks of OPC UA Part 3, 5.6.2."""


class ArgumentType(IntEnum):
    """OPC UA built-in types, by their numeric id."""

    Boolean = 1
    Int32 = 6
    Double = 11
    String = 12
    DateTime = 13


@dataclass(frozen=True, slots=True)
class Argument:
    """An input argument or a result. unit: UNECE common code."""

    name: str
    data_type: ArgumentType
    value_rank: int = SCALAR
    description: str = ""
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """An analytics function, a method under Analytics of a twin.

    plan(arguments, context) checks the input arguments and returns the Job whose results, run in a worker with the
    series of its signals, are those of the method in the order of `results`; raises ArgumentError. DateTime arguments
    may be datetimes or ticks; DateTime results are ticks (int64).
    """

    name: str
    description: str
    arguments: tuple[Argument, ...]
    results: tuple[Argument, ...]
    plan: Callable[[Sequence[object], Context], Job]


EXTRACT_FEATURES: Final = Function(
    "ExtractFeatures",
    "Statistical features of signals over windows of the recent past",
    (
        Argument(
            "Signals",
            ArgumentType.String,
            ONE_DIMENSION,
            "Paths below this twin, such as DriveEndBearing/Vibration; empty: all numeric telemetry of this twin and "
            "of the twins below it",
        ),
        Argument("Start", ArgumentType.DateTime, description="Null: as far back as the memory reaches"),
        Argument("End", ArgumentType.DateTime, description="Null: now"),
        Argument("Window", ArgumentType.Double, description="Length of a window; 0: one window, all of it", unit="SEC"),
        Argument("Step", ArgumentType.Double, description="From one window to the next; 0: as Window", unit="SEC"),
        Argument(
            "FeatureSet",
            ArgumentType.String,
            description="Edge (quick), Minimal, Efficient or Comprehensive (tsfresh), or names of features with commas "
            "between them; empty: Edge",
        ),
    ),
    (
        Argument("Names", ArgumentType.String, ONE_DIMENSION, "Features as signal__feature"),
        Argument("Times", ArgumentType.DateTime, ONE_DIMENSION, "Ends of the windows"),
        Argument(
            "Values",
            ArgumentType.Double,
            ONE_DIMENSION,
            "Row by row: Values[w * length(Names) + f] is feature f of window w; NaN where it is not defined",
        ),
        Argument("Valid", ArgumentType.Boolean, description="Whether there was anything to compute from"),
        Argument("Reason", ArgumentType.String, description="Why it is not valid, or what is missing"),
    ),
    extract.plan,
)

CATALOG: Final[dict[str, Function]] = {function.name: function for function in (EXTRACT_FEATURES,)}
