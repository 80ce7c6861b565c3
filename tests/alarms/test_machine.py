"""The state machine of conditions: every state with everything that can happen, and the examples of Part 9, Annex B."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.alarms.definitions import Level
from server.alarms.machine import FROM_RULE, Happening, Refusal, Step, Told, Traits, happening_of, step
from server.alarms.state import Acking, ConditionState, Shelving

H = Happening
SEVERITIES = {Level.low_low: 900, Level.low: 400, Level.high: 500, Level.high_high: 800}
CONFIRMED, PLAIN = Traits(True, SEVERITIES), Traits(False, SEVERITIES)
STATES = [
    ConditionState(enabled, bool(level), acking, shelving, suppressed, removed, level=level, event=7, raised=5)
    for enabled, level, acking, shelving, suppressed, removed in itertools.product(
        (True, False), (0, 4, 8), Acking, Shelving, (True, False), (True, False)
    )
    if enabled or not level
]
LEVEL_OF = {H.raised: 8, H.eased: 4, H.cleared: 0, H.quality: 4}


def told(happening: Happening, state: ConditionState, now: int = 100) -> Told:
    level = LEVEL_OF.get(happening, 0) if happening is not H.quality else state.level
    return Told(now, now, level=level, quality=0x80000000 if happening is H.quality else 0, user="op")


@pytest.mark.parametrize("traits", [CONFIRMED, PLAIN], ids=["with confirm", "without"])
@pytest.mark.parametrize("happening", H)
def test_every_state_takes_whatever_happens(traits: Traits, happening: Happening) -> None:
    """Part 9, 5.5 to 5.8: refused with the state untouched, or done and told under a new event number."""
    for state in STATES:
        if happening is H.eased and not state.active:
            continue  # nothing can ease that is not there
        done = step(traits, state, happening, told(happening, state))
        if done.status:
            assert done == Step(state, done.status, notify=False)
            assert isinstance(done.status, Refusal)
            assert happening not in FROM_RULE
        elif done.notify:
            assert done.state.event == 100
            assert done.state != replace(state, event=100)
        else:
            assert not done.state.enabled or done.state == state
        assert_sound(done.state)


def assert_sound(state: ConditionState) -> None:
    """What holds of any condition."""
    assert state.active == bool(state.level)
    assert not state.retain or state.enabled
    assert state.retain == (state.enabled and (state.active or not state.acked or not state.confirmed))
    assert state.acked or state.confirmed
    assert state.raised <= state.event
    assert state.suppressed_or_shelved == (state.suppressed or state.out_of_service or state.shelving > 0)


@pytest.mark.parametrize(
    ("happening", "good", "refusal"),
    [
        (H.enable, lambda s: not s.enabled, Refusal.BadConditionAlreadyEnabled),
        (H.disable, lambda s: s.enabled, Refusal.BadConditionAlreadyDisabled),
        (H.acknowledge, lambda s: s.enabled and not s.acked, Refusal.BadConditionBranchAlreadyAcked),
        (H.confirm, lambda s: s.enabled and not s.confirmed, Refusal.BadConditionBranchAlreadyConfirmed),
        (H.shelve, lambda s: s.enabled and s.shelving is not Shelving.timed, Refusal.BadConditionAlreadyShelved),
        (H.shelve_once, lambda s: s.enabled and s.shelving < Shelving.one_shot, Refusal.BadConditionAlreadyShelved),
        (H.unshelve, lambda s: s.enabled and s.shelving > 0, Refusal.BadConditionNotShelved),
    ],
)  # fmt: skip
def test_methods_are_refused_with_the_status_of_the_standard(happening, good, refusal) -> None:
    """Part 9, 5.5.4, 5.5.5, 5.7.3, 5.7.4, 5.8.17 and 5.13."""
    for state in STATES:
        status = step(CONFIRMED, state, happening, told(happening, state)).status
        if good(state):
            assert status == 0
        else:
            disabled = not state.enabled and happening is not H.disable
            assert status == (Refusal.BadConditionDisabled if disabled else refusal)


def test_a_condition_that_keeps_its_latest_state_only_goes_the_way_of_annex_b() -> None:
    """Part 9, Annex B.1.2, Table B.1: (what happens, Active, Acked, Confirmed, Retain) row by row."""
    table = [
        (H.raised, True, False, True, True),
        (H.acknowledge, True, True, False, True),
        (H.cleared, False, True, False, True),
        (H.confirm, False, True, True, False),
        (H.raised, True, False, True, True),
        (H.cleared, False, False, True, True),
        (H.acknowledge, False, True, False, True),
        (H.confirm, False, True, True, False),
    ]
    state = ConditionState()
    for number, (happening, *expected) in enumerate(table, 1):
        state = step(CONFIRMED, state, happening, told(happening, state, number)).state
        assert [state.active, state.acked, state.confirmed, state.retain] == expected
        assert state.event == number


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (0, Level.high, H.raised),
        (Level.high, Level.high_high, H.raised),
        (Level.high_high, Level.high, H.eased),
        (Level.low_low, Level.low, H.eased),
        (Level.high, Level.low, H.raised),
        (Level.high_high, Level.low_low, H.raised),
        (Level.high, Level.high | Level.high_high, H.raised),
        (Level.high | Level.high_high, Level.high, H.eased),
        (Level.low | Level.low_low, 0, H.cleared),
        (Level.active, 0, H.cleared),
        (0, Level.active, H.raised),
        (Level.high, Level.high, H.quality),
    ],
)
def test_what_gets_worse_has_to_be_acknowledged_anew_and_what_eases_has_not(old: int, new: int, expected: H) -> None:
    assert happening_of(old, new) is expected


def test_the_severity_follows_the_level_and_the_last_one_is_kept() -> None:
    """Part 9, 5.5.2: LastSeverity is zero until the first change."""
    state = ConditionState(severity=400)
    assert state.last_severity == 0
    for level, severity, last in [(4, 500, 400), (8, 800, 500), (4, 500, 800), (0, 500, 800)]:
        state = step(PLAIN, state, happening_of(state.level, level), Told(1, 1, level=level)).state
        assert (state.severity, state.last_severity) == (severity, last)


def test_one_shot_shelving_ends_when_the_alarm_does_and_timed_shelving_does_not() -> None:
    """Part 9, 5.8.17.1."""
    for shelving, after in [(Shelving.one_shot, Shelving.unshelved), (Shelving.timed, Shelving.timed)]:
        state = ConditionState(active=True, level=4, shelving=shelving)
        assert step(PLAIN, state, H.cleared, Told(1, 1)).state.shelving is after


class OneCondition(RuleBasedStateMachine):
    """Anything in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.now = ConditionState(), 0

    @rule(
        happening=st.sampled_from([one for one in H if one not in FROM_RULE]),
        comment=st.none() | st.tuples(st.text(max_size=3), st.text(max_size=2)),
        clock_stands=st.booleans(),
    )
    def somebody_does(self, happening: Happening, comment: tuple[str, str] | None, clock_stands: bool) -> None:
        self.now += not clock_stands
        self.take(step(CONFIRMED, self.state, happening, Told(self.now, self.now, user="op", comment=comment)))

    @rule(level=st.sampled_from([0, 1, 2, 4, 8, 12]), quality=st.sampled_from([0, 0x80000000]))
    def the_rule_finds(self, level: int, quality: int) -> None:
        happening = happening_of(self.state.level, level)
        self.take(step(CONFIRMED, self.state, happening, Told(self.now, self.now, level, quality)))

    @precondition(lambda self: not self.state.enabled)
    @rule(level=st.sampled_from([4, 8]))
    def a_disabled_one_says_nothing(self, level: int) -> None:
        done = step(CONFIRMED, self.state, H.raised, Told(self.now, self.now, level))
        assert not done.notify
        assert done.state is self.state

    def take(self, done: Step) -> None:
        assert done.state.event > self.state.event or not done.notify, "no two events have one EventId"
        self.state = done.state

    @invariant()
    def it_is_sound(self) -> None:
        assert_sound(self.state)


OneCondition.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_whatever_happens_in_whatever_order_the_state_is_sound = OneCondition.TestCase
