"""Conditions: what rules find and operators do, shelving over time, reloads, and a restart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from server.alarms.conditions import Conditions
from server.alarms.definitions import AlarmDefinition, AlarmType, Level, Transitions
from server.alarms.machine import Happening, Refusal
from server.alarms.state import ConditionState, Shelving
from server.alarms.state_file import StateFile, StateFileError

H = Happening
SECOND = 10_000_000
LEVEL = AlarmDefinition(
    "P/HighLevel",
    "HighLevel",
    "P",
    AlarmType.exclusive_level,
    "P/Level",
    {Level.high: 500, Level.high_high: 800},
    {Level.high: 80.0, Level.high_high: 90.0},
    longest_shelve_s=60.0,
    needs_confirm=True,
)
PUMP = AlarmDefinition("P/Tripped", "Tripped", "P", AlarmType.off_normal, "P/Run", {Level.active: 700}, normal=1.0)


@dataclass
class Clock:
    now: int = 1000 * SECOND

    def __call__(self) -> int:
        return self.now


class Watched:
    """Conditions whose clock stands unless it is moved, and what they told."""

    def __init__(self, *definitions: AlarmDefinition, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.conditions = Conditions(definitions, self.clock)
        self.told: list[tuple[str, ConditionState]] = []
        self.conditions.listen(lambda definition, state: self.told.append((definition.path, state)))

    def find(self, path: str, level: int, quality: int = 0, ticks: int = 0) -> None:
        found = Transitions(
            np.array([self.conditions.find(path)], np.int32),
            np.array([level], np.uint8),
            np.array([quality], np.uint32),
            np.array([ticks or self.clock.now], np.int64),
            np.array([85.0]),
        )
        self.conditions.apply(found, self.conditions.definitions)

    def act(self, path: str, happening: Happening, **more: object) -> int:
        number = self.conditions.find(path)
        assert number is not None
        return self.conditions.act(number, happening, "op", **more)  # type: ignore[arg-type]

    def state(self, path: str) -> ConditionState:
        return self.conditions.state(path)

    def event_id(self, path: str) -> bytes:
        return self.conditions.event_id(path, self.state(path))


def test_a_change_is_told_with_the_time_of_its_source() -> None:
    watched = Watched(LEVEL)
    watched.find(LEVEL.path, Level.high, ticks=900 * SECOND)
    ((path, state),) = watched.told
    assert (path, state.time_ticks, state.received_ticks) == (LEVEL.path, 900 * SECOND, 1000 * SECOND)
    assert (state.active_ticks, state.acked_ticks, state.severity, state.value) == (
        900 * SECOND,
        900 * SECOND,
        500,
        85.0,
    )


def test_an_event_id_is_known_for_as_long_as_the_state_it_told_of_lasts() -> None:
    """Part 9, 5.7.3: acknowledged is the state that an event reported; 5.13 for the StatusCodes."""
    watched = Watched(LEVEL, PUMP)
    watched.find(LEVEL.path, Level.high)
    first = watched.event_id(LEVEL.path)
    watched.find(LEVEL.path, 0)
    assert watched.act(LEVEL.path, H.acknowledge, event_id=first) == 0, "the state is still unacknowledged"
    assert watched.act(LEVEL.path, H.acknowledge, event_id=first) == Refusal.BadConditionBranchAlreadyAcked
    watched.find(LEVEL.path, Level.high)
    assert watched.act(LEVEL.path, H.acknowledge, event_id=first) == Refusal.BadConditionBranchAlreadyAcked
    assert watched.act(LEVEL.path, H.confirm, event_id=first) == Refusal.BadConditionBranchAlreadyConfirmed
    assert watched.act(LEVEL.path, H.comment, event_id=first, comment=("seen", "en")) == 0
    watched.find(PUMP.path, Level.active)
    for strange in (b"", b"0123456789abcdef", watched.event_id(PUMP.path), first[:-1] + b"?"):
        assert watched.act(LEVEL.path, H.acknowledge, event_id=strange) == Refusal.BadEventIdUnknown


def test_an_empty_comment_leaves_the_old_one_and_an_empty_text_with_a_locale_removes_it() -> None:
    """Part 9, 5.5.6."""
    watched = Watched(PUMP)
    watched.find(PUMP.path, Level.active)
    for given, kept in [(("look at it", "en"), "look at it"), (("", ""), "look at it"), (("", "en"), "")]:
        assert watched.act(PUMP.path, H.comment, event_id=watched.event_id(PUMP.path), comment=given) == 0
        assert watched.state(PUMP.path).comment[0] == kept
    long = ("x" * 5000, "en")
    refused = watched.act(PUMP.path, H.comment, event_id=watched.event_id(PUMP.path), comment=long)
    assert refused == Refusal.BadInvalidArgument


@pytest.mark.parametrize("shelve_s", [0.0, -1.0, 60.1, float("nan"), float("inf")])
def test_shelving_for_longer_than_allowed_is_refused(shelve_s: float) -> None:
    """Part 9, 5.8.17.4."""
    watched = Watched(LEVEL)
    assert watched.act(LEVEL.path, H.shelve, shelve_s=shelve_s) == Refusal.BadShelvingTimeOutOfRange


@pytest.mark.parametrize(("happening", "after_s"), [(H.shelve, 10), (H.shelve_once, 60)])
def test_shelving_ends_by_itself(happening: Happening, after_s: int) -> None:
    """Part 9, 5.8.17.1: after the ShelvingTime, and a one-shot shelving after MaxTimeShelved."""
    watched = Watched(LEVEL)
    assert watched.act(LEVEL.path, happening, shelve_s=10.0) == 0
    watched.clock.now += after_s * SECOND - 1
    assert watched.conditions.end_shelving() < 1.0
    assert watched.state(LEVEL.path).suppressed_or_shelved
    watched.clock.now += 1
    assert watched.conditions.end_shelving() == float("inf")
    assert watched.state(LEVEL.path).shelving is Shelving.unshelved
    assert len(watched.told) == 2


def test_a_disabled_condition_is_silent_and_begins_anew_when_enabled() -> None:
    """Part 9, 5.5.2: Retain turns False, and what evaluates it is told."""
    watched = Watched(PUMP)
    switched: list[tuple[str, bool]] = []
    watched.conditions.on_enable(lambda path, enabled: switched.append((path, enabled)))
    watched.find(PUMP.path, Level.active)
    assert watched.act(PUMP.path, H.disable) == 0
    assert not watched.told[-1][1].retain
    watched.find(PUMP.path, 0)
    watched.find(PUMP.path, Level.active)
    assert len(watched.told) == 2
    assert watched.conditions.switched() == {PUMP.path: False}
    assert watched.act(PUMP.path, H.enable) == 0
    assert not watched.state(PUMP.path).active
    assert switched == [(PUMP.path, False), (PUMP.path, True)]


def test_a_reload_keeps_the_state_of_alarms_that_stay_and_lets_go_of_the_others() -> None:
    watched = Watched(LEVEL, PUMP)
    for path in (LEVEL.path, PUMP.path):
        watched.find(path, 4 if path == LEVEL.path else 16)
    watched.act(LEVEL.path, H.acknowledge, event_id=watched.event_id(LEVEL.path))
    changed = replace(LEVEL, limits={Level.high: 70.0, Level.high_high: 90.0})
    watched.conditions.adopt([changed])
    assert watched.state(LEVEL.path).active
    assert watched.state(LEVEL.path).acked
    path, state = watched.told[-1]
    assert (path, state.retain) == (PUMP.path, False)
    watched.conditions.adopt([changed, PUMP])
    assert not watched.state(PUMP.path).acked, "an alarm that comes back is as it was"
    watched.conditions.adopt([replace(changed, limits={Level.high_high: 90.0}), PUMP])
    assert not watched.state(LEVEL.path).active, "what is no limit any more cannot be violated"
    watched.conditions.adopt([changed, replace(PUMP, enabled=False)])
    assert not watched.state(PUMP.path).enabled


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    clock = Clock()
    watched = Watched(LEVEL, PUMP, clock=clock)
    watched.conditions.restore(StateFile(tmp_path / "alarms" / "conditions.sqlite"))
    for path, level in ((LEVEL.path, Level.high_high), (PUMP.path, Level.active)):
        watched.find(path, level)
    event_id = watched.event_id(LEVEL.path)
    watched.act(LEVEL.path, H.acknowledge, event_id=event_id, comment=("on it", "en"))
    watched.act(LEVEL.path, H.shelve, shelve_s=30.0)
    watched.act(PUMP.path, H.suppress)
    watched.act(PUMP.path, H.disable)
    await watched.conditions.save()
    before = [watched.state(one.path) for one in (LEVEL, PUMP)]

    clock.now += 31 * SECOND
    again = Watched(PUMP, LEVEL, clock=clock)
    again.conditions.restore(StateFile(tmp_path / "alarms" / "conditions.sqlite"))
    assert [again.state(one.path) for one in (LEVEL, PUMP)] == before
    assert again.conditions.levels() == {LEVEL.path: Level.high_high}
    assert again.conditions.switched() == {PUMP.path: False}
    again.conditions.end_shelving()
    assert again.state(LEVEL.path).shelving is Shelving.unshelved, "its time ran out while nobody was there"
    assert again.act(LEVEL.path, H.confirm, event_id=event_id) == 0, "an EventId of before is still good"


def test_what_cannot_be_written_is_kept_for_the_next_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = StateFile(tmp_path / "conditions.sqlite")
    watched = Watched(PUMP)
    watched.conditions.restore(file)
    watched.find(PUMP.path, Level.active)
    good, file.path = file.path, tmp_path / "gone" / "x.sqlite"
    watched.conditions.close()
    watched.conditions.close()
    assert [record.message.count("is the disk full?") for record in caplog.records] == [1]
    file.path = good
    watched.conditions.close()
    assert len(StateFile(good).load()) == 1


def test_a_file_that_is_no_state_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "conditions.sqlite").write_text("not a database, but long enough to be looked at" * 30, "utf-8")
    with pytest.raises(StateFileError, match=r"conditions\.sqlite: .* move a file that is no SQLite database away"):
        StateFile(tmp_path / "conditions.sqlite")
