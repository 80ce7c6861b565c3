"""The columnar sampler against a plain model of Part 4, 5.12.1 and 7.22.2, item by item."""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.data_types import WIRE, DataType, to_cells
from drivers.readings import Readings
from drivers.status import Status
from server.services import sampling
from server.services.data_values import SERVER, SOURCE, STATUS, VALUE
from server.services.samples import OVERFLOW
from server.services.sampling import REPORTING, TagItem, TagItems
from server.tags.table import TagTable

KINDS = [DataType.Double, DataType.Float, DataType.Int16, DataType.UInt64, DataType.Boolean, DataType.Int64]


@dataclass
class ModelItem:
    """One item as the standard describes it."""

    asked: TagItem
    last: tuple[float, int, int] | None = None
    queue: deque[tuple[float, int, int]] = field(default_factory=deque)

    def sample(self, value: float, status: int, source: int) -> None:
        if self.last is not None and not self._changed(value, status, source):
            return
        self.last = (value, status, source)
        self.queue.append(self.last)
        if len(self.queue) > self.asked.queue_size:
            if self.asked.discard_oldest or self.asked.queue_size == 1:
                self.queue.popleft()
                place = 0
            else:
                del self.queue[-2]
                place = -1
            if self.asked.queue_size > 1:
                v, s, t = self.queue[place]
                self.queue[place] = (v, s | int(OVERFLOW), t)

    def _changed(self, value: float, status: int, source: int) -> bool:
        assert self.last is not None
        if status != self.last[1]:
            return True
        if self.asked.trigger == sampling.ON_STATUS:
            return False
        if value != self.last[0] and (not self.asked.deadband or abs(value - self.last[0]) > self.asked.deadband):
            return True
        timed = self.asked.trigger == sampling.ON_STATUS_VALUE_TIMESTAMP and not self.asked.deadband
        return timed and source != self.last[2]


def decode(encoded: bytes, kinds: list[DataType]) -> list[tuple[int, float | bool | None, int, int]]:
    """(handle, value, status, source) of encoded notifications whose handle is the row, by the rules of Part 6."""
    out, at = [], 0
    while at < len(encoded):
        handle, mask = struct.unpack_from("<IB", encoded, at)
        at += 5
        value, status, source = None, 0, 0
        if mask & VALUE:
            wire = WIRE[kinds[handle]]
            assert encoded[at] == kinds[handle]
            value = np.frombuffer(encoded, wire, 1, at + 1)[0].item()
            at += 1 + wire.itemsize
        if mask & STATUS:
            (status,) = struct.unpack_from("<I", encoded, at)
            at += 4
        if mask & SOURCE:
            (source,) = struct.unpack_from("<q", encoded, at)
            at += 8
        if mask & SERVER:
            at += 8
        out.append((handle, value, status, source))
    return out


items = st.builds(
    TagItem,
    row=st.just(0),
    handle=st.just(0),
    mode=st.just(REPORTING),
    trigger=st.sampled_from([0, 1, 2]),
    deadband=st.sampled_from([0.0, 0.0, 1.5, 3.0]),
    queue_size=st.sampled_from([1, 1, 2, 3]),
    discard_oldest=st.booleans(),
    stamps=st.sampled_from([SOURCE, SOURCE | SERVER]),
)
statuses = st.sampled_from([Status.Good, Status.Good, Status.Good, Status.UncertainLastUsableValue, Status.BadTimeout])
steps = st.lists(
    st.one_of(
        st.just("publish"),
        st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6), statuses), min_size=1, max_size=6),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=150)
@given(asked=st.lists(items, min_size=6, max_size=6), script=steps)
def test_the_columns_report_what_the_standard_says_item_by_item(
    asked: list[TagItem], script: list[str | list[tuple[int, int, Status]]]
) -> None:
    """Part 4, 5.12.1.5, 7.10 and 7.22.2."""
    table = TagTable([int(kind) for kind in KINDS])
    for row, item in enumerate(asked):
        item.row = item.handle = row
    columns = TagItems(table)
    slots = columns.add(asked)
    columns.sample(slots)
    model = [ModelItem(item) for item in asked]
    current: list[tuple[float, int, int]] = [(0, Status.BadWaitingForInitialData, 0)] * len(KINDS)
    for item in model:
        item.sample(*current[item.asked.row])
    for tick, step in enumerate([*script, "publish"], start=1):
        if step == "publish":
            count, encoded = columns.take(1000)
            got = decode(encoded, KINDS)
            assert len(got) == count
            for item in model:
                mine = [(v, s, t) for handle, v, s, t in got if handle == item.asked.row]
                wanted = [(None if s & 0x80000000 else v, s, t) for v, s, t in item.queue]
                assert mine == wanted
                item.queue.clear()
        else:
            assert not isinstance(step, str)
            for row, value, status in step:
                value = value % 2 if KINDS[row] is DataType.Boolean else value
                cells = to_cells([value], KINDS[row])
                table.commit(
                    Readings(np.array([row], np.int32), cells, np.array([status], np.uint32), np.array([tick]))
                )
                kept = current[row][0] if status & 0x80000000 else value
                current[row] = (kept, int(status), tick)
            columns.sample(slots)
            for item in model:
                item.sample(*current[item.asked.row])


