"""What is wrong with a configuration is said with the key at fault and a cure, and nothing else is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from drivers import modbus
from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.registry import driver_type

Tag = Callable[..., Binding]
T = DataType


def problems(bindings: list[Binding], **settings: object) -> list[tuple[int | None, str, str]]:
    found = modbus.check(modbus.connection_model(host="x", **settings), bindings)
    return [(item.binding, item.key, item.message) for item in found]


WRONG: list[tuple[T, dict[str, Any], str, str]] = [
    (T.Float, {"address": 65535}, "address", "at most 65534"),
    (T.UInt16, {"address": 70000}, "address", "0 to 65535"),
    (T.UInt16, {"address": 400001}, "address", "addresses: modicon"),
    (T.Boolean, {"address": 5, "table": "coil", "type": "uint16"}, "type", "leave out `type`"),
    (T.Float, {"address": 5, "type": "string", "length": 2}, "type", "only `type: string` and String"),
    (T.String, {"address": 5, "type": "uint16"}, "type", "only `type: string` and String"),
    (T.ByteString, {"address": 5, "type": "string", "length": 1}, "type", "does not fit"),
    (T.DateTime, {"address": 5}, "type", "cannot come from Modbus"),
    (T.String, {"address": 5}, "length", "needs `length`"),
    (T.Float, {"address": 5, "length": 4}, "length", "only a string"),
    (T.Boolean, {"address": 5, "bit": 3, "table": "coil"}, "bit", "leave out `bit`"),
    (T.Boolean, {"address": 5, "bit": 3, "type": "float32"}, "bit", "leave out `type`"),
    (T.Float, {"address": 5, "scale": 0.0}, "scale", "1 for none"),
    (T.Boolean, {"address": 5, "scale": 2.0}, "scale", "no meaning"),
    (T.String, {"address": 5, "length": 2, "offset": 2.0}, "offset", "no meaning"),
    (T.Int16, {"address": 5, "no_data": math.nan}, "no_data", "whole number"),
    (T.Int16, {"address": 5, "no_data": 70000}, "no_data", "-32768 to 65535"),
    (T.String, {"address": 5, "length": 2, "no_data": 0}, "no_data", "remove"),
]


@pytest.mark.parametrize(("data_type", "point", "key", "cure"), WRONG)
def test_each_mistake_is_named_with_its_key_and_a_cure(
    tag: Tag, data_type: T, point: dict[str, Any], key: str, cure: str
) -> None:
    ((index, found, message),) = problems([tag(0, T.UInt16, address=60000), tag(1, data_type, **point)])
    assert (index, found) == (1, key)
    assert cure in message


@pytest.mark.parametrize("table", ["input", "discrete"])
def test_a_command_cannot_go_to_a_table_that_is_only_read(tag: Tag, table: str) -> None:
    ((_, key, message),) = problems([tag(0, T.Boolean, address=0, table=table, writable=True)])
    assert key == "table"
    assert "can only be read" in message


def test_a_value_longer_than_one_request_is_refused(tag: Tag) -> None:
    assert problems([tag(0, T.Float, array_length=62, address=0)]) == []
    ((_, key, message),) = problems([tag(0, T.Float, array_length=63, address=0)])
    assert (key, "126 registers" in message) == ("type", True)
    ((_, key, _),) = problems([tag(0, T.String, address=0, length=60)], max_registers=50)
    assert key == "length"


def test_an_array_of_bits_out_of_one_register_or_of_text_is_refused(tag: Tag) -> None:
    assert [key for _, key, _ in problems([tag(0, T.Boolean, array_length=4, address=0, bit=1)])] == ["bit"]
    assert [key for _, key, _ in problems([tag(0, T.String, array_length=4, address=0, length=2)])] == ["type"]


def test_a_value_that_begins_within_another_is_an_error_and_names_it(tag: Tag) -> None:
    ((index, key, message),) = problems([tag(0, address=100), tag(1, address=101), tag(2, address=103)][:2])
    assert (index, key) == (1, "address")
    assert "Plant/Tag0" in message
    assert "next free address is 102" in message


def test_views_of_the_same_registers_are_no_error(tag: Tag) -> None:
    same = [tag(0, T.UInt32, address=10), tag(1, T.Float, address=10), tag(2, T.UInt16, address=11)]
    bits = [tag(3 + bit, T.Boolean, address=11, bit=bit) for bit in range(16)]
    elements = [tag(20, array_length=10, address=200), tag(21, address=204)]
    elsewhere = [tag(30, address=11, table="input"), tag(31, address=11, unit=2)]
    assert problems(same + bits + elements + elsewhere) == []


def test_a_value_across_the_elements_of_an_array_is_an_error(tag: Tag) -> None:
    assert [key for _, key, _ in problems([tag(20, array_length=10, address=200), tag(21, address=203)])] == ["address"]


def test_all_mistakes_are_found_at_once(tag: Tag) -> None:
    found = problems([tag(0, T.Float, address=0, scale=0.0, length=3), tag(1, T.DateTime, address=2)])
    assert [(index, key) for index, key, _ in found] == [(0, "length"), (0, "scale"), (1, "type")]


NOTATIONS: list[tuple[str, dict[str, Any], str]] = [
    ("zero_based", {"address": 0}, "holding 0..0"),
    ("one_based", {"address": 1}, "holding 1..1"),
    ("one_based", {"address": 65536, "table": "input"}, "input 65536..65536"),
    ("modicon", {"address": 40001}, "holding 40001..40001"),
    ("modicon", {"address": 400001}, "holding 40001..40001"),
    ("modicon", {"address": 465536}, "holding 465536..465536"),
    ("modicon", {"address": 30010}, "input 30010..30010"),
    ("modicon", {"address": 10001}, "discrete 10001..10001"),
    ("modicon", {"address": 7}, "coil 7..7"),
    ("modicon", {"address": 10001, "table": "coil"}, "coil 10001..10001"),
]


@pytest.mark.parametrize(("notation", "point", "shown"), NOTATIONS)
def test_addresses_are_shown_in_the_notation_they_were_written_in(
    tag: Tag, notation: str, point: dict[str, Any], shown: str
) -> None:
    bits = point.get("table") == "coil" or shown.startswith(("discrete", "coil"))
    binding = tag(0, T.Boolean if bits else T.UInt16, **point)
    assert problems([binding], addresses=notation) == []
    report = modbus.report(modbus.connection_model(host="x", addresses=notation), [binding])
    assert shown in report.requests[0].what


@pytest.mark.parametrize(
    ("notation", "point", "cure"),
    [
        ("one_based", {"address": 0}, "zero_based"),
        ("modicon", {"address": 20001}, "40001.. a holding register"),
        ("modicon", {"address": 40000}, "40001.."),
        ("modicon", {"address": 465537}, "65536"),
        ("modicon", {"address": 30001, "table": "holding"}, "leave out `table`"),
    ],
)
def test_an_address_that_cannot_be_is_refused_in_its_notation(
    tag: Tag, notation: str, point: dict[str, Any], cure: str
) -> None:
    ((_, key, message),) = problems([tag(0, T.UInt16, **point)], addresses=notation)
    assert key == "address"
    assert cure in message


def test_the_report_counts_requests_bytes_and_load(tag: Tag) -> None:
    tags = [
        *[tag(index, address=100 + 2 * index) for index in range(25)],
        tag(90, T.Boolean, table="coil", address=3, rate_s=0.5),
    ]
    report = modbus.report(modbus.connection_model(host="x", pause_s=0.01), tags)
    assert [(item.what, item.rate_s, item.tags, item.bytes_on_wire) for item in report.requests] == [
        ("unit 1 coil 3..3 (1 coil)", 0.5, 1, 22),
        ("unit 1 holding 100..149 (50 registers)", 1.0, 25, 121),
    ]
    assert (report.requests_per_s, report.bytes_per_s) == (3.0, 165.0)
    assert report.load == pytest.approx(0.06)


def test_points_and_connections_refuse_unknown_keys_and_wrong_types() -> None:
    point = TypeAdapter(modbus.point_model)
    assert point.validate_python({"address": 5, "scale": 2}).scale == 2
    for wrong in ({"address": "5"}, {"address": True}, {"address": 5, "adress": 6}, {"address": 5, "unit": 256}):
        with pytest.raises(ValidationError):
            point.validate_python(wrong)
    for wrong in ({"host": "x", "prot": 5}, {"host": "x", "port": "502"}, {"host": ""}):
        with pytest.raises(ValidationError):
            modbus.connection_model.model_validate(wrong)


def test_every_option_has_a_description() -> None:
    for schema in (modbus.connection_model.model_json_schema(), TypeAdapter(modbus.point_model).json_schema()):
        assert all("description" in option for option in schema["properties"].values())


def test_the_driver_is_found_by_its_entry_point() -> None:
    assert driver_type("modbus") is modbus


def test_a_slow_serial_line_is_loaded_by_the_time_its_bytes_take(tag: Tag) -> None:
    """8 + 5 + 200 bytes at 11 bits are 0.244 s at 9,600 bit/s."""
    tags = [tag(row, address=2 * row) for row in range(50)]
    report = modbus.report(modbus.connection_model(transport="rtu", device="x", baud_rate=9600), tags)
    (request,) = report.requests
    assert request.bytes_on_wire == 213
    assert report.load == pytest.approx(0.01 + 213 * 11 / 9600 + 2 * 3.5 * 11 / 9600)
