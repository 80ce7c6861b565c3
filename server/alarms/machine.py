"""The state machine of one condition (Part 9, 5.5 to 5.8): tables of what happens when, and the step that applies them.

Pure: no clock, no identity, no I/O. A condition is in one state of each region; the regions are independent, so that a
table per region says it all. An entry leads to the next state or refuses the event; what has no entry changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Any, Final

from server.alarms.definitions import Level
from server.alarms.state import Acking, ConditionState, Shelving


class Refusal(IntEnum):
    """Why a method does nothing: the StatusCodes of Part 9, 5.13, and of Part 4 where it has none of its own."""

    BadInvalidArgument = 0x80AB0000
    BadConditionAlreadyDisabled = 0x80980000
    BadConditionDisabled = 0x80990000
    BadEventIdUnknown = 0x809A0000
    BadConditionAlreadyEnabled = 0x80CC0000
    BadConditionBranchAlreadyAcked = 0x80CF0000
    BadConditionBranchAlreadyConfirmed = 0x80D00000
    BadConditionAlreadyShelved = 0x80D10000
    BadConditionNotShelved = 0x80D20000
    BadShelvingTimeOutOfRange = 0x80D30000


class Happening(StrEnum):
    """What can happen to a condition. The first four come from its rule: a limit is newly violated, a violation gets
    less severe, all is normal again, nothing but the quality of the input has changed."""

    raised = "raised"
    eased = "eased"
    cleared = "cleared"
    quality = "quality"
    enable = "enable"
    disable = "disable"
    acknowledge = "acknowledge"
    confirm = "confirm"
    comment = "comment"
    shelve = "shelve"
    shelve_once = "shelve_once"
    unshelve = "unshelve"
    shelving_over = "shelving_over"
    suppress = "suppress"
    unsuppress = "unsuppress"
    remove = "remove"
    place = "place"


H: Final = Happening
FROM_RULE: Final = frozenset({H.raised, H.eased, H.cleared, H.quality})
_OF_DISABLED: Final = frozenset({H.enable, H.disable, H.shelving_over})
Table = Mapping[tuple[int, Happening], int | Refusal]

ENABLED: Final[Table] = {
    (False, H.enable): True,
    (True, H.enable): Refusal.BadConditionAlreadyEnabled,
    (True, H.disable): False,
    (False, H.disable): Refusal.BadConditionAlreadyDisabled,
    **{(False, one): Refusal.BadConditionDisabled for one in H if one not in {*FROM_RULE, *_OF_DISABLED}},
}
ACTIVE: Final[Table] = {
    (False, H.raised): True,
    (True, H.cleared): False,
}
_ACKING: Final[Table] = {
    (Acking.settled, H.raised): Acking.unacked,
    (Acking.unconfirmed, H.raised): Acking.unacked,
    (Acking.settled, H.acknowledge): Refusal.BadConditionBranchAlreadyAcked,
    (Acking.unconfirmed, H.acknowledge): Refusal.BadConditionBranchAlreadyAcked,
    (Acking.settled, H.confirm): Refusal.BadConditionBranchAlreadyConfirmed,
    (Acking.unacked, H.confirm): Refusal.BadConditionBranchAlreadyConfirmed,
    (Acking.unconfirmed, H.confirm): Acking.settled,
}
ACKING: Final[Mapping[bool, Table]] = {
    False: {**_ACKING, (Acking.unacked, H.acknowledge): Acking.settled},
    True: {**_ACKING, (Acking.unacked, H.acknowledge): Acking.unconfirmed},
}
"""By whether the condition has a ConfirmedState."""
SHELVING: Final[Table] = {
    (Shelving.unshelved, H.shelve): Shelving.timed,
    (Shelving.unshelved, H.shelve_once): Shelving.one_shot,
    (Shelving.unshelved, H.unshelve): Refusal.BadConditionNotShelved,
    (Shelving.timed, H.shelve): Refusal.BadConditionAlreadyShelved,
    (Shelving.timed, H.shelve_once): Shelving.one_shot,
    (Shelving.timed, H.unshelve): Shelving.unshelved,
    (Shelving.timed, H.shelving_over): Shelving.unshelved,
    (Shelving.one_shot, H.shelve): Shelving.timed,
    (Shelving.one_shot, H.shelve_once): Refusal.BadConditionAlreadyShelved,
    (Shelving.one_shot, H.unshelve): Shelving.unshelved,
    (Shelving.one_shot, H.shelving_over): Shelving.unshelved,
    (Shelving.one_shot, H.cleared): Shelving.unshelved,
}
SUPPRESSED: Final[Table] = {(False, H.suppress): True, (True, H.unsuppress): False}
OUT_OF_SERVICE: Final[Table] = {(False, H.remove): True, (True, H.place): False}


@dataclass(frozen=True, slots=True)
class Traits:
    """What of a definition the state machine has to know. severities: by Level."""

    needs_confirm: bool
    severities: Mapping[Level, int]

    def severity(self, level: int) -> int:
        """That of the worst of the limits that are violated."""
        return max((severity for one, severity in self.severities.items() if one & level), default=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What comes with a happening. now: by the server's clock; ticks: when it happened (for those of the rule, by the
    source's clock). level, quality, value: of the rule. user, comment (text and locale, None to keep the old one): of
    a method. unshelve_ticks: when shelving is to end by itself."""

    now: int
    ticks: int
    level: int = 0
    quality: int = 0
    value: float = float("nan")
    user: str | None = None
    comment: tuple[str, str] | None = None
    unshelve_ticks: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Where a happening leads: the state, the StatusCode for its caller, and whether clients are to be told."""

    state: ConditionState
    status: int = 0
    notify: bool = True


def happening_of(old: int, new: int) -> Happening:
    """What it means that a rule finds other Levels violated than before."""
    if new == old:
        return H.quality
    if not new:
        return H.cleared
    eased = (Level.high if old & Level.high_high else 0) | (Level.low if old & Level.low_low else 0)
    return H.raised if new & ~old & ~eased else H.eased


def step(traits: Traits, state: ConditionState, happening: Happening, told: Told) -> Step:
    """Let it happen: the next state, or the same one and the reason for the refusal."""
    changed: dict[str, Any] = {}
    for region, table in _regions(traits):
        outcome = table.get((getattr(state, region), happening))
        if isinstance(outcome, Refusal):
            return Step(state, outcome, notify=False)
        if outcome is not None:
            changed[region] = outcome
    if not state.enabled and happening in FROM_RULE:
        return Step(state, notify=False)
    if happening is H.disable and state.level:  # nobody looks any more: once enabled, it is evaluated anew (5.5.2)
        changed |= {"active": False, **_level_data(traits, state, told)}
    _add_data(changed, traits, state, happening, told)
    if not changed:
        return Step(state, notify=False)
    event = max(told.now, state.event + 1)
    changed |= _times(state, changed, told.ticks)
    if changed.get("acking") == Acking.unacked:
        changed["raised"] = event
    new = replace(state, **changed, event=event, time_ticks=told.ticks, received_ticks=told.now)
    return Step(new, notify=new.enabled or happening is H.disable)


def _regions(traits: Traits) -> tuple[tuple[str, Table], ...]:
    """A disabled condition refuses before anything else is looked at."""
    return (
        ("enabled", ENABLED),
        ("active", ACTIVE),
        ("acking", ACKING[traits.needs_confirm]),
        ("shelving", SHELVING),
        ("suppressed", SUPPRESSED),
        ("out_of_service", OUT_OF_SERVICE),
    )


def _add_data(changed: dict[str, Any], traits: Traits, state: ConditionState, happening: Happening, told: Told) -> None:
    if happening in FROM_RULE:
        if told.level != state.level:
            changed |= _level_data(traits, state, told)
        if told.quality != state.quality:
            changed |= {"quality": told.quality, "quality_ticks": told.ticks}
        if changed:
            changed["value"] = told.value
    if told.comment is not None:
        changed |= {"comment": told.comment, "comment_ticks": told.ticks}
    if told.user is not None and changed:
        changed["user"] = told.user
    if "shelving" in changed:
        changed |= {"shelved_from": state.shelving, "unshelve_ticks": told.unshelve_ticks}


def _level_data(traits: Traits, state: ConditionState, told: Told) -> dict[str, Any]:
    """The levels and what depends on them. An alarm that has cleared keeps the severity it had."""
    flipped = told.level ^ state.level
    at = tuple(told.ticks if flipped & 1 << bit else ticks for bit, ticks in enumerate(state.level_ticks))
    data: dict[str, Any] = {
        "level": told.level,
        "level_before": state.level,
        "level_ticks": at,
        "effective_ticks": told.ticks,
    }
    severity = traits.severity(told.level) if told.level else state.severity
    if severity != state.severity:
        data |= {"severity": severity, "last_severity": state.severity, "severity_ticks": told.ticks}
    return data


def _times(state: ConditionState, changed: Mapping[str, Any], ticks: int) -> dict[str, int]:
    """TransitionTimes of what has changed."""
    acking = changed.get("acking", state.acking)
    moved = {
        "enabled_ticks": "enabled" in changed,
        "active_ticks": changed.get("active", state.active) != state.active,
        "acked_ticks": (acking == Acking.unacked) != (state.acking == Acking.unacked),
        "confirmed_ticks": (acking == Acking.unconfirmed) != (state.acking == Acking.unconfirmed),
        "shelved_ticks": "shelving" in changed,
        "suppressed_ticks": "suppressed" in changed,
        "service_ticks": "out_of_service" in changed,
    }
    return {name: ticks for name, has_moved in moved.items() if has_moved}
