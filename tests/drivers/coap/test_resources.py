"""Tags are grouped by resource, and one payload becomes readings of all of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from drivers.coap.answer import Answer
from drivers.coap.columns import Columns
from drivers.coap.resources import Resource, observed, polled, read_address, write_address
from drivers.data_types import DataType
from drivers.driver import Binding, Traffic
from drivers.readings import UNIX_EPOCH_TICKS, Readings
from drivers.status import Status
from tests.drivers.coap.helpers import Bind, Table

NOW = UNIX_EPOCH_TICKS + 1_700_000_000 * 10_000_000


def decoded(bindings: list[Binding], answer: Answer, *, complete: bool = True) -> tuple[Table, Traffic]:
    traffic, columns = Traffic(), Columns()
    Resource(read_address(bindings[0].point), 1.0, bindings).decode(answer, NOW, columns, traffic, complete=complete)
    return Table.of(tuple(bindings), columns.batch()), traffic


def content(value: object, content_format: int | None = 50) -> Answer:
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Answer(0x45, payload, content_format)


def test_tags_of_one_resource_and_rate_share_one_request(bind: Bind) -> None:
    tags = [
        bind(0, "/w", observe=False, value="$.a"),
        bind(1, "/w", observe=False, value="$.b"),
        bind(2, "/w", observe=False, value="$.c", rate_s=10.0),
        bind(3, "/w", observe=False, query="unit=F"),
        bind(4, "/w", observe=True, rate_s=5.0),
        bind(5, "/w", observe=True, rate_s=2.0, value="$.b"),
        bind(6, "/only-written", read=False, writable=True),
    ]
    assert [(str(r.address), r.rate_s, r.rows.tolist()) for r in polled(tags)] == [
        ("/w", 1.0, [0, 1]),
        ("/w", 10.0, [2]),
        ("/w?unit=F", 1.0, [3]),
    ]
    assert [(str(r.address), r.rate_s, r.rows.tolist()) for r in observed(tags)] == [("/w", 2.0, [4, 5])]


def test_one_payload_feeds_tags_of_many_types(bind: Bind) -> None:
    kinds = {
        "d": (DataType.Double, 21.5),
        "f": (DataType.Float, 0.1),
        "b": (DataType.Boolean, True),
        "i": (DataType.Int16, -7),
        "u": (DataType.UInt64, 2**64 - 1),
        "s": (DataType.String, "running"),
    }
    tags = [bind(row, "/w", kind, value=f"$.{key}") for row, (key, (kind, _)) in enumerate(kinds.items())]
    table, traffic = decoded(tags, content({key: value for key, (_, value) in kinds.items()}))
    assert table.value == {0: 21.5, 1: float(np.float32(0.1)), 2: 1, 3: -7, 4: 2**64 - 1, 5: "running"}
    assert set(table.status.values()) == {Status.Good}
    assert traffic.malformed == 0


def test_timestamp_quality_and_scale_come_from_the_payload(bind: Bind) -> None:
    tag = bind(0, "/w", value="$.v", timestamp="$.ts", quality="$.q", scale=0.1, offset=-40)
    table, _ = decoded([tag], content({"v": 615, "ts": 1_600_000_000, "q": "uncertain"}))
    assert table.value[0] == pytest.approx(21.5)
    assert table.status[0] == Status.Uncertain
    assert table.ticks[0] == UNIX_EPOCH_TICKS + 1_600_000_000 * 10_000_000


def test_the_content_format_decides_how_a_payload_is_read(bind: Bind) -> None:
    tag = bind(0, "/w", value="$.v", name="t")
    for answer in (
        content({"v": 4}),
        content({"v": 4}, None),
        content({"v": 4}, 0),  # JSON that calls itself text
        content(bytes.fromhex("a1617604"), 60),
        content([{"n": "t", "v": 4}, {"n": "h", "v": 5}], 110),
        content(bytes.fromhex("82a2006174020 4a200616802 05".replace(" ", "")), 112),
    ):
        table, traffic = decoded([tag], answer)
        assert table.value == {0: 4.0}, (answer, traffic.last_malformed)


def test_arrays_and_bytes_travel_in_the_side_list(bind: Bind) -> None:
    spectrum = bind(0, "/w", DataType.Float, value="$.spectrum", array_length=3)
    raw = bind(1, "/w", DataType.ByteString, value="$.raw")
    table, _ = decoded([spectrum, raw], content({"spectrum": [1, 2.5, 3], "raw": "AAE="}))
    assert np.array_equal(np.asarray(table.value[0]), np.array([1, 2.5, 3], "f4"))
    assert table.value[1] == b"\x00\x01"


def test_what_a_payload_does_not_mention_is_no_data_unless_it_is_a_part(bind: Bind) -> None:
    tags = [bind(0, "/w", value="$.a"), bind(1, "/w", value="$.b")]
    table, traffic = decoded(tags, content({"a": 1}))
    assert table.status == {0: Status.Good, 1: Status.BadNoData}
    assert "$.b" in traffic.last_malformed
    table, traffic = decoded(tags, content({"a": 1}), complete=False)
    assert (table.status, traffic.malformed) == ({0: Status.Good}, 0)


def test_garbage_turns_only_what_cannot_be_read_bad(bind: Bind) -> None:
    tags = [bind(0, "/w", value="$.a"), bind(1, "/w", DataType.Byte, value="$.b")]
    table, traffic = decoded(tags, content(b"\xff{"))
    assert table.status == {0: Status.BadDecodingError, 1: Status.BadDecodingError}
    assert (traffic.malformed, "/w" in traffic.last_malformed) == (1, True)
    table, traffic = decoded(tags, content({"a": 1, "b": 300}))
    assert table.status == {0: Status.Good, 1: Status.BadOutOfRange}
    assert "Twin/Tag1" in traffic.last_malformed


def test_a_refused_reading_is_bad_with_the_reason(bind: Bind) -> None:
    table, _ = decoded([bind(0, "/w")], Answer(0x84, b"gone"))
    assert table.status == {0: Status.BadConfigurationError}


def test_an_empty_batch_has_its_columns() -> None:
    batch = Columns().batch()
    assert isinstance(batch, Readings)
    assert (len(batch), batch.row.dtype, batch.value.dtype) == (0, np.int32, np.uint64)


def test_a_command_goes_where_it_says_or_where_it_is_read(bind: Bind) -> None:
    assert str(write_address(bind(0, "/sp", query="u=C").point)) == "/sp?u=C"
    assert str(write_address(bind(0, "/state", write_path="/set", write_query="v=1").point)) == "/set?v=1"
