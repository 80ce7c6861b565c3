"""What an analytics function is to the server: its name, arguments, results, and how a call is planned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from analytics.arguments import Answer, Context, Fleet, Job

SCALAR: Final = -1
ONE_DIMENSION: Final = 1
"""ValueRanks of OPC UA Part 3, 5.6.2."""


class ArgumentType(IntEnum):
    """OPC UA built-in types, by their numeric id. A NodeId is given and told as the path of a node."""

    Boolean = 1
    Int32 = 6
    UInt32 = 7
    Double = 11
    String = 12
    DateTime = 13
    ByteString = 15
    NodeId = 17


class Access(IntEnum):
    """Who may call a function: all who may read, operators too, or only who changes how the plant is judged."""

    read = 0
    operate = 1
    engineer = 2


@dataclass(frozen=True, slots=True)
class Argument:
    """An input argument or a result. unit: UNECE common code."""

    name: str
    data_type: ArgumentType
    value_rank: int = SCALAR
    description: str = ""
    unit: str | None = None


COMMON: Final = (
    Argument("Valid", ArgumentType.Boolean, description="Whether the results before it mean anything"),
    Argument("Reason", ArgumentType.String, description="Why they do not, or what is to be kept in mind"),
    Argument("ModelId", ArgumentType.String, description="Model that computed it; empty where none did"),
    Argument(
        "DataQuality",
        ArgumentType.Double,
        description="Share of Good readings in what it was computed from; NaN where nothing was read",
        unit="P1",
    ),
    Argument(
        "JobId", ArgumentType.NodeId, description="The job whose Result these results will be; null: here they are"
    ),
)
"""The last results of every function. The function itself tells the first two, the server the others."""


def with_signals(context: Context) -> bool:
    """Every twin with numeric telemetry, its own or of those below it."""
    return bool(context.signals)


@dataclass(frozen=True, slots=True)
class Function:
    """An analytics function, a method under Analytics of a twin.

    plan(arguments, context) checks the input arguments and returns the Job whose results, run in a worker with the
    series of its signals, are those of the method in the order of `own`, then valid and reason; or an Answer with
    just these, where nothing has to be read or computed; or a Fleet, for the same on many twins. It is pure and
    quick, and raises ArgumentError, or NotAvailable where this twin cannot be answered now. DateTime arguments may
    be datetimes or ticks; DateTime results are ticks (int64). plan None: the server itself does it, for it is about
    models and labels.

    own: the results that are its own. needs(context) says whether a twin has the method, from what never changes while
    the plant does not: twin, scope, parts, signals and about.
    """

    name: str
    description: str
    arguments: tuple[Argument, ...]
    own: tuple[Argument, ...]
    plan: Callable[[Sequence[object], Context], Job | Answer | Fleet] | None
    needs: Callable[[Context], bool] = with_signals
    access: Access = Access.read

    @property
    def results(self) -> tuple[Argument, ...]:
        """All results, in their order."""
        return (*self.own, *COMMON)

    def nothing(self) -> tuple[Any, ...]:
        """What `own` holds when there is no result: empty arrays and texts, NaN, 0, null times, False."""
        return tuple(_nothing(one) for one in self.own)


_NOTHING: Final[dict[ArgumentType, Any]] = {
    ArgumentType.Boolean: False,
    ArgumentType.Int32: 0,
    ArgumentType.UInt32: 0,
    ArgumentType.Double: float("nan"),
    ArgumentType.String: "",
    ArgumentType.DateTime: 0,
    ArgumentType.ByteString: b"",
    ArgumentType.NodeId: "",
}


def _nothing(of: Argument) -> Any:
    return [] if of.value_rank == ONE_DIMENSION else _NOTHING[of.data_type]
