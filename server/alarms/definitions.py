"""What an alarm is, and what its rule says of it: the two things that the rules and the conditions share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag, StrEnum

import numpy as np
import numpy.typing as npt


class AlarmType(StrEnum):
    """The AlarmConditionTypes of Part 9 that uatwin has."""

    exclusive_level = "ExclusiveLevelAlarmType"
    non_exclusive_level = "NonExclusiveLevelAlarmType"
    exclusive_rate_of_change = "ExclusiveRateOfChangeAlarmType"
    exclusive_deviation = "ExclusiveDeviationAlarmType"
    off_normal = "OffNormalAlarmType"
    system_off_normal = "SystemOffNormalAlarmType"


class Level(IntFlag):
    """What is active of an alarm. Off-normal alarms know `active` only; limit alarms the four limits: of an exclusive
    one at most one at a time, of a non-exclusive one any that hold. 0: not active."""

    low_low = 1
    low = 2
    high = 4
    high_high = 8
    active = 16


@dataclass(frozen=True, slots=True)
class AlarmDefinition:
    """One alarm of one twin (or connection), worked out of a rule.

    path: the NodeId's identifier of its condition ("Cooling/Pump3/HighTemperature"), stable over restarts. owner: path
    of the twin, or "Connections/<name>". input_path: the tag whose value it watches (InputNode), "" where it watches
    an expression over several. setpoint_path: of a deviation alarm. limits: by Level, in the unit of the tag (per
    second for a rate of change; a difference for a deviation). severities: 1 to 1000 by Level. deadband: how far the
    value must come back behind a limit. on_delay_s, off_delay_s: on source timestamps. message: shown to operators; may
    hold {value}, {limit} and {unit}. needs_confirm: whether it has a ConfirmedState. longest_shelve_s: MaxTimeShelved.
    expression: of an off-normal alarm over several tags. normal: the value of the NormalState of an off-normal alarm.
    origin: name of the rule it was made from.
    """

    path: str
    name: str
    owner: str
    type: AlarmType
    input_path: str
    severities: Mapping[Level, int]
    limits: Mapping[Level, float] = field(default_factory=dict)
    setpoint_path: str = ""
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    message: str = ""
    description: str = ""
    needs_confirm: bool = False
    enabled: bool = True
    longest_shelve_s: float = 86_400.0
    normal: float | None = None
    expression: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Transitions:
    """What changed at one evaluation, as columns of n.

    alarm: int32[n], index of the definition. level: uint8[n] Levels active from now on. quality: uint32[n], StatusCode
    of the input. source_ticks: int64[n], when the change came about by the source's clock (the end of a delay
    included). value: float64[n], the value that brought it about, NaN where there is none.
    """

    alarm: npt.NDArray[np.int32]
    level: npt.NDArray[np.uint8]
    quality: npt.NDArray[np.uint32]
    source_ticks: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.alarm)