def commit(table: TagTable, rows: list[int], values: list[float], status: int = 0) -> None:
    n = len(rows)
    table.commit(
        Readings(
            np.array(rows, np.int32),
            to_cells(values, DataType.Double),
            np.full(n, status, np.uint32),
            np.full(n, 1, np.int64),
        )
    )


def tag(row: int, **settings: object) -> TagItem:
    wanted: dict[str, object] = {
        "row": row, "handle": row, "mode": REPORTING, "trigger": 1, "deadband": 0.0, "queue_size": 1,
        "discard_oldest": True, "stamps": SOURCE,
    }  # fmt: skip
    return TagItem(**(wanted | settings))  # type: ignore[arg-type]


def test_a_slow_drift_is_reported_once_it_leaves_the_deadband_around_the_last_reported_value() -> None:
    """Part 4, 7.22.2: the deadband compares with the last value that was reported, not with the last sample."""
    table = TagTable([DataType.Double])
    columns = TagItems(table)
    slots = columns.add([tag(0, deadband=1.0)])
    reported = []
    for value in np.arange(0.0, 3.0, 0.25).tolist():
        commit(table, [0], [value])
        columns.sample(slots)
        reported += [value for _, value, _, _ in decode(columns.take(10)[1], [DataType.Double])]
    assert reported == [0.0, 1.25, 2.5]


def test_a_limit_on_notifications_leaves_the_rest_for_the_next_message() -> None:
    """Part 4, 5.13.2.2."""
    table = TagTable([DataType.Double] * 10)
    columns = TagItems(table)
    columns.sample(columns.add([tag(row) for row in range(10)]))
    assert columns.take(4)[0] == 4
    assert columns.waiting
    assert columns.take(100)[0] == 6
    assert not columns.waiting


def test_sampling_items_report_only_when_triggered() -> None:
    """Part 4, 5.12.1.6: a triggered item reports what its queue holds, once."""
    table = TagTable([DataType.Double] * 2)
    columns = TagItems(table)
    slots = columns.add([tag(0, mode=sampling.SAMPLING, queue_size=2)])
    for value in (1.0, 2.0, 3.0):
        commit(table, [0], [value])
        columns.sample(slots)
    assert not columns.waiting
    columns.armed[slots] = True
    assert [v for _, v, _, _ in decode(columns.take(10)[1], [DataType.Double])] == [2.0, 3.0]
    commit(table, [0], [4.0])
    columns.sample(slots)
    assert not columns.waiting


def test_a_disabled_item_keeps_nothing_and_starts_afresh() -> None:
    """Part 4, 5.12.1.3."""
    table = TagTable([DataType.Double])
    columns = TagItems(table)
    slots = columns.add([tag(0, queue_size=5)])
    commit(table, [0], [1.0])
    columns.sample(slots)
    columns.set_mode(slots, sampling.DISABLED)
    assert columns.take(10)[0] == 0
    columns.set_mode(slots, REPORTING)
    columns.sample(slots)
    assert [v for _, v, _, _ in decode(columns.take(10)[1], [DataType.Double])] == [1.0]


def test_a_slot_that_is_used_again_remembers_nothing() -> None:
    table = TagTable([DataType.Double] * 2)
    columns = TagItems(table)
    first = columns.add([tag(0)])
    columns.sample(first)
    columns.remove(first)
    second = columns.add([tag(1)])
    assert second.tolist() == first.tolist()
    commit(table, [0, 1], [7.0, 8.0])
    columns.sample(second)
    assert [(h, v) for h, v, _, _ in decode(columns.take(10)[1], [DataType.Double] * 2)] == [(1, 8.0)]


def test_queues_that_nobody_reads_stay_within_their_sizes() -> None:
    table = TagTable([DataType.Double])
    columns = TagItems(table)
    slots = columns.add([tag(0, queue_size=3)])
    for value in range(10_000):
        commit(table, [0], [float(value)])
        columns.sample(slots)
    assert columns._waiting_count <= 12
    assert [v for _, v, _, _ in decode(columns.take(10)[1], [DataType.Double])] == [9997.0, 9998.0, 9999.0]


@pytest.mark.parametrize("kind", [kind for kind in DataType if kind in WIRE])
def test_every_fixed_size_type_goes_out_exactly(kind: DataType) -> None:
    """Part 6, 5.2.2."""
    wire = WIRE[kind]
    if kind is DataType.Boolean:
        values: list[float] = [0, 1]
    elif wire.kind == "f":
        values = [0.0, -1.5, 3.25, float("inf")]
    else:
        values = [int(np.iinfo(wire).min), 0, int(np.iinfo(wire).max)]
    table = TagTable([kind] * len(values))
    columns = TagItems(table)
    rows = np.arange(len(values), dtype=np.int32)
    stamps = np.ones(len(values), np.int64)
    table.commit(Readings(rows, to_cells(values, kind), np.zeros(len(values), np.uint32), stamps))
    columns.sample(columns.add([tag(row) for row in range(len(values))]))
    assert [v for _, v, _, _ in decode(columns.take(100)[1], [kind] * len(values))] == values
