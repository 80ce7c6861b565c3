"""The grid of polls: no drift, nothing twice, missed slots counted; and the state of a silent unit."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from server.acquisition.health import WELL, Probing, after_reconnect, after_timeout
from server.acquisition.schedule import LONGEST_STEP_S, STEPS, Grid, phase_s

RATES = st.sampled_from([0.05, 0.1, 0.25, 1.0, 10.0, 300.0])


@given(RATES, st.floats(0, 1e6), st.floats(0, 1e4))
def test_the_first_slot_after_a_poll_out_of_turn_is_half_to_one_and_a_half_periods_away(rate_s, start_s, later_s):
    grid = Grid(start_s, rate_s)
    now_s = start_s + later_s
    away = grid.due_s(grid.first_slot(now_s)) - now_s
    assert 0.499 * rate_s <= away <= 1.501 * rate_s


@given(RATES, st.integers(0, 10**7), st.floats(0, 20))
def test_a_poll_that_took_long_is_followed_by_the_next_slot_that_is_not_over(rate_s, done, periods):
    grid = Grid(0.0, rate_s)
    now_s = grid.due_s(done) + periods * rate_s
    following, missed = grid.next_slot(done, now_s)
    assert following > done
    assert missed == following - done - 1
    assert grid.due_s(following) >= now_s - 1e-6
    assert following == done + 1 or grid.due_s(following - 1) < now_s + 1e-6


def test_a_clock_that_wakes_a_little_early_serves_no_slot_twice():
    grid = Grid(0.0, 0.05)
    assert grid.next_slot(3, grid.due_s(3) - 1e-9) == (4, 0)


@given(RATES, st.integers(0, 10**6))
def test_many_groups_of_one_rate_are_spread_evenly_over_its_period_in_short_steps(rate_s, first):
    shifts, counts = np.unique([phase_s(index, rate_s) for index in range(first, first + 500)], return_counts=True)
    assert shifts[0] >= 0
    assert shifts[-1] < rate_s
    assert np.diff(shifts).max() < min(rate_s / STEPS, LONGEST_STEP_S) * 1.001 + rate_s / 300
    assert counts.max() <= 500 / STEPS + 3


def test_a_unit_is_given_up_after_three_timeouts_in_a_row_and_then_asked_less_and_less():
    probing = Probing()
    states = itertools.accumulate(range(9), lambda health, _: after_timeout(health, probing), initial=WELL)
    assert [health.probe_s for health in states] == [0, 0, 0, 10, 20, 40, 80, 160, 300, 300]


def test_on_a_new_connection_a_unit_is_asked_often_again():
    probing = Probing()
    health = WELL
    for _ in range(8):
        health = after_timeout(health, probing)
    assert after_reconnect(health, probing).probe_s == 10
    assert after_reconnect(after_timeout(WELL, probing), probing) is WELL
