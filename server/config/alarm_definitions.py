"""What an alarm is, and what its rule says of it, once the plant file is worked out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag, StrEnum


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


class Kind(StrEnum):
    """What a rule looks at."""

    limits = "limits"
    rate_of_change = "rate_of_change"
    deviation = "deviation"
    state = "state"
    no_signal = "no_signal"
    expression = "expression"
    quality = "quality"


class OnBad(StrEnum):
    """What happens to a running delay while its input has no usable value."""

    hold = "hold"
    reset = "reset"


@dataclass(frozen=True, slots=True)
class AlarmDefinition:
    """One alarm of one twin (or connection), worked out of a rule.

    path: the NodeId's identifier of its condition ("Cooling/Pump3/HighTemperature"), stable over restarts. owner: path
    of the twin, or "Connections/<name>". input_path: the tag whose value it watches (InputNode), "" where it watches
    an expression over several. setpoint_path: of a deviation alarm. limits: by Level, in the unit of the tag (per
    second for a rate of change; a difference for a deviation). severities: 1 to 1000 by Level. deadband: how far the
    value must come back behind a limit. on_delay_s, off_delay_s: on source timestamps. message: shown to operators; may
    hold {value}, {limit} and {unit}. needs_confirm: whether it has a ConfirmedState. longest_shelve_s: MaxTimeShelved.
    expression: of an off-normal alarm over several tags; names in it stand for the tags of `inputs`. normal: the value
    of the NormalState of an off-normal alarm. origin: name of the rule it was made from.

    kind: what the rule looks at. inputs: tag paths by the names in the expression. abnormal: the value that is the
    alarm, where all others are normal. window_s: over which a rate of change is taken. no_signal_s: the longest
    silence. qualities: names of the `DataQuality` problems that are the alarm. on_bad: see OnBad. cause, consequence,
    response: what operators are told. at_run_time: added by a client, not in the plant file.
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
    kind: Kind = Kind.limits
    inputs: Mapping[str, str] = field(default_factory=dict)
    abnormal: float | None = None
    window_s: float = 0.0
    no_signal_s: float = 0.0
    qualities: tuple[str, ...] = ()
    on_bad: OnBad = OnBad.hold
    cause: str = ""
    consequence: str = ""
    response: str = ""
    at_run_time: bool = False

    @property
    def tags(self) -> tuple[str, ...]:
        """Paths of all tags it looks at, the watched one first."""
        watched = (self.input_path, self.setpoint_path, *self.inputs.values())
        return tuple(dict.fromkeys(path for path in watched if path))
