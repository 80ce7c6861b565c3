"""The codec, by bytes as they go over the wire."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.data_types import CELL_VIEW, DataType
from drivers.driver import Binding
from drivers.errors import ValueNotAccepted
from drivers.modbus import connection_model, point_model
from drivers.modbus.codec import encode
from drivers.modbus.plan import Targets, plan_reads
from drivers.readings import Readings
from drivers.status import Status

Tag = Callable[..., Binding]
LINE = connection_model(host="x")


def decode(binding: Binding, data: bytes) -> Readings:
    """The readings of one tag whose block answers these bytes."""
    (group,) = plan_reads(LINE, Targets.of(LINE, [binding]))
    return group.plan.readings([data], [0], [7])


def value_of(readings: Readings, data_type: DataType) -> Any:
    if readings.side:
        return readings.side[0]
    return readings.value.view(CELL_VIEW[data_type])[0].item()


T = DataType
WIRE_VALUES: list[tuple[T, dict[str, Any], str, Any]] = [
    (T.Int16, {}, "ff fe", -2),
    (T.UInt16, {}, "ff fe", 65534),
    (T.UInt16, {"byte_order": "little"}, "fe ff", 65534),
    (T.Int32, {}, "ff ff ff fe", -2),
    (T.UInt32, {}, "01 02 03 04", 0x01020304),
    (T.UInt32, {"word_order": "little"}, "03 04 01 02", 0x01020304),
    (T.UInt32, {"byte_order": "little"}, "02 01 04 03", 0x01020304),
    (T.UInt32, {"byte_order": "little", "word_order": "little"}, "04 03 02 01", 0x01020304),
    (T.Int64, {}, "ff ff ff ff ff ff ff fe", -2),
    (T.UInt64, {}, "ff ff ff ff ff ff ff fe", 2**64 - 2),
    (T.UInt64, {"word_order": "little"}, "07 08 05 06 03 04 01 02", 0x0102030405060708),
    (T.UInt64, {"byte_order": "little"}, "02 01 04 03 06 05 08 07", 0x0102030405060708),
    (T.Float, {}, "41 ac 00 00", 21.5),
    (T.Float, {"word_order": "little"}, "00 00 41 ac", 21.5),
    (T.Float, {"byte_order": "little"}, "ac 41 00 00", 21.5),
    (T.Float, {"byte_order": "little", "word_order": "little"}, "00 00 ac 41", 21.5),
    (T.Float, {"type": "float16"}, "3e 00", 1.5),
    (T.Double, {}, "3f f8 00 00 00 00 00 00", 1.5),
    (T.Double, {"type": "float32"}, "3f c0 00 00", 1.5),
    (T.UInt16, {"type": "bcd16"}, "12 34", 1234),
    (T.UInt32, {"type": "bcd32"}, "12 34 56 78", 12345678),
    (T.UInt32, {"type": "bcd32", "word_order": "little"}, "56 78 12 34", 12345678),
    (T.Float, {"type": "int16", "scale": 0.1, "offset": -10}, "01 00", np.float32(15.6).item()),
    (T.Int16, {"type": "uint16", "scale": 0.5}, "00 07", 4),
    (T.Boolean, {}, "00 02", 1),
    (T.String, {"length": 3}, "50 75 6d 70 00 00", "Pump"),
    (T.String, {"length": 3, "byte_order": "little"}, "75 50 70 6d 20 33", "Pump3"),
    (T.ByteString, {"length": 2}, "00 01 02 03", b"\0\1\2\3"),
]


@pytest.mark.parametrize(("data_type", "point", "wire", "value"), WIRE_VALUES)
def test_bytes_on_the_wire_become_the_value_in_every_type_and_order(
    tag: Tag, data_type: T, point: dict[str, Any], wire: str, value: Any
) -> None:
    readings = decode(tag(3, data_type, address=0, **point), bytes.fromhex(wire))
    assert value_of(readings, data_type) == value
    assert (readings.status[0], readings.row[0], readings.source_ticks[0]) == (Status.Good, 3, 7)


ROUNDED = {"00 07", "00 02", "75 50 70 6d 20 33"}


@pytest.mark.parametrize(
    ("data_type", "point", "wire", "value"), [case for case in WIRE_VALUES if case[2] not in ROUNDED]
)
def test_writing_a_value_gives_the_bytes_it_was_read_from(
    tag: Tag, data_type: T, point: dict[str, Any], wire: str, value: Any
) -> None:
    layout = Targets.of(LINE, [tag(0, data_type, address=0, **point)]).layouts[0]
    assert encode(layout, value).hex(" ") == wire


@pytest.mark.parametrize(
    ("bit", "wire", "value"), [(0, "00 01", 1), (15, "80 00", 1), (7, "ff 7f", 0), (8, "01 00", 1)]
)
def test_a_bit_of_a_register_is_counted_from_the_lowest(tag: Tag, bit: int, wire: str, value: int) -> None:
    readings = decode(tag(0, T.Boolean, address=0, bit=bit), bytes.fromhex(wire))
    assert value_of(readings, T.Boolean) == value


def test_coils_are_packed_lowest_bit_first(tag: Tag) -> None:
    tags = [tag(index, T.Boolean, table="coil", address=index) for index in range(10)]
    (group,) = plan_reads(LINE, Targets.of(LINE, tags))
    readings = group.plan.readings([bytes([0b00000101, 0b10])], [0], [0])
    assert readings.value.tolist() == [1, 0, 1, 0, 0, 0, 0, 0, 0, 1]


def test_an_array_comes_as_one_value_and_goes_back_the_same(tag: Tag) -> None:
    binding = tag(0, T.Int32, array_length=3, address=0, type="int16", word_order="little")
    wire = bytes.fromhex("00 01 ff ff 7f ff")
    value = value_of(decode(binding, wire), T.Int32)
    assert value.dtype == np.dtype("<i4")
    assert value.tolist() == [1, -1, 32767]
    assert encode(Targets.of(LINE, [binding]).layouts[0], value) == wire


@pytest.mark.parametrize(
    ("data_type", "point", "wire"),
    [
        (T.Int16, {"type": "uint16"}, "80 00"),
        (T.Byte, {}, "01 00"),
        (T.SByte, {}, "ff 7f"),
        (T.UInt16, {"type": "int16"}, "ff ff"),
        (T.Int64, {"type": "uint64"}, "80 00 00 00 00 00 00 00"),
        (T.UInt64, {"type": "int64"}, "80 00 00 00 00 00 00 00"),
        (T.Int32, {"type": "float32"}, "7f c0 00 00"),  # NaN
        (T.Int32, {"type": "float32"}, "4f 00 00 00"),  # 2**31
        (T.Float, {"type": "float64"}, "7f 00 00 00 00 00 00 00"),
        (T.Boolean, {"type": "float32"}, "7f c0 00 00"),
        (T.UInt16, {"scale": 2.0}, "80 00"),
    ],
)
def test_a_value_the_tag_cannot_hold_is_bad_out_of_range(
    tag: Tag, data_type: T, point: dict[str, Any], wire: str
) -> None:
    assert decode(tag(0, data_type, address=0, **point), bytes.fromhex(wire)).status[0] == Status.BadOutOfRange


@pytest.mark.parametrize(
    ("data_type", "no_data", "wire"),
    [
        (T.Int16, 0x8000, "80 00"),
        (T.Int16, -32768, "80 00"),
        (T.UInt16, 0xFFFF, "ff ff"),
        (T.Float, math.nan, "7f c0 00 00"),
        (T.Float, -9999.9, "c6 1c 3f 9a"),
        (T.Double, math.nan, "7f f8 00 00 00 00 00 00"),
    ],
)
def test_the_mark_for_no_data_is_a_sensor_failure(tag: Tag, data_type: T, no_data: float, wire: str) -> None:
    binding = tag(0, data_type, address=0, no_data=no_data)
    assert decode(binding, bytes.fromhex(wire)).status[0] == Status.BadSensorFailure
    assert decode(binding, bytes(len(bytes.fromhex(wire)))).status[0] == Status.Good
    with pytest.raises(ValueNotAccepted, match="no data"):
        encode(Targets.of(LINE, [binding]).layouts[0], no_data if no_data != 0x8000 else -32768)


def test_nan_and_infinity_stay_values_where_nothing_else_is_said(tag: Tag) -> None:
    readings = decode(tag(0, T.Float, address=0), bytes.fromhex("7f c0 00 00"))
    assert readings.status[0] == Status.Good
    assert math.isnan(value_of(readings, T.Float))
    assert value_of(decode(tag(0, T.Float, address=0), bytes.fromhex("ff 80 00 00")), T.Float) == -math.inf


@pytest.mark.parametrize(
    ("data_type", "point", "wire"),
    [(T.UInt16, {"type": "bcd16"}, "12 3a"), (T.String, {"length": 1}, "ff fe")],
)
def test_what_is_no_digit_or_no_text_never_becomes_a_value(
    tag: Tag, data_type: T, point: dict[str, Any], wire: str
) -> None:
    assert decode(tag(0, data_type, address=0, **point), bytes.fromhex(wire)).status[0] == Status.BadDecodingError


def test_one_wrong_value_leaves_its_neighbours_good(tag: Tag) -> None:
    tags = [tag(index, T.Int16, address=index, type="uint16") for index in range(3)]
    (group,) = plan_reads(LINE, Targets.of(LINE, tags))
    readings = group.plan.readings([bytes.fromhex("00 01 ff ff 00 03")], [0], [0])
    assert readings.status.tolist() == [0, Status.BadOutOfRange, 0]
    assert readings.value[[0, 2]].tolist() == [1, 3]


@pytest.mark.parametrize(
    ("data_type", "point", "value"),
    [
        (T.Int16, {}, 32768),
        (T.UInt16, {}, -1),
        (T.UInt16, {}, "7"),
        (T.UInt16, {}, [1, 2]),
        (T.Float, {"type": "int16", "scale": 0.1}, 3276.8),
        (T.Float, {"type": "int16", "scale": 0.1}, math.nan),
        (T.Double, {"type": "float32"}, 1e39),
        (T.Double, {"type": "float16"}, 1e6),
        (T.UInt16, {"type": "bcd16"}, 10_000),
        (T.Int32, {"type": "bcd32"}, -1),
        (T.String, {"length": 2}, "Pumps"),
        (T.String, {"length": 2}, 5),
        (T.ByteString, {"length": 1}, b"abc"),
        (T.UInt64, {}, 2**64),
    ],
)
def test_a_value_the_device_cannot_hold_is_refused_before_anything_is_sent(
    tag: Tag, data_type: T, point: dict[str, Any], value: object
) -> None:
    layout = Targets.of(LINE, [tag(0, data_type, address=0, **point)]).layouts[0]
    with pytest.raises(ValueNotAccepted):
        encode(layout, value)


ORDERS = st.sampled_from(["big", "little"])
INTEGERS = {T.Int16: (-(2**15), 2**15 - 1), T.UInt16: (0, 2**16 - 1), T.Int32: (-(2**31), 2**31 - 1)}
INTEGERS |= {T.UInt32: (0, 2**32 - 1), T.Int64: (-(2**63), 2**63 - 1), T.UInt64: (0, 2**64 - 1)}


def _round_trip(data_type: T, value: object, array_length: int = 0, **point: Any) -> Any:
    binding = Binding(0, "t", data_type, array_length, point_model(address=5, **point), 1.0, True)
    readings = decode(binding, encode(Targets.of(LINE, [binding]).layouts[0], value))
    assert readings.status[0] == Status.Good
    return value_of(readings, data_type)


@given(st.data(), st.sampled_from(sorted(INTEGERS)), ORDERS, ORDERS)
def test_every_integer_comes_back_as_it_was_written(data: st.DataObject, kind: T, byte: str, word: str) -> None:
    value = data.draw(st.integers(*INTEGERS[kind]))
    assert _round_trip(kind, value, byte_order=byte, word_order=word) == value


@given(st.floats(width=32, allow_nan=False), ORDERS, ORDERS)
def test_every_float_comes_back_as_it_was_written(value: float, byte: str, word: str) -> None:
    assert _round_trip(T.Float, value, byte_order=byte, word_order=word) == value
    assert _round_trip(T.Double, value, byte_order=byte, word_order=word) == value


@given(st.floats(-3000, 3000), st.sampled_from([0.1, 0.5, -0.25, 2.0]), st.sampled_from([0.0, 40.0, -7.5]))
def test_a_scaled_value_comes_back_within_half_a_step(value: float, scale: float, offset: float) -> None:
    back = _round_trip(T.Double, value, type="int32", scale=scale, offset=offset)
    assert abs(back - value) <= abs(scale) / 2 + 1e-9


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20), ORDERS, ORDERS)
def test_every_array_comes_back_as_it_was_written(values: list[int], byte: str, word: str) -> None:
    back = _round_trip(T.Int32, np.array(values), len(values), byte_order=byte, word_order=word)
    assert back.tolist() == values


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20), ORDERS)
def test_every_text_comes_back_but_for_blanks_at_its_end(text: str, byte: str) -> None:
    assert _round_trip(T.String, text, length=60, byte_order=byte) == text.rstrip(" ")
