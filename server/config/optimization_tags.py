"""The Variables under Analytics that show how a twin's optimisation stands."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from drivers.data_types import DataType
from server.config.optimization import Mode
from server.config.plant import Tag

MODE: Final = "OptimizationMode"
MODE_REASON: Final = "ModeReason"
LAST_PROPOSAL: Final = "LastProposal"
POWER_SAVED: Final = "PowerSaved"
ENERGY_SAVED: Final = "EnergySaved"
ENERGY_SAVED_LOW: Final = "EnergySavedLow"
ENERGY_SAVED_HIGH: Final = "EnergySavedHigh"
_VARIABLES: Final = (
    (MODE, DataType.UInt32, "Who applies proposals: nobody, an operator, or the server itself within its limits", None),
    (MODE_REASON, DataType.String, "Why it is in this mode, since when, and what holds it up", None),
    (LAST_PROPOSAL, DataType.String, "Id of the latest proposal; GetProposal tells the rest", None),
    (POWER_SAVED, DataType.Double, "What the plant would take with the setpoints of before, less what it takes", "KWT"),
    (ENERGY_SAVED, DataType.Double, "The same added up since the first application", "KWH"),
    (ENERGY_SAVED_LOW, DataType.Double, "Lower end of its 95 % interval", "KWH"),
    (ENERGY_SAVED_HIGH, DataType.Double, "Upper end of its 95 % interval", "KWH"),
)


def optimization_tags(path: str, first_row: int, taken: Collection[str]) -> tuple[Tag, ...]:
    """The Variables of a twin with commands that models take; one whose name the plant uses itself is left out."""
    free = [one for one in _VARIABLES if f"{path}/{one[0]}" not in taken]
    return tuple(
        Tag(
            first_row + number,
            name,
            f"{path}/{name}",
            data_type,
            text,
            unit=unit,
            states=tuple(Mode) if name == MODE else (),
        )
        for number, (name, data_type, text, unit) in enumerate(free)
    )
