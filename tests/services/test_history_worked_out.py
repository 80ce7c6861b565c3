"""HistoryRead of what is worked out of stored values: at times, and aggregates over intervals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from asyncua import ua

from drivers.readings import Readings
from server.services.options import Limits
from tests.services.conftest import Served, serve
from tests.simulators.history_client import BAD, GOOD, NEVER, UNCERTAIN, Past, at, commit, ticks

pytestmark = pytest.mark.asyncio(loop_scope="module")
TANK, PUMP = "Cooling/Loop1/Tank", "Cooling/Loop1/Pump1"
LEVEL, SPEED, MODE, TEXT = f"{TANK}/Level", f"{PUMP}/Speed", f"{PUMP}/Mode", f"{TANK}/EachString"
SPECTRUM, NOT_KEPT = f"{PUMP}/Spectrum", f"{PUMP}/HealthScore"
KEPT = (LEVEL, SPEED, MODE, TEXT, SPECTRUM)
_CODES = ua.StatusCodes
INTERPOLATED, RAW = 0x0402, 0x0400


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def past_served(tmp_path_factory: Any) -> AsyncIterator[Served]:
    running = await serve(tmp_path_factory.mktemp("server"), historized=KEPT)
    try:
        commit(running, LEVEL, [(f"5:0{minute}", minute, GOOD) for minute in (0, 2, 3, 5, 6)])
        commit(running, MODE, [("8:00", 2, UNCERTAIN)], "<u8")
        row, none = running.row(TEXT), np.zeros(1, np.uint64)
        time = np.array([ticks(at("8:00"))])
        running.table.commit(Readings(np.array([row], np.int32), none, none.astype(np.uint32), time, {0: "on"}))
        yield running
    finally:
        await running.server.stop()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def past(past_served: Served) -> AsyncIterator[Past]:
    async with past_served.client() as client:
        yield Past(past_served, client)


async def test_the_value_at_a_time_is_stored_or_worked_out(past: Past, past_served: Served) -> None:
    """Part 11, 6.5.5: in the order asked for; Raw where a value stands at the time, Interpolated in between; a discrete
    value is held (Stepped)."""
    got = await past.at_time(LEVEL, "5:04", "5:02", "4:00", "5:00:30")
    between, stored, before, early = got.values
    assert (between, stored) == (("5:04", 4.0, INTERPOLATED), ("5:02", 2.0, RAW))
    assert (before, early) == (("4:00", None, _CODES.BadNoData), ("5:00:30", 0.5, INTERPOLATED))
    held = await past.at_time(MODE, "8:00", "8:00:30", simple=False)
    assert [value for _, value, _ in held.values] == [2, 2]
    assert [status & 0xFFFF for _, _, status in held.values] == [RAW, INTERPOLATED]


async def test_bad_values_beside_a_time_count_as_the_client_asks(past: Past, past_served: Served) -> None:
    """Part 13, 3.1.8 and 3.1.9: simple bounds look at the next values only, interpolated ones at those not Bad."""
    commit(past_served, SPEED, [("9:00", 0, GOOD), ("9:02", 0, BAD), ("9:04", 4, GOOD)])
    doubtful = _CODES.UncertainDataSubNormal | INTERPOLATED
    simple = await past.at_time(SPEED, "9:01", "9:03")
    assert simple.values == [("9:01", 0.0, doubtful), ("9:03", None, _CODES.BadNoData)]
    interpolated = await past.at_time(SPEED, "9:01", "9:03", simple=False)
    assert interpolated.values == [("9:01", 1.0, doubtful), ("9:03", 3.0, doubtful)]


async def test_times_far_apart_are_read_one_by_one(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """Part 11, 6.5.5: the same values as when all between them are read, in parts where there are many."""
    times = ["5:05:30", "5:02", "5:00:30", "5:03"]
    dense = (await past.at_time(LEVEL, *times)).values
    monkeypatch.setattr("server.services.history_at_time._DENSE", 2)
    monkeypatch.setattr("server.services.history_at_time._SPARSE", 3)
    first = await past.at_time(LEVEL, *times)
    details = ua.ReadAtTimeDetails([at(time) for time in times], True)
    (second,) = await past.read(details, [LEVEL], [first.point])
    assert (first.values, second.values, second.point) == (dense[:3], dense[3:], None)


async def test_wrong_times_are_refused(past: Past) -> None:
    """Part 11, 6.5.5: BadNothingToDo, BadInvalidTimestampArgument."""
    assert (await past.at_time(LEVEL)).status == "BadNothingToDo"
    details = ua.ReadAtTimeDetails([NEVER], True)
    assert (await past.read(details, [LEVEL]))[0].status == "BadInvalidTimestampArgument"


AVERAGE, MINIMUM, COUNT, WORST, INTERPOLATIVE, DELTA, ANNOTATIONS = (
    getattr(ua.ObjectIds, f"AggregateFunction_{name}")
    for name in ("Average", "Minimum", "Count", "WorstQuality", "Interpolative", "Delta", "AnnotationCount")
)


async def test_aggregates_are_computed_interval_by_interval(past: Past) -> None:
    """Part 11, 6.5.4.2; Part 13, 5.4.3: each interval's value at its start, Calculated; forward and backward."""
    calculated = 0x0401
    average = await past.processed(LEVEL, AVERAGE, "5:00", "5:06", 180)
    assert average.values == [("5:00", 1.0, calculated), ("5:03", 4.0, calculated)]
    backward = await past.processed(LEVEL, AVERAGE, "5:06", "5:00", 180)
    assert backward.times == ["5:06", "5:03"]
    whole = await past.processed(LEVEL, COUNT, "5:00", "5:06")
    assert whole.values == [("5:00", 4, calculated)]
    assert whole.data.DataValues[0].Value.VariantType is ua.VariantType.Int32
    least = await past.processed(LEVEL, MINIMUM, "5:02", "5:06", 240)
    assert [value for _, value, _ in least.values] == [2.0]


