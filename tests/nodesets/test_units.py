"""Units of UNECE Recommendation 20."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from nodesets.units import nearest, unit, unit_id

TABLE = Path(__file__).parents[2] / "nodesets" / "unece_units.csv"


@pytest.mark.parametrize(
    ("code", "symbol", "name", "number"),
    [
        ("CEL", "°C", "degree Celsius", 4408652),
        ("KEL", "K", "kelvin", 4932940),
        ("P1", "%", "percent", 20529),
        ("MTR", "m", "metre", 5067858),
        ("BAR", "bar", "bar [unit of pressure]", 4342098),
        ("C16", "mm/s", "millimetre per second", 4403510),
        ("MQH", "m³/h", "cubic metre per hour", 5067080),
        ("L2", "l/min", "litre per minute", 19506),
        ("RPM", "r/min", "revolutions per minute", 5394509),
    ],
)
def test_a_unit_has_the_symbol_name_and_unit_id_of_the_standard(code: str, symbol: str, name: str, number: int) -> None:
    found = unit(code)
    assert (found.symbol, found.name, found.unit_id, unit_id(code)) == (symbol, name, number, number)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("°C", "CEL"), ("degC", "CEL"), ("celsius", "CEL"), ("rpm", "RPM"), ("m3/h", "MQH"), ("m³/h", "MQH"),
        ("%", "P1"), ("kW", "KWT"), ("MW", "MAW"), ("mW", "C31"), ("kWh", "KWH"), ("bar", "BAR"), ("mbar", "MBR"),
        ("psi", "PS"), ("Nm", "NU"), ("V", "VLT"), ("Hz", "HTZ"), ("µS/cm", "G42"), ("uS/cm", "G42"), ("l/min", "L2"),
        ("mm/s", "C16"), ("pascal", "PAL"), ("CELL", "CEL"), ("cel", "CEL"), ("degree celcius", "CEL"), ("mmHg", "HN"),
    ],
)  # fmt: skip
def test_a_symbol_or_a_slip_leads_to_the_code(text: str, code: str) -> None:
    assert nearest(text)[0] == code


def test_what_resembles_nothing_leads_nowhere() -> None:
    assert nearest("xyzzy!") == []


def test_an_unknown_code_raises_key_error() -> None:
    with pytest.raises(KeyError):
        unit("°C")


def test_the_table_has_several_hundred_codes_each_once_and_well_formed() -> None:
    with TABLE.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    codes = [row["code"] for row in rows]
    assert len(codes) == len(set(codes)) > 500
    assert all(code.isascii() and code.isalnum() and code.isupper() | code.isdigit() for code in codes)
    assert all(row["name"] and len(row) == 3 for row in rows)
