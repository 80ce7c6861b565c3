"""Limits with deadband and delays, by column: each limit of each alarm is a channel with its own timer.

Time is the source's: from the newest value of an alarm on, its source's clock is taken to go on as the server's does.
So a delay runs out although an unchanged value is not sent again, and late values count by their own timestamps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from server.alarms.measures import Floats, Heard, Indices, Ticks

Bools = npt.NDArray[np.bool_]
_CARRIED: Final = ("raw", "active", "since")


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """n channels that changed. ticks: when, by the source's clock. value: of their alarms then."""

    channel: Indices
    ticks: Ticks
    value: Floats

    def __len__(self) -> int:
        return len(self.channel)

    @staticmethod
    def concat(parts: list[Events]) -> Events:
        """All of them as one."""
        return Events(
            np.concatenate([part.channel for part in parts]),
            np.concatenate([part.ticks for part in parts]),
            np.concatenate([part.value for part in parts]),
        )


@dataclass(slots=True, eq=False)
class Settings:
    """What c channels are. alarm: intp[c]. bit: uint8[c], the Level. sign: 1 for limits above, -1 below. limit,
    deadband: float64[c], both times sign. on, off: int64[c], delays in ticks. resets: bool[c], OnBad.reset."""

    alarm: Indices
    bit: npt.NDArray[np.uint8]
    sign: Floats
    limit: Floats
    deadband: Floats
    on: Ticks
    off: Ticks
    resets: Bools

    def __len__(self) -> int:
        return len(self.alarm)


def crossed(x: Floats, limit: Floats, deadband: Floats) -> tuple[Bools, Bools]:
    """Where x is beyond the limit, and where it is back behind it by the deadband; x and limit times sign."""
    return x > limit, x <= limit - deadband


class Timers:
    """The channels of all alarms. raw: the limit is passed; active: it has been for long enough; since: source ticks
    of the last change of raw, moved by what did not count."""

    def __init__(self, settings: Settings, alarms: int) -> None:
        channels = len(settings)
        self.settings = settings
        self.raw = np.zeros(channels, np.bool_)
        self.active = np.zeros(channels, np.bool_)
        self.since = np.zeros(channels, np.int64)
        self.usable = np.zeros(alarms, np.bool_)
        self.source = np.zeros(alarms, np.int64)
        self.server = np.zeros(alarms, np.int64)
        self.held_at = np.zeros(alarms, np.int64)
        self.shown = np.full(alarms, np.nan)

    def take_over(self, old: Timers, same: Bools) -> None:
        """Go on where other timers stood. same: bool[alarms], which alarms have not changed; of the others only what
        is active stays."""
        count = min(len(same), len(old.usable))
        kept = np.flatnonzero(same[:count])
        for name in ("usable", "source", "server", "held_at", "shown"):
            getattr(self, name)[kept] = getattr(old, name)[kept]
        _, mine, theirs = np.intersect1d(_keys(self.settings), _keys(old.settings), return_indices=True)
        self.active[mine] = self.raw[mine] = old.active[theirs]
        kept_channel = same[self.settings.alarm[mine]]
        for name in _CARRIED:
            getattr(self, name)[mine[kept_channel]] = getattr(old, name)[theirs[kept_channel]]

    def forget(self, alarm: int) -> None:
        """An alarm begins anew, not active."""
        own = self.settings.alarm == alarm
        self.raw[own] = self.active[own] = False
        self.usable[alarm] = False

    def assume(self, alarm: int, level: int) -> None:
        """An alarm is active in these Levels, until its next value tells otherwise."""
        own = self.settings.alarm == alarm
        self.active[own] = self.raw[own] = (self.settings.bit[own] & level) != 0

    def take(self, heard: Heard) -> Events:
        """Take in news; the channels whose delay had run out before. `due` tells what they lead to by now."""
        fresh = np.zeros(len(self.usable), np.bool_)
        fresh[heard.alarm] = True
        position = np.zeros(len(self.usable), np.intp)
        position[heard.alarm] = np.arange(len(heard))
        channels = np.flatnonzero(fresh[self.settings.alarm])
        news = position[self.settings.alarm[channels]]
        until = self._until(heard)
        events = self._run_out(channels, until[news])
        self._hold(channels, news, heard, until)
        self._compare(channels, news, heard)
        alarm = heard.alarm[heard.usable]
        self.source[alarm], self.server[alarm] = heard.source[heard.usable], heard.server[heard.usable]
        self.shown[alarm] = heard.shown[heard.usable]
        self.usable[heard.alarm] = heard.usable
        return events

    def due(self, now: int, enabled: Bools) -> Events:
        """The channels whose delay has run out by now (server ticks)."""
        pending = np.flatnonzero(self.raw != self.active)
        alarm = self.settings.alarm[pending]
        pending = pending[self.usable[alarm] & enabled[alarm]]
        alarm = self.settings.alarm[pending]
        return self._run_out(pending, self.source[alarm] + np.maximum(now - self.server[alarm], 0))

    def _until(self, heard: Heard) -> Ticks:
        """The source time up to which the last value held: that of the next, or where the next is none, or the
        source's clock was set back, what the source's clock showed by the server's."""
        alarm = heard.alarm
        elapsed = self.source[alarm] + np.maximum(heard.server - self.server[alarm], 0)
        ahead = heard.usable & (heard.source >= self.source[alarm])
        return np.where(ahead, heard.source, elapsed)

    def _run_out(self, channels: Indices, until: Ticks) -> Events:
        settings, raw = self.settings, self.raw[channels]
        delay = np.where(raw, settings.on[channels], settings.off[channels])
        end = self.since[channels] + delay
        ready = (raw != self.active[channels]) & self.usable[settings.alarm[channels]] & (end <= until)
        done = channels[ready]
        self.active[done] = self.raw[done]
        return Events(done, end[ready], self.shown[settings.alarm[done]])

    def _hold(self, channels: Indices, news: Indices, heard: Heard, until: Ticks) -> None:
        """Stop the timers of alarms without a usable value, let them go on where there is one again, and follow a
        source whose clock was set back."""
        was, is_now = self.usable[heard.alarm], heard.usable
        lost, found = was & ~is_now, ~was & is_now
        self.held_at[heard.alarm[lost]] = until[lost]
        resets = channels[lost[news] & self.settings.resets[channels]]
        self.raw[resets] = self.active[resets]
        moved = np.zeros(len(heard), np.int64)
        moved[found] = heard.source[found] - self.held_at[heard.alarm[found]]
        back = was & is_now & (heard.source < until)
        moved[back] = heard.source[back] - until[back]
        shift = moved[news]
        self.since[channels[shift != 0]] += shift[shift != 0]

    def _compare(self, channels: Indices, news: Indices, heard: Heard) -> None:
        usable = heard.usable[news]
        channels, news = channels[usable], news[usable]
        settings, raw = self.settings, self.raw[channels]
        on, off = crossed(
            heard.x[news] * settings.sign[channels], settings.limit[channels], settings.deadband[channels]
        )
        new = on | (raw & ~off)
        flipped = new != raw
        self.raw[channels] = new
        self.since[channels[flipped]] = heard.source[news[flipped]]


def _keys(settings: Settings) -> npt.NDArray[np.int64]:
    """One number for each channel: alarm and bit."""
    return settings.alarm.astype(np.int64) * 256 + settings.bit
