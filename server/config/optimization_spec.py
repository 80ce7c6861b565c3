"""What `optimization` of a type or twin may hold: what is to be reached, by which commands, within which limits, by
whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field, Strict

from server.config.checking import Loc
from server.config.spec import Spec

Number = Annotated[float, Field(allow_inf_nan=False)]
Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Strict(False)]
SHORTEST_S: Final = 10.0
"""An optimisation takes seconds, and the plant takes longer to follow it."""


class LimitSpec(Spec):
    """Between which values the server itself may set a command, and how far at once."""

    low: Number = Field(description="Lowest value that the server itself may set, in the unit of the command.")
    high: Number = Field(description="Highest value that the server itself may set.")
    step: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(description="Largest change at once.")


class OptimizationSpec(Spec):
    """How the setpoints of a twin are optimised."""

    mode: Literal["advisory", "supervised", "autonomous"] = Field(
        default="advisory",
        description="advisory: proposals only; supervised: operators apply them; autonomous: the server does, within "
        "limits.",
    )
    objective: str = Field(default="", description="What is to be least. Default: the electric energy of all below.")
    variables: Texts = Field(
        default=(),
        description='Commands that may be changed, with bounds where narrower ones hold: "Pump1/SpeedSetpoint '
        '1200..2800". Default: all that feed models.',
    )
    constraints: Texts = Field(
        default=(), description='What must hold, such as "Chiller/LeavingWaterTemperature <= 9".'
    )
    horizon_s: Annotated[float, Field(ge=0, le=31_536_000)] = Field(
        default=0.0, description="How far ahead it is looked, seconds; 0: at the steady state."
    )
    every_s: Annotated[float, Field(ge=0, le=31_536_000)] = Field(
        default=0.0, description="How often the server itself asks, seconds; 0: never. Needed for autonomous."
    )
    limits: dict[str, LimitSpec] = Field(
        default_factory=dict, description="What the server itself may do, by command; needed for autonomous."
    )


def optimization_rules(spec: OptimizationSpec) -> Iterator[tuple[Loc, str]]:
    """Where it contradicts itself. What is missing may stand in the type or in the twin: see `optimization_wiring`."""
    for name, limit in spec.limits.items():
        if not limit.low < limit.high:
            yield (
                ("limits", name),
                f"from {limit.low:g} to {limit.high:g} is upside down; low is less than high",
            )
        elif limit.step > limit.high - limit.low:
            yield (
                ("limits", name, "step"),
                f"a step of {limit.step:g} is wider than the limits; at most {limit.high - limit.low:g}",
            )
    if 0.0 < spec.every_s < SHORTEST_S:
        yield ("every_s",), f"every {spec.every_s:g} s is too often; {SHORTEST_S:g} s or more, or 0 for never"
