"""Water as heat carrier."""

from __future__ import annotations

from typing import Any, Final

HEAT_KJ: Final = 4.19
"""Heat capacity of water between 0 and 60 degrees Celsius, kJ/(kg K)."""
GRAVITY_KN: Final = 9.81
"""Weight of a cubic metre of water."""
EVAPORATION_KJ: Final = 2450.0
"""Heat that takes a kilogramme of water at about 20 degrees Celsius away as vapour."""


def mass_flow(flow: Any) -> Any:
    """kg/s of a volume flow in m3/h."""
    return flow / 3.6


def capacity_flow(flow: Any) -> Any:
    """kW/K of a volume flow in m3/h."""
    return flow / 3.6 * HEAT_KJ
