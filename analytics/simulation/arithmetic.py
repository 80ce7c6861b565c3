"""What is made of other values: sums and ratios, for meters and key figures of systems."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from analytics.simulation.model import STEADY, MachineModel, Port, Values


def _sum(_t: float, _x: Values, u: Values, _p: Values) -> dict[str, Any]:
    return {"total": u["value"] + 0.0}


def _ratio(_t: float, _x: Values, u: Values, _p: Values) -> dict[str, Any]:
    below = u["denominator"]
    some = np.abs(below) > 1e-9
    return {"ratio": np.where(some, u["numerator"] / np.where(some, below, 1.0), 0.0)}


SUM: Final = MachineModel(
    "sum",
    "A value that is the sum of others: a meter over several machines, the flow in a header",
    STEADY,
    (Port("value", None, "What is added up"),),
    (Port("total", None, "The sum"),),
    (),
    _sum,
    cost_s=2e-6,
)

RATIO: Final = MachineModel(
    "ratio",
    "A value that is the ratio of two others: a coefficient of performance, a specific consumption; 0 where the one "
    "below is 0",
    STEADY,
    (Port("numerator", None, "Above"), Port("denominator", None, "Below")),
    (Port("ratio", None, "The ratio"),),
    (),
    _ratio,
    cost_s=2e-6,
)
