"""The benchmarks on anomalies: their own sums are right, and with the public data they reach what they must."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import anomaly_skab, nab_machine, public_data, score


async def test_score_times_a_fleet_and_checks_its_scores() -> None:
    (result,) = [one async for one in score.run(machines=12, sensors=8, seconds=30)]
    assert result["good"]
    assert 0 < result["ms_per_s"] <= result["p99_ms"]


async def test_skab_reaches_what_it_must_on_files_that_no_setting_was_chosen_on_too() -> None:
    if public_data.folder("skab") is None:
        pytest.skip(public_data.absent("skab"))
    (result,) = [one async for one in anomaly_skab.run()]
    assert result["good"]
    assert result["files"] == 20
    assert (result["f1"] >= 0.86, result["far"] <= 10.0, result["explained"] > 0.9) == (True, True, True)
    assert result["held_out_f1"] > 0.84
    assert result["always_f1"] == 0.702


async def test_nab_finds_windows_with_few_false_alarms() -> None:
    if public_data.folder("nab") is None:
        pytest.skip(public_data.absent("nab"))
    results = [one async for one in nab_machine.run(nab_machine.FILES[:1])]
    assert [one["mode"] for one in results] == ["fixed", "rebaselined"]
    for result in results:
        assert result["good"]
        assert result["found"] >= 3
        assert result["false_alarms_per_month"] < 10


@pytest.mark.parametrize("benchmark", [anomaly_skab, nab_machine])
async def test_without_the_data_it_says_where_they_belong(benchmark: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UATWIN_DATA", "/nowhere")
    (result,) = [one async for one in benchmark.run()]  # type: ignore[attr-defined]
    assert "UATWIN_DATA" in result["skipped"]


def test_figures_count_rows() -> None:
    label = np.array([0, 0, 0, 0, 1, 1, 1, 1], bool)
    alarm = np.array([0, 0, 0, 1, 0, 1, 1, 1], bool)
    assert anomaly_skab.figures(label, alarm) == {"f1": 0.75, "far": 25.0, "mar": 25.0}