async def test_results_keep_the_type_of_their_source(past: Past) -> None:
    """Part 13, 4.2.2: Interpolative of a UInt16 is one; a difference that does not fit it is a Double; WorstQuality is
    a StatusCode, of text too."""
    commit(past.served, MODE, [("8:10", 7, GOOD), ("8:11", 3, GOOD)], "<u8")
    mode = await past.processed(MODE, INTERPOLATIVE, "8:10:10", "8:10:20")
    assert (mode.data.DataValues[0].Value.VariantType, mode.values[0][1]) == (ua.VariantType.UInt16, 7)
    delta = await past.processed(MODE, DELTA, "8:10", "8:12")
    assert (delta.data.DataValues[0].Value.VariantType, delta.values[0][1]) == (ua.VariantType.Double, -4.0)
    worst = await past.processed(TEXT, WORST, "8:00", "8:02")
    assert worst.data.DataValues[0].Value == ua.Variant(ua.StatusCode(0), ua.VariantType.StatusCode)


async def test_many_intervals_come_in_parts(tmp_path: Path) -> None:
    """Part 11, 6.3: the same intervals as at once."""
    served = await serve(tmp_path, Limits(max_history_values=7), historized=KEPT)
    try:
        async with served.client() as client:
            past = Past(served, client)
            commit(served, LEVEL, [(f"6:{minute:02}", minute, GOOD) for minute in range(0, 60, 3)])
            for start, end in (("6:00", "6:59"), ("6:59", "6:00")):
                found, point = [], None
                details = ua.ReadProcessedDetails(at(start), at(end), 300_000.0, [ua.NodeId(AVERAGE)])
                while True:
                    (got,) = await past.read(details, [LEVEL], [point])
                    found += got.values
                    point = got.point
                    if point is None:
                        break
                served.server.limits = Limits()
                (whole,) = await past.read(details, [LEVEL])
                served.server.limits = Limits(max_history_values=7)
                assert found == whole.values
                assert len(found) == 12
    finally:
        await served.server.stop()


async def test_wrong_aggregates_are_refused(past: Past) -> None:
    """Part 11, 6.5.4.2; Part 13, 4.2.1.2: BadAggregateNotSupported, BadAggregateInvalidInputs, BadInvalidArgument,
    BadInvalidTimestampArgument."""
    refused = {
        "BadAggregateNotSupported": past.processed(
            LEVEL, ua.ObjectIds.AggregateFunction_AnnotationCount, "5:00", "5:05"
        ),
        "BadInvalidArgument": past.processed(LEVEL, AVERAGE, "5:00", "5:00"),
        "BadInvalidTimestampArgument": past.processed(LEVEL, AVERAGE, "5:00", ""),
        "BadHistoryOperationUnsupported": past.processed(NOT_KEPT, AVERAGE, "5:00", "5:05"),
    }
    for status, asking in refused.items():
        assert (await asking).status == status
    contradiction = ua.AggregateConfiguration(False, True, 10, 10, False)
    inputs = [
        past.processed(LEVEL, AVERAGE, "5:00", "5:05", config=contradiction),
        past.processed(TEXT, AVERAGE, "5:00", "5:05"),
        past.processed(SPECTRUM, AVERAGE, "5:00", "5:05"),
        past.processed(LEVEL, AVERAGE, "5:00", "5:05", -1.0),
    ]
    assert [(await asking).status for asking in inputs] == ["BadAggregateInvalidInputs"] * 4


async def test_aggregates_and_nodes_must_match(past: Past) -> None:
    """Part 11, 6.5.4.2: Bad_AggregateListMismatch; Part 13, 5.4.3.1: Bad_TimestampsToReturnInvalid."""
    details = ua.ReadProcessedDetails(at("5:00"), at("5:05"), 0.0, [ua.NodeId(AVERAGE)])
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await past.read(details, [LEVEL, LEVEL])
    assert refused.value.code == _CODES.BadAggregateListMismatch
    server = Past(past.served, past.client, ua.TimestampsToReturn.Server)
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await server.read(details, [LEVEL])
    assert refused.value.code == _CODES.BadTimestampsToReturnInvalid
