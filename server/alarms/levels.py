"""From channels that changed to what is active of their alarms."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from server.alarms.definitions import Level, Transitions
from server.alarms.measures import Heard
from server.alarms.timers import Events, Settings

_OUTERMOST: Final = (Level.high_high, Level.low_low, Level.high, Level.low, Level.active)
_OUTER: Final = np.array([next((bit for bit in _OUTERMOST if mask & bit), 0) for mask in range(32)], np.uint8)
"""Of each set of limits that are passed, the one that is active of an exclusive alarm."""
_SEVERITY: Final = np.uint32(30)
"""The two highest bits of a StatusCode: Good, Uncertain or Bad."""
_WAITING: Final = 2
_UNTOLD: Final = 255


class Levels:
    """What was told last of each alarm. passed: uint8[a], the limits that are passed; quality: uint8[a], 0 Good,
    1 Uncertain, 2 Bad; status: uint32[a], the newest StatusCode. exclusive: bool[a]."""

    def __init__(self, exclusive: npt.NDArray[np.bool_]) -> None:
        self.exclusive = exclusive
        self.passed = np.zeros(len(exclusive), np.uint8)
        self.quality = np.full(len(exclusive), _WAITING, np.uint8)
        self.status = np.zeros(len(exclusive), np.uint32)

    def take_over(self, old: Levels) -> None:
        """Go on from what others told."""
        count = min(len(self.passed), len(old.passed))
        for name in ("passed", "quality", "status"):
            getattr(self, name)[:count] = getattr(old, name)[:count]

    def level(self, alarm: npt.NDArray[np.intp], passed: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The Levels that are active where those limits are passed."""
        outer: npt.NDArray[np.uint8] = np.where(self.exclusive[alarm], _OUTER[passed], passed)
        return outer

    def correct(self, settings: Settings, active: npt.NDArray[np.bool_], changed: npt.NDArray[np.intp]) -> None:
        """After rules have changed: what is passed of those alarms, which is told with their next news."""
        self.passed[:] = 0
        np.bitwise_or.at(self.passed, settings.alarm[active], settings.bit[active])
        self.quality[changed] = _UNTOLD

    def told(self, settings: Settings, events: Events, heard: Heard) -> Transitions:
        """What there is to tell: alarms that are at another level now, and those whose input's quality changed."""
        self.status[heard.alarm] = heard.status
        changes = self._changes(settings, events)
        severity = (heard.status >> _SEVERITY).astype(np.uint8)
        other = (severity != self.quality[heard.alarm]) & ~np.isin(heard.alarm, changes.alarm)
        self.quality[heard.alarm] = severity
        only = heard.alarm[other]
        ticks = np.concatenate([changes.source_ticks, heard.source[other]])
        order = np.argsort(ticks, kind="stable")
        alarm = np.concatenate([changes.alarm, only])[order]
        level = np.concatenate([changes.level, self.level(only, self.passed[only])])[order]
        value = np.concatenate([changes.value, heard.shown[other]])[order]
        return Transitions(alarm.astype(np.int32), level, self.status[alarm], ticks[order], value)

    def _changes(self, settings: Settings, events: Events) -> Transitions:
        """The changes of level, by alarm and time."""
        owner, bits = settings.alarm[events.channel], settings.bit[events.channel]
        order = np.lexsort((events.ticks, owner))
        owner, ticks, value = owner[order], events.ticks[order], events.value[order]
        begins = np.r_[True, owner[1:] != owner[:-1]][: len(owner)]
        ends = np.r_[(owner[1:] != owner[:-1]) | (ticks[1:] != ticks[:-1]), True][: len(owner)]
        passed = self.passed[owner] ^ _toggled(bits[order], begins)
        level = self.level(owner, passed)[ends]
        begins = np.r_[True, owner[ends][1:] != owner[ends][:-1]][: len(level)]
        before = np.r_[np.uint8(0), level[:-1]][: len(level)]
        before[begins] = self.level(owner[ends][begins], self.passed[owner[ends][begins]])
        self.passed[owner] = passed  # of each alarm the last one counts
        new = level != before
        alarm = owner[ends][new].astype(np.int32)
        return Transitions(alarm, level[new], self.status[alarm], ticks[ends][new], value[ends][new])


def _toggled(bits: npt.NDArray[np.uint8], begins: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """The bits that differ from before the first of each run, when each entry flips its own."""
    if not len(bits):
        return bits
    flipped = np.bitwise_xor.accumulate(bits)
    before = np.r_[np.uint8(0), flipped[:-1]]
    first = np.maximum.accumulate(np.where(begins, np.arange(len(bits)), 0))
    toggled: npt.NDArray[np.uint8] = flipped ^ before[first]
    return toggled
