"""The course of a signal, and its values at other times."""

from __future__ import annotations

import numpy as np

from analytics.series import TICKS_PER_SECOND, Series, grid, hold

S = TICKS_PER_SECOND
SERIES = Series(np.array([10, 20, 30], np.int64) * S, np.array([1.0, np.nan, 3.0]), np.zeros(3, np.uint32))


def test_between_takes_both_ends() -> None:
    assert SERIES.between(10 * S, 20 * S).ticks.tolist() == [10 * S, 20 * S]
    assert len(SERIES.between(31 * S, 99 * S)) == 0


def test_a_value_holds_until_the_next_or_until_it_is_too_old() -> None:
    at = np.array([9, 10, 14, 16, 25, 30, 36], np.int64) * S
    np.testing.assert_array_equal(hold(SERIES, at, 5.0), [np.nan, 1.0, 1.0, np.nan, np.nan, 3.0, np.nan])


def test_a_signal_that_never_spoke_holds_nothing() -> None:
    assert np.isnan(hold(Series.empty(), grid(0, 3 * S, 1.0), 5.0)).all()


def test_a_grid_ends_at_or_before_the_end() -> None:
    assert grid(0, 25 * S // 10, 1.0).tolist() == [0, S, 2 * S]
