from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
from asyncua import ua

from drivers.data_types import DataType, has_cell, to_cells, value_range
from drivers.driver import Fault
from drivers.readings import Readings, ticks_from_unix
from drivers.status import Status
from tests.address_space.conftest import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUMP, TANK = "Cooling/Loop1/Pump1", "Cooling/Loop1/Tank"
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
TICKS = ticks_from_unix(MOMENT.timestamp())


async def properties(served: Served, path: str) -> set[str]:
    """The names of a Variable's properties."""
    return {(await one.read_browse_name()).Name for one in await served.node(path).get_properties()}


def reading(served: Served, path: str, value: object, status: Status = Status.Good) -> None:
    """Commit one value of one tag."""
    row = served.space.row_of(served.space.node_id(path))
    tag = served.space.tag_of(row)
    in_cell = has_cell(tag.data_type) and not tag.array_length
    cells = to_cells([value], tag.data_type) if in_cell else np.zeros(1, np.uint64)
    side = {} if in_cell else {0: value}
    columns = (np.array([row], np.int32), cells, np.array([status], np.uint32), np.array([TICKS], np.int64))
    served.table.commit(Readings(*columns, side))


def scalars() -> Iterator[tuple[DataType, object, object]]:
    for data_type in DataType:
        limits = value_range(data_type)
        for limit in limits or ():
            yield data_type, limit, limit
    yield DataType.Boolean, True, True
    yield DataType.String, "Grüße", "Grüße"
    yield DataType.ByteString, b"\x00\xff", b"\x00\xff"
    yield DataType.DateTime, TICKS, MOMENT


@pytest.mark.parametrize(("data_type", "committed", "expected"), list(scalars()))
async def test_a_client_reads_the_exact_value_in_the_tags_own_type(
    served: Served, data_type: DataType, committed: object, expected: object
):
    path = f"{TANK}/Each{data_type.name}"
    reading(served, path, committed)
    read = await served.node(path).read_data_value()
    assert read.Value.VariantType is ua.VariantType(data_type)
    assert read.Value.Value == expected
    assert read.StatusCode.value == Status.Good
    assert abs((read.SourceTimestamp - MOMENT).total_seconds()) < 2e-6
    assert read.ServerTimestamp is not None


async def test_an_array_is_read_as_an_array(served: Served):
    reading(served, f"{PUMP}/Spectrum", np.array([1.0, 2.0, 3.0, 4.5], np.float32))
    read = await served.node(f"{PUMP}/Spectrum").read_data_value()
    assert read.Value.Value == [1.0, 2.0, 3.0, 4.5]
    assert read.Value.VariantType is ua.VariantType.Float
    assert read.Value.is_array


async def test_an_uncertain_value_stays_readable(served: Served):
    reading(served, f"{PUMP}/Speed", 1500.0, Status.UncertainLastUsableValue)
    read = await served.node(f"{PUMP}/Speed").read_data_value(raise_on_bad_status=False)
    assert (read.Value.Value, read.StatusCode.value) == (1500.0, Status.UncertainLastUsableValue)


async def test_a_bad_value_is_null_with_its_status_and_time(served: Served):
    reading(served, f"{PUMP}/Speed", 1500.0)
    reading(served, f"{PUMP}/Speed", 0.0, Status.BadSensorFailure)
    read = await served.node(f"{PUMP}/Speed").read_data_value(raise_on_bad_status=False)
    assert read.Value.VariantType is ua.VariantType.Null
    assert read.StatusCode.value == Status.BadSensorFailure
    assert read.SourceTimestamp is not None


async def test_a_tag_without_a_reading_yet_says_so(served: Served):
    read = await served.node(f"{PUMP}/HealthScore").read_data_value(raise_on_bad_status=False)
    assert read.StatusCode.value == Status.BadWaitingForInitialData
    assert read.Value.Value is None
    assert read.SourceTimestamp is None


async def test_the_text_of_a_state_follows_the_value(served: Served):
    path = f"{PUMP}/Selector"
    for number, text in ((0, "Local"), (1, "Remote"), (7, "")):
        reading(served, path, number)
        assert (await served.node(f"{path}.ValueAsText").read_value()).Text == text
    reading(served, path, 0, Status.BadDeviceFailure)
    bad = await served.node(f"{path}.ValueAsText").read_data_value(raise_on_bad_status=False)
    assert bad.StatusCode.value == Status.BadDeviceFailure


async def test_a_tag_of_a_device_says_what_was_wrong_with_what_came_for_it(served: Served):
    path = f"{PUMP}/Speed"
    node = served.node(f"{path}.LastError")
    assert await node.read_value() == ""
    assert "LastError" in await properties(served, path)
    served.faults[served.space.row_of(served.space.node_id(path))] = Fault(TICKS, "half an answer")
    read = await node.read_data_value()
    assert read.Value.Value == "half an answer"
    assert read.SourceTimestamp == MOMENT.replace(tzinfo=read.SourceTimestamp.tzinfo)
    assert "LastError" not in await properties(served, f"{PUMP}/HealthScore"), "computed here"


async def test_a_value_written_past_the_commands_is_never_reported_good(served: Served):
    reading(served, f"{PUMP}/Speed", 1200.0)
    with pytest.raises(ua.UaError):
        await served.node(f"{PUMP}/Speed").write_value(ua.Variant(99.0, ua.VariantType.Float))
    assert await served.node(f"{PUMP}/Speed").read_value() == 1200.0
