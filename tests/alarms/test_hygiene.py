"""Hygiene by ISA-18.2: what chatters, is fleeting, is stale, and when it is a flood."""

from __future__ import annotations

import numpy as np

from drivers.readings import TICKS_PER_SECOND, ticks_from_unix
from server.alarms.definitions import Transitions
from server.alarms.hygiene import Hygiene

START = ticks_from_unix(1.8e9)


class Rig:
    def __init__(self, alarms: int = 20) -> None:
        self.hygiene = Hygiene()
        self.now = START
        self._alarms = alarms

    def turn(self, levels: dict[int, int], after_s: float = 0.0) -> None:
        self.now += round(after_s * TICKS_PER_SECOND)
        count = len(levels)
        self.hygiene.note(
            Transitions(
                np.array([*levels], np.int32),
                np.array([*levels.values()], np.uint8),
                np.zeros(count, np.uint32),
                np.full(count, self.now),
                np.zeros(count),
            ),
            self._alarms,
            self.now,
        )


def test_only_what_becomes_active_counts() -> None:
    rig = Rig()
    for level in (4, 8, 8, 4, 0, 0, 4):
        rig.turn({3: level}, 1)
    assert rig.hygiene.total == 2
    assert rig.hygiene.per_hour(rig.now) == 2
    assert rig.hygiene.per_hour(rig.now + 3601 * TICKS_PER_SECOND) == 0
    assert rig.hygiene.active == 1


def test_three_times_in_a_minute_chatters() -> None:
    rig = Rig()
    for _ in range(2):
        rig.turn({1: 16}, 20)
        rig.turn({1: 0}, 5)
    assert not rig.hygiene.chattering(rig.now).any()
    rig.turn({1: 16}, 5)
    assert np.flatnonzero(rig.hygiene.chattering(rig.now)).tolist() == [1]
    assert not rig.hygiene.chattering(rig.now + 60 * TICKS_PER_SECOND).any()


def test_less_than_ten_seconds_is_fleeting_and_a_day_is_stale() -> None:
    rig = Rig()
    rig.turn({1: 16, 2: 16})
    rig.turn({1: 0}, 9)
    rig.turn({2: 0}, 3)
    assert rig.hygiene.fleeting == 1
    rig.turn({5: 16})
    assert not rig.hygiene.stale(rig.now + 86_399 * TICKS_PER_SECOND).any()
    assert np.flatnonzero(rig.hygiene.stale(rig.now + 86_400 * TICKS_PER_SECOND)).tolist() == [5]


def test_a_flood_begins_above_ten_and_ends_below_five_in_ten_minutes() -> None:
    rig = Rig()
    rig.turn(dict.fromkeys(range(10), 16))
    assert not rig.hygiene.flooding
    rig.turn({10: 16}, 60)
    assert (rig.hygiene.flooding, rig.hygiene.floods) == (True, 1)
    rig.turn(dict.fromkeys(range(11, 15), 16), 500)
    assert rig.hygiene.flooding, "15 within ten minutes"
    rig.turn({}, 90)
    assert rig.hygiene.flooding, "five are left"
    rig.turn({}, 20)
    assert not rig.hygiene.flooding
    assert rig.hygiene.floods == 1
