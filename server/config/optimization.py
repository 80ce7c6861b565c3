"""What the plant file says of a twin's optimisation, worked out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from analytics.simulation.aim import Aim
from analytics.simulation.wiring import ModelUse


class Mode(StrEnum):
    """Who applies a proposal: nobody, an operator, or the server itself. In this order the values of the Variable."""

    advisory = "advisory"
    supervised = "supervised"
    autonomous = "autonomous"


@dataclass(frozen=True, slots=True)
class Limit:
    """Between which values the server itself may set a command, and how far at once, in the unit of the command."""

    low: float
    high: float
    step: float


@dataclass(frozen=True, slots=True)
class Optimization:
    """mode: at first. aim: what stands in for the arguments of OptimizeSetpoints; its variables are all that there are.
    every_s: how often the server itself asks, 0: never. limits: by path of the command."""

    mode: Mode = Mode.advisory
    aim: Aim = field(default_factory=Aim)
    every_s: float = 0.0
    limits: Mapping[str, Limit] = field(default_factory=dict)


def commands_of(uses: Iterable[ModelUse]) -> dict[str, str]:
    """The commands that models take, by path, to the tags that they set; in the order of the models."""
    return {command: tag for use in uses for command, tag in use.commands.items()}
