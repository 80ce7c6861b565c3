"""ExtractFeatures on twins of all four scopes, while the server goes on answering."""

from __future__ import annotations

import asyncio
import math
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from asyncua import ua

from tests.simulators.demo_run import Uatwin, seat

Kind = ua.VariantType
NULL = datetime(1601, 1, 1, tzinfo=UTC)
"""What a client sends for a DateTime that is not given."""
LONG_S = 60.0


def given(
    signals: list[str] | None = None,
    start: datetime = NULL,
    end: datetime = NULL,
    window: float = 0.0,
    step: float = 0.0,
    features: str = "",
) -> list[ua.Variant]:
    """The input arguments in their order; those not given are as a client's dialog leaves them."""
    return [
        ua.Variant(signals or [], Kind.String, is_array=True),
        ua.Variant(start, Kind.DateTime),
        ua.Variant(end, Kind.DateTime),
        ua.Variant(window, Kind.Double),
        ua.Variant(step, Kind.Double),
        ua.Variant(features, Kind.String),
    ]


@pytest.mark.parametrize(
    ("folder", "signal", "low", "high", "signals"),
    [
        ("Analytics", "CoolingLoad", 400.0, 700.0, 100),
        ("PrimaryLoop/Analytics", "Flow", 70.0, 130.0, 50),
        ("PrimaryLoop/Pump1/Analytics", "Speed", 1750.0, 1850.0, 15),
        ("PrimaryLoop/Pump1/DriveEndBearing/Analytics", "Vibration", 0.2, 3.0, 4),
    ],
    ids=["process", "system", "asset", "component"],
)
async def test_features_of_every_scope_agree_with_the_values(
    running: Uatwin, folder: str, signal: str, low: float, high: float, signals: int
) -> None:
    """Called by an anonymous client with nothing filled in: the quick features of everything below the twin."""
    async with seat(running.endpoint, timeout_s=LONG_S) as client:
        await client.until_all_good()
        answer = await client.call(f"{folder}/ExtractFeatures", *given())
        assert answer.StatusCode.name == "Good"
        names, times, values, valid, reason, *_ = await client.results(answer)
    assert (valid, reason) == (True, "")
    assert len(times) == 1
    assert len(values) == len(names) == len(set(names))
    assert len({name.partition("__")[0] for name in names}) >= signals
    told = dict(zip(names, values, strict=True))
    assert low < told[f"{signal}__minimum"] <= told[f"{signal}__mean"] <= told[f"{signal}__maximum"] < high


async def test_windows_and_named_features_come_row_by_row(running: Uatwin) -> None:
    await asyncio.sleep(max(0.0, running.begun + 15 - time.monotonic()))  # some seconds of values are needed
    arguments = given(["Speed", "Motor/Load"], window=4.0, step=2.0, features="mean, maximum, autocorrelation__lag_1")
    async with seat(running.endpoint, timeout_s=LONG_S) as client:
        answer = await client.call("PrimaryLoop/Pump1/Analytics/ExtractFeatures", *arguments)
        assert answer.StatusCode.name == "Good"
        names, times, values, valid, *_ = await client.results(answer)
    assert valid
    assert names[:3] == ["Speed__mean", "Speed__maximum", "Speed__autocorrelation__lag_1"]
    assert {later - sooner for sooner, later in pairwise(times)} == {timedelta(seconds=2)}
    assert len(values) == len(times) * len(names)
    means = values[0 :: len(names)]
    assert all(1700 < mean < 1900 for mean in means if not math.isnan(mean))


@pytest.mark.parametrize(
    ("wrong", "index", "result"),
    [
        (given(["Speed", "Sped"]), 0, "BadNoMatch"),
        (given(start=datetime(2026, 1, 2, tzinfo=UTC), end=datetime(2026, 1, 1, tzinfo=UTC)), 2, "BadOutOfRange"),
        (given(window=-1.0), 3, "BadOutOfRange"),
        (given(step=math.nan), 4, "BadOutOfRange"),
        (given(features="mean, meen"), 5, "BadOutOfRange"),
        ([*given()[:3], ua.Variant(5, Kind.Int32), *given()[4:]], 3, "BadTypeMismatch"),
    ],
)
async def test_a_wrong_argument_is_named(running: Uatwin, wrong: list[ua.Variant], index: int, result: str) -> None:
    async with seat(running.endpoint, timeout_s=LONG_S) as client:
        answer = await client.call("PrimaryLoop/Pump1/Analytics/ExtractFeatures", *wrong)
    assert answer.StatusCode.name == "BadInvalidArgument"
    expected = ["Good"] * 6
    expected[index] = result
    assert [each.name for each in answer.InputArgumentResults] == expected
    assert not answer.OutputArguments


async def test_no_value_in_that_time_is_told_and_is_no_error(running: Uatwin) -> None:
    past = given(start=datetime(2020, 1, 1, tzinfo=UTC), end=datetime(2020, 1, 2, tzinfo=UTC))
    async with seat(running.endpoint, timeout_s=LONG_S) as client:
        answer = await client.call("PrimaryLoop/Pump1/Analytics/ExtractFeatures", *past)
        assert answer.StatusCode.name == "Good"
        _, _, _, valid, reason, *_ = await client.results(answer)
    assert valid is False
    assert reason


async def test_the_server_answers_at_once_while_it_computes_efficient_features(running: Uatwin) -> None:
    async with seat(running.endpoint, timeout_s=LONG_S) as analyst, seat(running.endpoint) as operator:
        begun = time.monotonic()
        answer = await analyst.call("PrimaryLoop/Analytics/ExtractFeatures", *given(features="Efficient"))
        assert time.monotonic() - begun < 1.0, "a job is returned at once"
        assert not answer.OutputArguments[-1].Value.is_null()
        computing = asyncio.create_task(analyst.results(answer))
        took: list[float] = []
        while not computing.done():
            begun = time.monotonic()
            assert await operator.status("PrimaryLoop/Pump1/Speed") == "Good"
            took.append(time.monotonic() - begun)
            await asyncio.sleep(0.02)
        names, *_ = computing.result()
    assert len(names) > 10_000
    assert len(took) > 20
    assert sorted(took)[int(len(took) * 0.99)] < 0.1
