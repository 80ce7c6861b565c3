"""What docs/importing.md says is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server.interchange.columns import field_of
from server.interchange.modbus_addresses import read_address
from server.interchange.type_words import device_type

TEXT = (Path(__file__).parents[2] / "docs" / "importing.md").read_text("utf-8")


def _row(name: str) -> list[str]:
    return next(line for line in TEXT.splitlines() if line.startswith(f"| {name} |")).split("|")


def test_the_columns_it_names_are_known() -> None:
    names = re.findall(r"^\| ([A-Z][\w ,/]*?) \|", TEXT.split("## Thing")[0], re.MULTILINE)
    words = [word.strip() for name in names for word in re.sub(r"(\w+) Low/High", r"\1 Low, \1 High", name).split(",")]
    assert len(words) > 20
    assert [word for word in words if not field_of(word)] == []


def test_the_data_types_it_names_are_known() -> None:
    words = _row("Data Type")[3].replace("`", "").replace("; also", ",").replace(", ...", "")
    assert [device_type(word.strip()) for word in words.split(",")]


@pytest.mark.parametrize("address", re.findall(r"`([^`]*)`", _row("modbus")[2].split("Bare")[0]))
def test_the_addresses_it_names_are_understood(address: str) -> None:
    if address != "L":
        assert read_address(address, "auto", address.endswith("H"))
