"""HistoryRead of values as they were stored: bounds, continuation points, limits, types and timestamps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from asyncua import ua

from drivers.readings import Readings
from server.history.store import StoreError
from server.services.options import Limits
from tests.services.conftest import Served, serve
from tests.simulators.history_client import BAD, GOOD, UNCERTAIN, Past, at, commit, ticks

pytestmark = pytest.mark.asyncio(loop_scope="module")
TANK, PUMP = "Cooling/Loop1/Tank", "Cooling/Loop1/Pump1"
LEVEL, SPEED, RUNNING, MODE = f"{TANK}/Level", f"{PUMP}/Speed", f"{PUMP}/Running", f"{PUMP}/Mode"
TEXT, SPECTRUM, NOT_KEPT = f"{TANK}/EachString", f"{PUMP}/Spectrum", f"{PUMP}/HealthScore"
KEPT = (LEVEL, SPEED, RUNNING, MODE, TEXT, SPECTRUM)
_CODES = ua.StatusCodes
NO_BOUND = _CODES.BadBoundNotFound
INTERPOLATED, RAW = 0x0402, 0x0400


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def past_served(tmp_path_factory: Any) -> AsyncIterator[Served]:
    running = await serve(tmp_path_factory.mktemp("server"), historized=KEPT)
    try:
        values = [(f"5:0{minute}", minute, GOOD) for minute in (0, 2, 3, 5, 6)]
        commit(running, LEVEL, values)
        yield running
    finally:
        await running.server.stop()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def past(past_served: Served) -> AsyncIterator[Past]:
    async with past_served.client() as client:
        yield Past(past_served, client)


BOUNDS = [
    ("5:00", "5:05", 0, True, "5:00 5:02 5:03 5:05"),
    ("5:00", "5:05", 0, False, "5:00 5:02 5:03"),
    ("5:01", "5:04", 0, True, "5:00 5:02 5:03 5:05"),
    ("5:01", "5:04", 0, False, "5:02 5:03"),
    ("5:05", "5:00", 0, True, "5:05 5:03 5:02 5:00"),
    ("5:05", "5:00", 0, False, "5:05 5:03 5:02"),
    ("5:04", "5:01", 0, True, "5:05 5:03 5:02 5:00"),
    ("5:04", "5:01", 0, False, "5:03 5:02"),
    ("4:59", "5:05", 0, True, "none@4:59 5:00 5:02 5:03 5:05"),
    ("4:59", "5:05", 0, False, "5:00 5:02 5:03"),
    ("5:01", "5:07", 0, True, "5:00 5:02 5:03 5:05 5:06 none@5:07"),
    ("5:01", "5:07", 0, False, "5:02 5:03 5:05 5:06"),
    ("5:00", "5:05", 3, True, "5:00 5:02 5:03"),
    ("5:00", "5:05", 3, False, "5:00 5:02 5:03"),
    ("5:01", "5:04", 3, True, "5:00 5:02 5:03"),
    ("5:01", "5:04", 3, False, "5:02 5:03"),
    ("5:05", "5:00", 3, True, "5:05 5:03 5:02"),
    ("5:05", "5:00", 3, False, "5:05 5:03 5:02"),
    ("5:04", "5:01", 3, True, "5:05 5:03 5:02"),
    ("5:04", "5:01", 3, False, "5:03 5:02"),
    ("4:59", "5:05", 3, True, "none@4:59 5:00 5:02"),
    ("4:59", "5:05", 3, False, "5:00 5:02 5:03"),
    ("5:01", "5:07", 3, True, "5:00 5:02 5:03"),
    ("5:01", "5:07", 3, False, "5:02 5:03 5:05"),
    ("5:00", "", 3, True, "5:00 5:02 5:03"),
    ("5:00", "", 3, False, "5:00 5:02 5:03"),
    ("5:00", "", 6, True, "5:00 5:02 5:03 5:05 5:06 none@5:06:01"),
    ("5:00", "", 6, False, "5:00 5:02 5:03 5:05 5:06"),
    ("5:07", "", 6, True, "5:06 none@5:06:01"),
    ("5:07", "", 6, False, ""),
    ("", "5:06", 3, True, "5:06 5:05 5:03"),
    ("", "5:06", 3, False, "5:06 5:05 5:03"),
    ("", "5:06", 6, True, "5:06 5:05 5:03 5:02 5:00 none@4:59:59"),
    ("", "5:06", 6, False, "5:06 5:05 5:03 5:02 5:00"),
    ("", "4:48", 6, True, "5:00 none@4:59:59"),
    ("", "4:48", 6, False, ""),
    ("4:48", "4:48", 0, True, "none@4:48 5:00"),
    ("4:48", "4:48", 0, False, ""),
    ("4:48", "4:48", 1, True, "none@4:48"),
    ("4:48", "4:48", 2, True, "none@4:48 5:00"),
    ("5:00", "5:00", 0, True, "5:00 5:02"),
    ("5:00", "5:00", 0, False, "5:00"),
    ("5:00", "5:00", 1, True, "5:00"),
    ("5:01", "5:01", 0, True, "5:00 5:02"),
    ("5:01", "5:01", 0, False, ""),
    ("5:01", "5:01", 1, True, "5:00"),
]
"""Part 11, 4.6, Table 1: start, end, numValuesPerNode, bounds, and what is returned; none@: BadBoundNotFound."""


async def test_bounds_are_those_of_the_standard(past: Past) -> None:
    """Part 11, 4.6 and 6.5.3.2: every row of the table of bounding values; GoodNoData where there is nothing."""
    for start, end, most, bounds, expected in BOUNDS:
        got = await past.raw(LEVEL, start, end, most, bounds)
        told = [time if status == GOOD else f"none@{time}" for time, _, status in got.values]
        assert " ".join(told) == expected, (start, end, most, bounds)
        assert all(value is None and status == NO_BOUND for _, value, status in got.values if status != GOOD)
        assert got.status == ("Good" if expected else "GoodNoData")


async def test_continuation_points_lead_through_every_value_once(past: Past) -> None:
    """Part 11, 6.3 and 6.5.3.2: pages of numValuesPerNode, forward and backward, with bounds and without."""
    assert await past.pages(LEVEL, "4:59", "5:07", 2) == [["5:00", "5:02"], ["5:03", "5:05"], ["5:06"]]
    assert await past.pages(LEVEL, "5:07", "4:59", 2) == [["5:06", "5:05"], ["5:03", "5:02"], ["5:00"]]
    with_bounds = await past.pages(LEVEL, "4:59", "5:07", 2, bounds=True)
    assert with_bounds == [["4:59", "5:00"], ["5:02", "5:03"], ["5:05", "5:06"], ["5:07"]]
    assert await past.pages(LEVEL, "5:00", "5:05", 3) == [["5:00", "5:02", "5:03"]], "nothing is left: no point"
    assert await past.pages(LEVEL, "5:00", "", 2) == [["5:00", "5:02"]], "all that was asked for"


async def test_values_of_one_time_are_told_apart_by_continuation_points(past: Past, past_served: Served) -> None:
    """Part 11, 6.3: the timestamp of the last value alone would lose or repeat those of the same time."""
    commit(past_served, SPEED, [("7:00", 1, GOOD), *[("7:01", value, GOOD) for value in range(5)], ("7:02", 9, GOOD)])
    for start, end in (("7:00", "7:03"), ("7:03", "6:59")):
        found, point = [], None
        while True:
            got = await past.raw(SPEED, start, end, 2, point=point)
            found += [value for _, value, _ in got.values]
            point = got.point
            if point is None:
                break
        assert sorted(found) == [0, 1, 1, 2, 3, 4, 9]


async def test_a_continuation_point_is_good_once_and_until_it_is_released(past: Past) -> None:
    """Part 4, 7.9: BadContinuationPointInvalid for one that was used, released, made up, or of another node."""
    first = await past.raw(LEVEL, "4:59", "5:07", 2)
    again = await past.raw(LEVEL, "4:59", "5:07", 2, point=first.point)
    assert again.times == ["5:03", "5:05"]
    assert (await past.raw(LEVEL, "4:59", "5:07", 2, point=first.point)).status == "BadContinuationPointInvalid"
    released = await past.raw(LEVEL, "4:59", "5:07", point=again.point, release=True)
    assert (released.status, released.point) == ("Good", None)
    for point in (again.point, b"made up"):
        assert (await past.raw(LEVEL, "4:59", "5:07", point=point)).status == "BadContinuationPointInvalid"
    other = await past.raw(LEVEL, "4:59", "5:07", 2)
    assert (await past.raw(SPEED, "4:59", "5:07", 2, point=other.point)).status == "BadContinuationPointInvalid"


async def test_continuation_points_are_bounded(tmp_path: Path) -> None:
    """Part 4, 7.9: those of earlier requests make room; BadNoContinuationPoints within one request."""
    served = await serve(tmp_path, Limits(max_history_continuation_points=2), historized=KEPT)
    try:
        commit(served, LEVEL, [("5:00", 1, GOOD), ("5:01", 2, GOOD)])
        async with served.client() as client:
            past = Past(served, client)
            details = ua.ReadRawModifiedDetails(False, at("4:00"), at("6:00"), 1, False)
            results = await past.read(details, [LEVEL] * 3)
            assert [result.status for result in results] == ["Good", "Good", "BadNoContinuationPoints"]
            await past.read(details, [LEVEL])
            old, kept = [await past.raw(LEVEL, point=result.point) for result in results[:2]]
            assert (old.status, kept.times) == ("BadContinuationPointInvalid", ["5:01"])
    finally:
        await served.server.stop()


async def test_continuation_points_outlive_their_channel_and_end_with_their_session(past_served: Served) -> None:
    """Part 4, 7.9: they remain active until the Session is closed."""
    async with past_served.raw() as first, past_served.raw() as second:
        await first.connect()
        request = _request(past_served.node_id(LEVEL), ua.ReadRawModifiedDetails(False, at("5:00"), at("5:07"), 2))
        (answer,) = (await first.call(request)).Results
        await second.open()
        second.authentication_token = first.authentication_token
        await second.activate()
        request.Parameters.NodesToRead[0].ContinuationPoint = answer.ContinuationPoint
        (rest,) = (await second.call(request)).Results
        assert rest.StatusCode.value == 0
        assert rest.ContinuationPoint
        session = past_served.server.sessions.find(first.authentication_token)
        points = session.history_points
        await past_served.server.sessions.close(session, delete_subscriptions=True)
        assert len(points) == 0


def _request(node: ua.NodeId, details: Any, stamps: int = ua.TimestampsToReturn.Both) -> ua.HistoryReadRequest:
    request = ua.HistoryReadRequest()
    request.Parameters = ua.HistoryReadParameters(details, stamps, False, [ua.HistoryReadValueId(NodeId=node)])
    return request


async def test_the_server_answers_in_parts_what_is_too_much_at_once(tmp_path: Path) -> None:
    """Part 11, 6.3: a Server may return fewer values; NumValuesPerNode 0 is no promise to send all of them at once."""
    served = await serve(tmp_path, Limits(max_history_values=40, max_message_size=2**16), historized=KEPT)
    try:
        minutes = [f"{hour}:{minute:02}" for hour in range(8, 10) for minute in range(60)]
        commit(served, LEVEL, [(minute, 1.0, GOOD) for minute in minutes])
        async with served.client() as client:
            past = Past(served, client)
            pages = await past.pages(LEVEL, "7:00", "11:00")
            assert [len(page) for page in pages] == [40, 40, 40]
            assert [time for page in pages for time in page] == minutes
            details = ua.ReadRawModifiedDetails(False, at("7:00"), at("11:00"), 0, False)
            results = await past.read(details, [LEVEL] * 100)
            assert {result.status for result in results} == {"Good"}, "the room of the response is shared"
            assert all(result.times and result.point for result in results)
            assert len(results[0].times) < 40
    finally:
        await served.server.stop()


async def test_values_of_every_type_keep_type_quality_and_both_times(past: Past, past_served: Served) -> None:
    """Part 11, 4.5 and 6.5.3: values, StatusCodes and timestamps as they were stored; a Bad value is null."""
    commit(past_served, RUNNING, [("8:00", 1, GOOD), ("8:01", 0, BAD)], "<u8")
    commit(past_served, MODE, [("8:00", 2, UNCERTAIN)], "<u8")
    row, time = past_served.row(TEXT), [ticks(at("8:00")), ticks(at("8:01")) + 7]
    for path, values in ((TEXT, ["on", ""]), (SPECTRUM, [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])):
        row = past_served.row(path)
        side = dict(enumerate(values))
        none = np.zeros(2, np.uint64)
        batch = Readings(np.array([row, row], np.int32), none, none.astype(np.uint32), np.array(time), side)
        past_served.table.commit(batch)
    seen = [await past.raw(path, "8:00", "8:05") for path in (RUNNING, MODE, TEXT, SPECTRUM)]
    assert [got.values for got in seen] == [
        [("8:00", True, GOOD), ("8:01", None, BAD)],
        [("8:00", 2, UNCERTAIN)],
        [("8:00", "on", GOOD), ("8:01", "", GOOD)],
        [("8:00", [1.0, 2.0, 3.0, 4.0], GOOD), ("8:01", [5.0, 6.0, 7.0, 8.0], GOOD)],
    ]
    kinds = [got.data.DataValues[0].Value.VariantType.name for got in seen]
    assert kinds == ["Boolean", "UInt16", "String", "Float"]
    assert all(one.ServerTimestamp is not None for one in seen[0].data.DataValues)


@pytest.mark.parametrize("stamps", [ua.TimestampsToReturn.Source, ua.TimestampsToReturn.Server])
async def test_just_the_timestamps_asked_for_are_returned(past: Past, stamps: ua.TimestampsToReturn) -> None:
    """Part 11, 4.5: SOURCE, SERVER."""
    some = Past(past.served, past.client, stamps)
    details = ua.ReadRawModifiedDetails(False, at("5:00"), at("5:07"), 1, False)
    (got,) = await some.read(details, [LEVEL])
    one = got.data.DataValues[0]
    wants_source = stamps == ua.TimestampsToReturn.Source
    assert ((one.SourceTimestamp is not None), (one.ServerTimestamp is not None)) == (wants_source, not wants_source)


async def test_a_request_without_timestamps_is_refused(past: Past) -> None:
    """Part 4, 5.10.3.2: NEITHER is not valid: Bad_TimestampsToReturnInvalid."""
    neither = Past(past.served, past.client, ua.TimestampsToReturn.Neither)
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await neither.raw(LEVEL, "5:00", "5:05")
    assert refused.value.code == _CODES.BadTimestampsToReturnInvalid


async def test_each_node_has_a_status_of_its_own(past: Past, past_served: Served) -> None:
    """Part 4, 5.10.3.4; Part 11, 6.5.3.2: BadNodeIdUnknown, BadHistoryOperationUnsupported, BadHistoryOperationInvalid,
    and what is wrong with DataEncoding and IndexRange."""
    details = ua.ReadRawModifiedDetails(False, at("5:00"), at("5:05"), 0, False)
    nodes = ["nothing", NOT_KEPT, PUMP, LEVEL]
    assert [got.status for got in await past.read(details, nodes)] == [
        "BadNodeIdUnknown", "BadHistoryOperationUnsupported", "BadHistoryOperationUnsupported", "Good",
    ]  # fmt: skip
    assert (await past.raw(LEVEL, "5:00")).status == "BadHistoryOperationInvalid"
    assert (await past.raw(LEVEL, most=3)).status == "BadHistoryOperationInvalid"
    encoding = ua.QualifiedName("Default Binary", 0)
    assert (await past.raw(LEVEL, "5:00", "5:05", DataEncoding=encoding)).status == "BadDataEncodingInvalid"
    assert (await past.raw(LEVEL, "5:00", "5:05", IndexRange="x")).status == "BadIndexRangeInvalid"
    assert (await past.raw(LEVEL, "5:00", "5:05", IndexRange="0:1")).status == "BadIndexRangeNoData"
    part = await past.raw(SPECTRUM, "8:00", "8:01", IndexRange="1:2")
    assert part.values == [("8:00", [2.0, 3.0], GOOD)]
    annotations = ua.ReadAnnotationDataDetails([at("5:00")])
    assert (await past.read(annotations, [LEVEL]))[0].status == "BadHistoryOperationUnsupported"


async def test_a_store_that_cannot_answer_is_told(past: Past, past_served: Served, monkeypatch: Any) -> None:
    """Part 4, 7.39: BadResourceUnavailable for the nodes concerned, and the session goes on."""

    async def refuse(*_asked: Any, **_more: Any) -> Any:
        raise StoreError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(past_served.server.history, "read", refuse)
        assert (await past.raw(LEVEL, "5:00", "5:05")).status == "BadResourceUnavailable"
    assert (await past.raw(LEVEL, "5:00", "5:05")).status == "Good"
