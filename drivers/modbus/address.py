"""The notations of Modbus addresses: what a plant file writes, and what goes over the wire."""

from __future__ import annotations

from typing import Final

from drivers.modbus.settings import Notation, Table

LAST: Final = 65535
TABLES: Final[tuple[Table, ...]] = ("coil", "discrete", "input", "holding")
_DIGIT: Final[dict[int, Table]] = {0: "coil", 1: "discrete", 3: "input", 4: "holding"}
_FIRST: Final[dict[Table, int]] = {"coil": 1, "discrete": 10001, "input": 30001, "holding": 40001}
_FIRST_LONG: Final[dict[Table, int]] = {"coil": 1, "discrete": 100001, "input": 300001, "holding": 400001}


class ImpossibleAddress(ValueError):
    """An address that no device can have; the message says what would be right."""


def locate(notation: Notation, table: Table | None, address: int) -> tuple[Table, int]:
    """Table and address on the wire (0..65535) of what a point says; raises ImpossibleAddress."""
    if notation == "modicon":
        table, index = _locate_modicon(table, address)
    else:
        table, index = table or "holding", address - (notation == "one_based")
    if not 0 <= index <= LAST:
        raise ImpossibleAddress(_advice(notation, table, address))
    return table, index


def label(notation: Notation, table: Table, index: int) -> int:
    """The address of a wire address as the plant file writes it."""
    if notation == "zero_based":
        return index
    if notation == "one_based":
        return index + 1
    return index + (_FIRST[table] if index < 9999 else _FIRST_LONG[table])


def _locate_modicon(table: Table | None, address: int) -> tuple[Table, int]:
    """Five digits as long as they go (40001..49999), else six; with `table: coil` any number is a coil's."""
    if table == "coil":
        return "coil", address - 1
    digit, number = divmod(address, 10_000 if address < 100_000 else 100_000)
    named = _DIGIT.get(digit)
    if named is None or number == 0:
        raise ImpossibleAddress(_advice("modicon", table, address))
    if table is not None and table != named:
        raise ImpossibleAddress(
            f"address {address} lies in table {named}, not {table}: leave out `table`, or write {_FIRST[table]} "
            f"for the first address of table {table}"
        )
    return named, number - 1


def _advice(notation: Notation, table: Table | None, address: int) -> str:
    if notation == "modicon":
        return (
            f"address {address} is not in modicon notation: 1.. is a coil, 10001.. a discrete input, 30001.. an input "
            "register, 40001.. a holding register (or 100001.., 300001.., 400001.. up to ..65536)"
        )
    first = int(notation == "one_based")
    text = f"address {address} does not exist: table {table} goes from {first} to {LAST + first}"
    if address > LAST + first:
        return f"{text}; if the manual writes 4xxxxx or 3xxxxx, set `addresses: modicon` on the connection"
    return f"{text}; if the manual counts from 0, set `addresses: zero_based` on the connection"
