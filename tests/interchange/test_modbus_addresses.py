"""Addresses as OPC servers, PLC programmers and manuals write them."""

from __future__ import annotations

import pytest

from drivers.data_types import DataType
from server.interchange.modbus_addresses import ModbusAddress, NoAddress, Notation, read_address


@pytest.mark.parametrize(
    ("text", "table", "index", "further"),
    [
        ("400001", "holding", 0, {}),
        ("40001", "holding", 0, {}),
        ("465536", "holding", 65535, {}),
        ("300010", "input", 9, {}),
        ("100007", "discrete", 6, {}),
        ("000001", "coil", 0, {}),
        ("00017", "coil", 16, {}),
        ("400010.5", "holding", 9, {"bit": 5}),
        ("40010/15", "holding", 9, {"bit": 15}),
        ("400001 [10]", "holding", 0, {"elements": 10}),
        ("400001[10]", "holding", 0, {"elements": 10}),
        ("holding 100", "holding", 100, {}),
        ("Holding Register 100", "holding", 100, {}),
        ("input register:5", "input", 5, {}),
        ("coil 3", "coil", 3, {}),
        ("discrete input 2", "discrete", 2, {}),
        ("%MW100", "holding", 100, {}),
        ("%MW100:X3", "holding", 100, {"bit": 3}),
        ("%MF100", "holding", 100, {"data_type": DataType.Float}),
        ("%M7", "coil", 7, {}),
        ("HR1", "holding", 0, {}),
        ("[PLC]HRF10", "holding", 9, {"data_type": DataType.Float}),
        ("ns=1;s=[PLC]3.IRUI7", "input", 6, {"data_type": DataType.UInt32, "unit": 3}),
        ("[PLC]HRBCD_3220", "holding", 19, {"bcd": "bcd32"}),
        ("[PLC]HRS200:20", "holding", 199, {"data_type": DataType.String, "length": 20}),
        ("DI5", "discrete", 4, {}),
    ],
)
def test_an_address_is_understood(text: str, table: str, index: int, further: dict[str, object]) -> None:
    found = read_address(text, "auto", False)
    assert (found.table, found.index) == (table, index)
    for key, value in further.items():
        assert getattr(found, key) == value


@pytest.mark.parametrize(("text", "length", "swapped"), [("400001.20H", 20, False), ("400001.7L", 7, True)])
def test_behind_the_address_of_a_string_stand_its_bytes_and_their_order(text: str, length: int, swapped: bool) -> None:
    found = read_address(text, "auto", True)
    assert (found.length, found.swapped, found.bit) == (length, swapped, None)


@pytest.mark.parametrize(("notation", "index"), [("zero_based", 100), ("one_based", 99)])
def test_bare_numbers_count_as_the_user_says(notation: Notation, index: int) -> None:
    assert read_address("100", notation, False) == ModbusAddress("holding", index)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("100", "may be a coil or any register"),
        ("D100.3", "is no Modbus address"),
        ("DB1.DBD4", "is no Modbus address"),
        ("400001.16", "bit 16 does not exist"),
        ("500001", "not in modicon notation"),
        ("400000", "not in modicon notation"),
        ("000000", "there is no coil -1"),
        ("466000", "does not exist|not in modicon"),
        ("holding 65536", "there is no holding 65536"),
        ("400001 x", "is not understood"),
        ("[PLC]HRS200", "has no length"),
        ("", "is no Modbus address"),
    ],
)
def test_what_is_no_address_is_told_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(NoAddress, match=why):
        read_address(text, "auto", False)
