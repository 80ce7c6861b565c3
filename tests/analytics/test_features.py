"""The edge features are those of tsfresh where both have them, and stand gaps, constants and silence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analytics.features import EDGE, Windows, edge_features
from analytics.series import TICKS_PER_SECOND, Series
from analytics.tsfresh_names import TSFRESH
from analytics.windows import cut, window_ends

ROOT = Path(__file__).parents[2]
SHARED = {
    name: name
    for name in EDGE
    if name not in ("peak_to_peak", "slope", "crest_factor", "shape_factor", "mean_crossings", "first", "last")
} | {"slope": 'linear_trend__attr_"slope"'}


def windows_of(*rows: list[float]) -> Windows:
    values = np.array(rows, float).reshape(len(rows), -1)
    return Windows(values, np.tile(np.arange(values.shape[1], dtype=float), (len(rows), 1)))


def one(values: list[float], name: str) -> float:
    return float(edge_features(windows_of(values), [name])[0, 0])


@pytest.mark.timeout(120)
def test_what_tsfresh_has_too_has_its_value_and_a_cluster_computes_the_same() -> None:
    """In a process of its own: tsfresh leaves a thread behind. One for both, as it takes seconds to load."""
    pytest.importorskip("distributed", reason='Dask is not installed: pip install "uatwin[fleet]"')
    code = (
        "from tests.analytics import test_features as t\n"
        "if __name__ == '__main__':\n    t.compare_with_tsfresh()\n    t.compare_with_cluster()"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=110, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr


def compare_with_cluster() -> None:
    from analytics import extract
    from analytics.cluster import Cluster
    from tests.simulators.dask_cluster import dask_cluster

    random = np.random.default_rng(7)
    ticks = np.arange(120, dtype=np.int64) * TICKS_PER_SECOND
    series = {f"S{at}": Series(ticks, random.normal(20.0, 3.0, 120), np.zeros(120, np.uint32)) for at in range(3)}
    arguments = (series, 0, int(ticks[-1]), 20.0, 0.0, "Minimal")
    with dask_cluster() as address:
        there = extract.run(*arguments, Cluster(address))
    here = extract.run(*arguments, Cluster(address))
    assert there[0] == here[0]
    np.testing.assert_array_equal(there[2], here[2])
    assert there[3:] == (True, "")
    assert here[4].startswith(f"computed here, for the Dask scheduler {address} does not answer: ")


def compare_with_tsfresh() -> None:
    from tsfresh.feature_extraction import ComprehensiveFCParameters

    from analytics import tsfresh_features

    assert set(ComprehensiveFCParameters()) == TSFRESH

    random = np.random.default_rng(7)
    signals = [random.normal(20.0, 3.0, 120), random.exponential(1.0, 120), np.sin(np.arange(120.0)), np.arange(120.0)]
    ticks = np.arange(120, dtype=np.int64) * TICKS_PER_SECOND
    series = [Series(ticks, values, np.zeros(120, np.uint32)) for values in signals]
    ends = window_ends(-1, int(ticks[-1]), 40.0, 20.0)
    cuts = cut(series, ends, 40 * TICKS_PER_SECOND)
    theirs = tsfresh_features.named(cuts, list(SHARED.values()))
    ours = np.concatenate([edge_features(matrix, list(SHARED)) for matrix in cuts.matrices()])
    told: list[float] = []
    parts = tsfresh_features._extract_in_parts(
        cuts, tsfresh_features._parameters(list(SHARED.values())), 5, None, told.append
    )
    np.testing.assert_array_equal(parts[list(SHARED.values())].to_numpy(), theirs)
    assert told[-1] == 1.0
    constant = cut([Series(ticks, np.full(120, 0.1), np.zeros(120, np.uint32))], ends, 40 * TICKS_PER_SECOND)
    np.testing.assert_allclose(
        edge_features(next(constant.matrices()), list(SHARED)),
        tsfresh_features.named(constant, list(SHARED.values())),
        atol=1e-9,
    )
    assert len(ours) == len(signals) * len(ends) > 8
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_a_gap_is_left_out() -> None:
    gap = edge_features(windows_of([1.0, np.nan, 2.0, 7.0, np.nan]), [n for n in EDGE if n != "slope"])
    dense = edge_features(windows_of([1.0, 2.0, 7.0]), [n for n in EDGE if n != "slope"])
    np.testing.assert_allclose(gap, dense)


def test_the_slope_is_per_second_across_gaps() -> None:
    assert one([1.0, np.nan, 5.0, 7.0], "slope") == pytest.approx(2.0)


def test_a_constant_signal_has_no_spread_and_no_shape() -> None:
    result = dict(zip(EDGE, edge_features(windows_of([0.1] * 9))[0], strict=True))
    assert result["standard_deviation"] == result["peak_to_peak"] == result["slope"] == 0.0
    assert result["mean"] == pytest.approx(0.1)
    assert np.isnan(result["skewness"])
    assert np.isnan(result["kurtosis"])


@pytest.mark.parametrize("row", [[], [np.nan, np.nan]])
def test_a_window_without_values_has_length_0_and_nothing_else(row: list[float]) -> None:
    result = dict(zip(EDGE, edge_features(windows_of(row))[0], strict=True))
    assert result.pop("length") == 0.0
    assert all(np.isnan(value) for value in result.values())


def test_a_single_value_has_what_one_value_can_have() -> None:
    result = dict(zip(EDGE, edge_features(windows_of([4.0]))[0], strict=True))
    assert result["mean"] == result["median"] == result["first"] == result["last"] == 4.0
    assert np.isnan(result["mean_change"])
    assert np.isnan(result["slope"])


def test_infinity_never_comes_out() -> None:
    result = edge_features(windows_of([-1.0, 1.0], [0.0, 0.0]), ["variation_coefficient", "crest_factor"])
    assert np.isnan(result[0, 0])
    assert np.isnan(result[1]).all()


def test_windows_are_cut_by_time_and_not_by_count() -> None:
    ticks = np.array([0, 1, 2, 10, 11, 12, 13], np.int64) * TICKS_PER_SECOND
    series = Series(ticks, np.arange(7.0), np.zeros(7, np.uint32))
    ends = window_ends(0, 13 * TICKS_PER_SECOND, 5.0, 4.0)
    cuts = cut([series], ends, 5 * TICKS_PER_SECOND)
    lengths = np.concatenate([edge_features(matrix, ["length"]) for matrix in cuts.matrices()])[:, 0]
    assert (ends // TICKS_PER_SECOND).tolist() == [5, 9, 13]
    assert lengths.tolist() == [2.0, 0.0, 4.0]
