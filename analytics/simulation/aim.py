"""What the plant file says is to be reached on a twin: objective, variables and constraints of its optimisation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Aim:
    """In the words of OptimizeSetpoints, whose arguments it stands in for where they are empty. objective: "" is the
    electric energy of everything below. variables: names, with bounds where they are narrower than the plant's
    ("Pump1/SpeedSetpoint 1200..2800"). constraints: "Chiller/LeavingWaterTemperature <= 9". horizon_s: 0 is the steady
    state."""

    objective: str = ""
    variables: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    horizon_s: float = 0.0
