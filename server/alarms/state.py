"""What is known of one condition at one time; the state machine makes the next one from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Acking(IntEnum):
    """AckedState and ConfirmedState together: acknowledged and confirmed, neither needed; not acknowledged;
    acknowledged and not confirmed (Part 9, Annex B.1.2)."""

    settled = 0
    unacked = 1
    unconfirmed = 2


class Shelving(IntEnum):
    """The states of the ShelvedStateMachineType (Part 9, 5.8.17)."""

    unshelved = 0
    timed = 1
    one_shot = 2


@dataclass(frozen=True, slots=True)
class ConditionState:
    """Times are ticks (100 ns since 1601, UTC), 0 for never.

    level, level_before: Levels violated now and before the last change of them; level_ticks: when each of low_low,
    low, high and high_high last changed, effective_ticks: when any did. value: of the input at the last change the rule
    told of. comment: text and locale. event: number of its last event, raised: of the one that must be acknowledged or
    was; numbers rise, and are at least the time of the event. time_ticks, received_ticks: Time and ReceiveTime of the
    last event. shelved_from: the state before the last shelving or unshelving; unshelve_ticks: when it ends by itself.
    """

    enabled: bool = True
    active: bool = False
    acking: Acking = Acking.settled
    shelving: Shelving = Shelving.unshelved
    suppressed: bool = False
    out_of_service: bool = False
    level: int = 0
    level_before: int = 0
    severity: int = 1
    last_severity: int = 0
    quality: int = 0
    value: float = float("nan")
    comment: tuple[str, str] = ("", "")
    user: str = ""
    event: int = 0
    raised: int = 0
    time_ticks: int = 0
    received_ticks: int = 0
    shelved_from: Shelving = Shelving.unshelved
    unshelve_ticks: int = 0
    enabled_ticks: int = 0
    active_ticks: int = 0
    effective_ticks: int = 0
    acked_ticks: int = 0
    confirmed_ticks: int = 0
    shelved_ticks: int = 0
    suppressed_ticks: int = 0
    service_ticks: int = 0
    quality_ticks: int = 0
    severity_ticks: int = 0
    comment_ticks: int = 0
    level_ticks: tuple[int, ...] = (0, 0, 0, 0)

    @property
    def acked(self) -> bool:
        """AckedState."""
        return self.acking != Acking.unacked

    @property
    def confirmed(self) -> bool:
        """ConfirmedState."""
        return self.acking != Acking.unconfirmed

    @property
    def retain(self) -> bool:
        """Whether a client that synchronises has to know of it (Part 9, 5.5.2 and Annex B.1)."""
        return self.enabled and (self.active or self.acking != Acking.settled)

    @property
    def suppressed_or_shelved(self) -> bool:
        """Whether it is hidden from operators in any of the three ways (Part 9, 5.8.2)."""
        return self.suppressed or self.out_of_service or self.shelving != Shelving.unshelved
