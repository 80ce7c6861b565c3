"""Many numbers of one message at once give what they give one by one."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import mqtt
from drivers.batch import Batch
from drivers.data_types import DataType, from_cells
from drivers.driver import Binding, Traffic
from drivers.mqtt.fields import extractor
from drivers.mqtt.router import Router
from drivers.mqtt.wide import Wide
from drivers.readings import UNIX_EPOCH_TICKS, Readings

NOW = UNIX_EPOCH_TICKS + 10_000_000_000_000
KINDS = [
    DataType.Double,
    DataType.Float,
    DataType.SByte,
    DataType.UInt32,
    DataType.Int16,
    DataType.Double,
    DataType.Int32,
    DataType.Byte,
]
SCALES = [(1.0, 0.0), (0.1, -40.0)]
NUMBER = st.one_of(
    st.integers(-5, 300), st.floats(allow_nan=True, width=32), st.integers(-(2**40), 2**40), st.floats(-1e300, 1e300)
)
ODD = st.one_of(NUMBER, st.none(), st.booleans(), st.sampled_from(["12", "x", "1e3"]), st.just([1]))


def bindings(scale: float, offset: float) -> list[Binding]:
    def point(index: int) -> Any:
        path = f"$.a.v{index}" if index % 3 == 0 else f"$.v{index}"
        return mqtt.point_model(topic="t", value=path, timestamp="$.ts", quality="$.q", scale=scale, offset=offset)

    return [Binding(row, f"T{row}", kind, 0, point(row), 1.0, False) for row, kind in enumerate(KINDS + KINDS)]


def told(tags: list[Binding], payload: bytes) -> tuple[dict[int, tuple[object, int, int]], int]:
    """By row value, status and time, and how many messages were malformed."""
    traffic = Traffic()
    router = Router(mqtt.connection_model(host="x"), tags, traffic, Batch())
    router.message(b"t", payload, False, NOW)
    batch = router.take()
    return {} if batch is None else _by_row(tags, batch), traffic.malformed


def _by_row(tags: list[Binding], batch: Readings) -> dict[int, tuple[object, int, int]]:
    kinds = {tag.row: tag.data_type for tag in tags}
    return {
        row: (
            None if status & 0x80000000 else from_cells(batch.value[at : at + 1], kinds[row])[0].item(),
            status,
            int(batch.source_ticks[at]),
        )
        for at, (row, status) in enumerate(zip(batch.row.tolist(), batch.status.tolist(), strict=True))
    }


@settings(max_examples=150)
@given(
    st.one_of(st.lists(NUMBER, min_size=16, max_size=16), st.lists(ODD, min_size=16, max_size=16)),
    st.sampled_from(SCALES),
    st.sampled_from([None, 1_700_000_000_000, "2026-11-22T12:00:00Z", "soon"]),
    st.sampled_from([None, 192, 0, "uncertain", "what"]),
    st.sets(st.integers(0, 15), max_size=2),
)
def test_a_wide_message_is_read_as_each_tag_alone_would_read_it(
    values: list[object], scaling: tuple[float, float], stamp: object, quality: object, absent: set[int]
) -> None:
    document: dict[str, Any] = {"ts": stamp, "q": quality, "a": {}}
    for index, value in enumerate(values):
        if index not in absent:
            (document["a"] if index % 3 == 0 else document)[f"v{index}"] = value
    payload = json.dumps(document).encode()
    tags = bindings(*scaling)
    together, malformed = told(tags, payload)
    alone = [told([tag], payload) for tag in tags]
    assert together == {row: reading for one, _ in alone for row, reading in one.items()}
    assert malformed == (any(count for row, (_, count) in enumerate(alone) if row not in absent) or len(absent) == 16)


def test_plain_numbers_within_range_take_the_short_way_and_nothing_else_does() -> None:
    document: dict[str, Any] = {"a": {f"v{n}": n for n in range(0, 16, 3)}, **{f"v{n}": n for n in range(16)}}
    batch = Batch()
    tags = bindings(1.0, 0.0)
    wide = Wide.of([(tag.row, extractor(tag), batch.column(tag.data_type, 0), None) for tag in tags])
    assert wide is not None
    assert wide.take(document, NOW)
    readings = batch.take()
    assert readings is not None
    assert _by_row(tags, readings) == {row: (row, 0, NOW) for row in range(16)}
    for odd in (None, True, "1", 1e9, 0.5, float("nan")):
        assert not wide.take({**document, "v2": odd}, NOW)
    assert batch.take() is None
