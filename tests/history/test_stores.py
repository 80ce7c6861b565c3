"""What every store of history must do, held against each of them: the embedded one and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.data_types import DataType, to_cells
from drivers.readings import now_ticks
from server.history.changes import BAD_ENTRY_EXISTS, BAD_NO_ENTRY_EXISTS, GOOD_ENTRY_INSERTED, GOOD_ENTRY_REPLACED
from server.history.sqlite_store import SqliteStore
from server.history.store import HistoryStore, UpdateKind
from tests.simulators.histories import Model, Value, block, samples, values_of
from tests.simulators.postgres import running_postgres

DAY = 86_400 * 10_000_000
T0 = now_ticks() // DAY * DAY - 20 * DAY
"""Some midnight."""
ALWAYS = (-(2**63), 2**63 - 1)
Opener = Callable[[], HistoryStore]


@pytest.fixture(params=["sqlite", "postgres"], scope="module")
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Opener]]:
    """Makes, at each call, an empty place for a store and tells how to open it."""
    numbers = count()
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("stores")

        def of_file() -> Opener:
            path = folder / f"{next(numbers)}.sqlite"
            return lambda: SqliteStore(path, pending_values=40)

        yield of_file
        return
    from server.history.postgres_store import PostgresStore

    with running_postgres() as spec:

        def of_schema() -> Opener:
            own = spec.model_copy(update={"schema_": f"plant{next(numbers)}"})
            return lambda: PostgresStore(own)

        yield of_schema


@pytest.fixture
def open_store(fresh: Callable[[], Opener]) -> Iterator[Opener]:
    opener, opened = fresh(), []

    def opening() -> HistoryStore:
        opened.append(opener())
        return opened[-1]

    yield opening
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Opener) -> HistoryStore:
    return open_store()


def number_of(store: HistoryStore, path: str = "A/T", data_type: int = 11) -> int:
    return int(store.tag_ids([(path, data_type)])[0])


def of(*times: int, cell: int = 7) -> list[Value]:
    return [Value(T0 + time, cell + abs(time)) for time in times]


def put(store: HistoryStore, tag: int, *values: Value) -> None:
    store.append(block([(tag, value) for value in values]))


def test_values_are_read_between_two_times_both_inclusive_in_both_directions(store: HistoryStore) -> None:
    tag = number_of(store)
    put(store, tag, *of(*range(100)))
    assert values_of(store.read(tag, T0 + 10, T0 + 13)) == of(10, 11, 12, 13)
    assert values_of(store.read(tag, T0 + 10, T0 + 13, forward=False)) == of(13, 12, 11, 10)
    assert values_of(store.read(tag, T0 + 10, T0 + 90, 2)) == of(10, 11)
    assert values_of(store.read(tag, T0 + 10, T0 + 90, 2, forward=False)) == of(90, 89)
    assert len(store.read(tag, T0 + 200, T0 + 300)) == 0
    assert store.read(tag, *ALWAYS).data_type == DataType.Double


def test_the_values_next_to_a_time_are_found_over_empty_days(store: HistoryStore) -> None:
    tag, neighbour = number_of(store), number_of(store, "A/U")
    put(store, tag, *of(0, 5 * DAY))
    for day in range(1, 5):
        put(store, neighbour, *of(day * DAY))
    first, last = ALWAYS
    assert values_of(store.read(tag, first, T0 + 5 * DAY - 1, 1, forward=False)) == of(0)
    assert values_of(store.read(tag, T0 + 1, last, 1)) == of(5 * DAY)
    assert len(store.read(tag, first, T0 - 1, 1, forward=False)) == 0
    assert len(store.read(tag, T0 + 5 * DAY + 1, last, 1)) == 0


def test_late_values_stand_in_their_place_and_what_came_twice_is_there_once(store: HistoryStore) -> None:
    tag = number_of(store)
    for times in ((30, 31), (10, 11), (31, 20), (-3 * DAY,), tuple(range(100, 150)), (10, 120)):
        put(store, tag, *of(*times))
    expected = of(-3 * DAY, 10, 11, 20, 30, 31, *range(100, 150))
    assert values_of(store.read(tag, *ALWAYS)) == expected
    assert values_of(store.read(tag, T0, *ALWAYS[1:], 3)) == of(10, 11, 20)


def test_several_values_of_one_time_stand_side_by_side(store: HistoryStore) -> None:
    """Part 11, 4.4: a historian may hold several values with one timestamp."""
    tag = number_of(store)
    first, second, bad = Value(T0, 5), Value(T0, 2**63 + 5), Value(T0, 0, 0x80310000)
    put(store, tag, second, first)
    put(store, tag, bad, first)
    assert values_of(store.read(tag, *ALWAYS)) == [bad, first, second]
    assert values_of(store.read(tag, *ALWAYS, 2, forward=False)) == [second, first]


def test_every_type_comes_back_bit_by_bit_with_both_times_and_status(open_store: Opener) -> None:
    numbers = {
        DataType.Boolean: [0, 1],
        DataType.Int64: [-(2**63), 2**63 - 1, -1],
        DataType.UInt64: [0, 2**64 - 1],
        DataType.Float: [23.7, -1e30, float("inf")],
        DataType.Double: [0.1 + 0.2, 5e-324, -1.7e308, float("nan"), 1 / 3],
        DataType.DateTime: [0, T0],
    }
    store, given = open_store(), {}
    for kind, values in numbers.items():
        tag = number_of(store, f"Of/{kind.name}", kind)
        cells = to_cells(np.array(values, np.uint64 if kind is DataType.UInt64 else None), kind).tolist()
        given[tag] = [Value(T0 + k, cell, k << 16, T0 + 3 * k) for k, cell in enumerate(cells)]
        put(store, tag, *given[tag])
    store.close()
    again = open_store()
    for tag, values in given.items():
        assert values_of(again.read(tag, *ALWAYS)) == values


def test_text_bytes_and_arrays_are_kept(open_store: Opener) -> None:
    store = open_store()
    tag = number_of(store, "A/Text", DataType.String)
    told: list[object] = ["Grüße", "", b"\0\xff", ["a", "b"], [b"\1"], "Grüße"]
    for k, value in enumerate(told):
        store.append(block([(tag, Value(T0 + k, 0))], {0: value}))
    array = number_of(store, "A/Array", DataType.Double)
    store.append(block([(array, Value(T0, 0)), (array, Value(T0 + 1, 0, 0x80310000))], {0: np.array([1.5, -2.0])}))
    store.close()
    again = open_store()
    found = again.read(tag, *ALWAYS)
    assert [found.side[k] for k in range(len(found))] == told
    assert found.cells.tolist() == [0] * len(told)
    backward = again.read(tag, *ALWAYS, 2, forward=False)
    assert [backward.side[0], backward.side[1]] == ["Grüße", [b"\1"]]
    arrays = again.read(array, *ALWAYS)
    np.testing.assert_array_equal(np.asarray(arrays.side[0]), [1.5, -2.0])
    assert 1 not in arrays.side


def test_a_tag_keeps_its_number_and_gets_another_with_another_type(open_store: Opener) -> None:
    store = open_store()
    first = store.tag_ids([("A/T", 11), ("A/U", 11), ("A/T", 11)]).tolist()
    assert first[0] == first[2] != first[1]
    store.close()
    again = open_store()
    assert again.tag_ids([("A/U", 11), ("A/T", 10), ("A/T", 11)]).tolist() == [first[1], 3, first[0]]
    assert {(tag.path, tag.data_type) for tag in again.tags()} == {("A/T", 11), ("A/U", 11), ("A/T", 10)}


def test_inserting_refuses_times_that_are_there_and_replacing_those_that_are_not(store: HistoryStore) -> None:
    """Part 11, 6.9.2: InsertData, ReplaceData and UpdateData, and the operation results of each value."""
    tag = number_of(store)
    put(store, tag, *of(1, 2, 3))
    new = samples([Value(T0 + 2, 50), Value(T0 + 9, 51)])
    assert store.update(tag, new, UpdateKind.insert, "eve", 1000).tolist() == [BAD_ENTRY_EXISTS, GOOD_ENTRY_INSERTED]
    assert store.update(
        tag, samples([Value(T0 + 1, 60), Value(T0 + 7, 61)]), UpdateKind.replace, "eve", 2000
    ).tolist() == [
        GOOD_ENTRY_REPLACED,
        BAD_NO_ENTRY_EXISTS,
    ]
    assert store.update(
        tag, samples([Value(T0 + 9, 70), Value(T0 + 8, 71)]), UpdateKind.update, "bob", 3000
    ).tolist() == [
        GOOD_ENTRY_REPLACED,
        GOOD_ENTRY_INSERTED,
    ]
    held = [(value.source - T0, value.cell) for value in values_of(store.read(tag, *ALWAYS))]
    assert held == [(1, 60), (2, 9), (3, 10), (8, 71), (9, 70)]
    modified = store.modified(tag, *ALWAYS)
    assert [(value.source - T0, value.cell) for value in values_of(modified.samples)] == [(1, 8), (9, 51)]
    assert modified.modified_ticks.tolist() == [2000, 3000]
    assert modified.kinds.tolist() == [UpdateKind.replace, UpdateKind.update]
    assert list(modified.users) == ["eve", "bob"]


def test_deleted_values_can_be_read_as_modified_ones(store: HistoryStore) -> None:
    tag, neighbour = number_of(store), number_of(store, "A/U")
    put(store, tag, *of(*range(60)))
    put(store, neighbour, *of(*range(60)))
    assert store.delete(tag, T0 + 10, T0 + 20, "eve", 99) == 10
    assert store.delete(tag, T0 + 10, T0 + 20, "eve", 99) == 0
    assert values_of(store.read(tag, T0, T0 + 21)) == of(*range(10), 20, 21)
    assert len(store.read(neighbour, *ALWAYS)) == 60
    modified = store.modified(tag, *ALWAYS, 3, forward=False)
    assert values_of(modified.samples) == of(19, 18, 17)
    assert set(modified.kinds.tolist()) == {UpdateKind.delete}


def test_values_older_than_their_age_are_forgotten(store: HistoryStore) -> None:
    tag = number_of(store)
    put(store, tag, *of(*(day * DAY + k for day in range(4) for k in range(50))))
    store.update(tag, samples([Value(T0, 1)]), UpdateKind.update, "eve", T0)
    assert store.figures().values == 200
    assert store.figures().oldest_ticks == T0
    assert store.retain(T0 + 2 * DAY, 0) == 100
    assert store.figures().oldest_ticks == T0 + 2 * DAY
    assert len(store.read(tag, *ALWAYS)) == store.figures().values == 100
    assert len(store.modified(tag, *ALWAYS).samples) == 0
    put(store, tag, *of(0))
    assert values_of(store.read(tag, *ALWAYS, 1)) == of(0)


def test_the_oldest_values_make_room_when_there_is_too_much(store: HistoryStore) -> None:
    tag = number_of(store)
    generator = np.random.default_rng(1)
    for day in range(10):
        cells = generator.integers(0, 2**63, 3000).tolist()
        put(store, tag, *(Value(T0 + day * DAY + k, cell) for k, cell in enumerate(cells)))
    full = store.figures()
    store.retain(0, full.bytes // 8)
    left = store.read(tag, *ALWAYS)
    assert 0 < len(left) < 30_000
    assert int(left.source_ticks[-1]) == T0 + 9 * DAY + 2999
    assert store.figures().bytes < full.bytes


CELLS = st.sampled_from([0, 1, 7, 2**63, 0x4037B33333333333, 0x4037B00000000000])
TIMES = st.one_of(st.integers(0, 12), st.integers(0, 3).map(lambda day: day * DAY), st.integers(DAY - 3, DAY + 3))
VALUES = st.builds(
    lambda time, cell, status: Value(T0 + time, cell, status, T0 + time + 5),
    TIMES,
    CELLS,
    st.sampled_from([0, 0x40000000]),
)
APPENDS = st.tuples(st.just("append"), st.lists(st.tuples(st.integers(1, 3), VALUES), min_size=1, max_size=12))
UPDATES = st.tuples(
    st.sampled_from([UpdateKind.insert, UpdateKind.replace, UpdateKind.update]),
    st.integers(1, 3),
    st.lists(VALUES, min_size=1, max_size=4),
)
DELETES = st.tuples(st.just("delete"), st.integers(1, 3), TIMES, TIMES)
READS = st.tuples(st.just("read"), st.integers(1, 3), TIMES, TIMES, st.integers(0, 5), st.booleans())
STEPS = st.lists(
    st.one_of(APPENDS, APPENDS, UPDATES, DELETES, READS, st.just(("tidy",)), st.just(("again",))), max_size=14
)


@given(steps=STEPS)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_store_answers_as_a_plain_model_does(fresh: Callable[[], Opener], steps: list[tuple]) -> None:  # type: ignore[type-arg]
    opener, model = fresh(), Model()
    store = opener()
    try:
        store.tag_ids([("A", 11), ("B", 11), ("C", 8)])
        for step in [*steps, *(("read", tag, -DAY, 9 * DAY, 0, True) for tag in (1, 2, 3))]:
            if step[0] == "again":
                store.close()
                store = opener()
            else:
                _take(store, model, step)
    finally:
        store.close()


def _take(store: HistoryStore, model: Model, step: tuple) -> None:  # type: ignore[type-arg]
    match step:
        case ("append", values):
            store.append(block(values))
            model.append(values)
        case ("tidy",):
            store.tidy(1.0)
        case ("delete", tag, start, end):
            times = {time for time in model.times(tag) if T0 + start <= time < T0 + end}
            assert store.delete(tag, T0 + start, T0 + end, "eve", 1) == model.remove(tag, times)
        case ("read", tag, start, end, limit, forward):
            found = store.read(tag, T0 + start, T0 + end, limit, forward=forward)
            keys = [(one.source, one.cell, one.status) for one in values_of(found)]
            assert keys == model.read(tag, T0 + start, T0 + end, limit, forward=forward)
        case (kind, tag, values):
            _update(store, model, kind, tag, values)


def _update(store: HistoryStore, model: Model, kind: UpdateKind, tag: int, values: list[Value]) -> None:
    """One after the other, as if each came alone."""
    before, expected = model.times(tag), []
    for value in values:
        exists = value.source in model.times(tag)
        good = exists if kind is UpdateKind.replace else not exists or kind is UpdateKind.update
        if kind is UpdateKind.replace:
            exists = good = value.source in before
        if good:
            model.remove(tag, {value.source})
            model.append([(tag, value)])
            expected.append(GOOD_ENTRY_REPLACED if exists else GOOD_ENTRY_INSERTED)
        else:
            expected.append(BAD_NO_ENTRY_EXISTS if kind is UpdateKind.replace else BAD_ENTRY_EXISTS)
    assert store.update(tag, samples(values), kind, "eve", 1).tolist() == expected
