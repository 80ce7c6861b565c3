"""What cannot work about a connection's tags, found without touching the network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from drivers.data_types import DataType
from drivers.driver import Binding, Problem
from drivers.modbus.address import LAST, ImpossibleAddress, label, locate
from drivers.modbus.layout import HALVES, RAW, SUGGESTED, Definition, Layout, kind_of, layout_of
from drivers.modbus.read_plan import BIT_TABLES
from drivers.modbus.settings import ModbusConnection, Table

_Found = tuple[int, int, int, Layout]
"""A value: start, end (exclusive), index of its binding, layout."""


def check(connection: ModbusConnection, bindings: Sequence[Binding]) -> list[Problem]:
    """All problems; a value of several registers that begins within another one is taken for a wrong address, while
    values that begin together, single registers and bits, and the elements of an array are views of the same."""
    problems: list[Problem] = []
    found: dict[tuple[int, Table], list[_Found]] = {}
    for index, binding in enumerate(bindings):
        try:
            table, start = locate(connection.addresses, binding.point.table, binding.point.address)
        except ImpossibleAddress as error:
            problems.append(Problem(index, "address", str(error)))
            continue
        if binding.point.scale_from is not None:
            try:
                locate(connection.addresses, table, binding.point.scale_from)
            except ImpossibleAddress as error:
                problems.append(Problem(index, "scale_from", str(error)))
                continue
        definition = Definition.of(binding, table, connection)
        wrong = _wrong(definition, binding.writable)
        problems.extend(Problem(index, key, message) for key, message in wrong)
        if not wrong:
            layout = layout_of(definition)
            problems.extend(_too_long(connection, index, table, start, layout))
            unit = connection.unit if binding.point.unit is None else binding.point.unit
            found.setdefault((unit, table), []).append((start, start + layout.size, index, layout))
    for (_, table), values in found.items():
        problems.extend(_overlaps(connection, bindings, table, values))
    return problems


@lru_cache(maxsize=4096)
def _wrong(definition: Definition, writable: bool) -> tuple[tuple[str, str], ...]:
    """(key, message) of what is wrong with a definition wherever it lies."""
    if definition.data_type not in SUGGESTED:
        return (("type", f"a {definition.data_type.name} cannot come from Modbus; make the tag an Int64 or a String"),)
    return (
        *_wrong_type(definition),
        *_wrong_bit(definition),
        *_wrong_byte(definition),
        *_wrong_length(definition),
        *_wrong_scale(definition),
        *_wrong_no_data(definition),
        *_wrong_table(definition, writable),
    )


def _wrong_type(definition: Definition) -> Iterator[tuple[str, str]]:
    kind, tag = kind_of(definition), definition.data_type
    suggested = SUGGESTED[tag]
    if definition.table in BIT_TABLES and kind != "bool":
        yield "type", f"table {definition.table} holds single bits, not {kind}; leave out `type`, or use table holding"
    elif "string" in (kind, suggested) and kind != suggested:
        yield "type", f"{kind} does not fit a {tag.name}; only `type: string` and String go together"
    elif "bytes" in (kind, suggested) and kind != suggested:
        yield "type", f"{kind} does not fit a {tag.name}; only `type: bytes` and ByteString go together"
    if kind in ("string", "bytes") and definition.elements:
        yield "type", f"an array of {tag.name} cannot come from Modbus; make it single tags"


def _wrong_bit(definition: Definition) -> Iterator[tuple[str, str]]:
    if definition.bit is None:
        return
    if definition.table in BIT_TABLES:
        yield "bit", f"table {definition.table} holds single bits; leave out `bit`"
    elif definition.kind not in (None, "bool", "uint16", "int16"):
        yield "bit", f"a bit is taken out of one register, not out of {definition.kind}; leave out `type`"
    elif definition.elements:
        yield "bit", "a bit is one value and the tag is an array; leave out `bit`"


def _wrong_byte(definition: Definition) -> Iterator[tuple[str, str]]:
    if definition.byte is None:
        return
    if kind_of(definition) not in HALVES:
        yield "byte", f"only an int8 or uint8 takes one byte of a register, and this is {kind_of(definition)}"
    elif definition.elements:
        yield "byte", "an array of bytes takes both bytes of each register; leave out `byte`"


def _wrong_length(definition: Definition) -> Iterator[tuple[str, str]]:
    text = kind_of(definition) in ("string", "bytes")
    if text and definition.length is None:
        yield "length", f"a {kind_of(definition)} needs `length`, the registers it takes (two characters each)"
    elif not text and definition.length not in (None, max(1, definition.elements)):
        yield "length", "only a string or bytes have a `length`; that of an array is the tag's own array length"


def _wrong_scale(definition: Definition) -> Iterator[tuple[str, str]]:
    if definition.by_factor and definition.table in BIT_TABLES:
        yield "scale_from", f"table {definition.table} holds single bits; leave out `scale_from`"
    if definition.scale == 0:
        yield "scale", "scale 0 makes every value the same; write the factor from raw value to unit, 1 for none"
    elif definition.scale != 1 or definition.offset or definition.by_factor:
        key = "scale" if definition.scale != 1 else "offset" if definition.offset else "scale_from"
        if kind_of(definition) in ("string", "bytes", "bool") or definition.data_type is DataType.Boolean:
            yield key, f"{key} has no meaning for a {definition.data_type.name} out of {kind_of(definition)}; remove it"


def _wrong_no_data(definition: Definition) -> Iterator[tuple[str, str]]:
    if definition.no_data is None:
        return
    kind, mark = kind_of(definition), definition.no_data
    raw = RAW.get(kind)
    if raw is None or kind == "bool":
        yield "no_data", f"a {kind} has no mark for no data; remove `no_data`"
    elif raw.kind != "f":
        lowest, highest = int(np.iinfo(raw.str).min), 2 ** (8 * raw.itemsize) - 1
        if math.isnan(mark) or mark != int(mark) or not lowest <= mark <= highest:
            yield "no_data", f"{mark} is no raw value of {kind}; write a whole number from {lowest} to {highest}"


def _wrong_table(definition: Definition, writable: bool) -> Iterator[tuple[str, str]]:
    if writable and definition.table in ("discrete", "input"):
        other = "coil" if definition.table == "discrete" else "holding"
        yield "table", f"table {definition.table} can only be read; a command needs table {other}"


def _too_long(connection: ModbusConnection, index: int, table: Table, start: int, layout: Layout) -> Iterator[Problem]:
    most = connection.max_coils if layout.is_bits else connection.max_registers
    what = "coils" if layout.is_bits else "registers"
    if start + layout.size > LAST + 1:
        last = label(connection.addresses, table, LAST + 1 - layout.size)
        yield Problem(index, "address", f"the value takes {layout.size} {what} and runs over the end; at most {last}")
    if layout.size > most:
        key = "length" if layout.raw is None else "type"
        yield Problem(
            index, key, f"the value takes {layout.size} {what}, and one request reads {most}; make it several tags"
        )


def _overlaps(
    connection: ModbusConnection, bindings: Sequence[Binding], table: Table, values: list[_Found]
) -> Iterator[Problem]:
    """Values of several registers that begin within the one before them."""
    before: _Found | None = None
    for value in sorted((item for item in values if item[1] - item[0] > 1), key=lambda item: (item[0], -item[1])):
        if before is not None and before[0] < value[0] < before[1] and not _is_element(before, value):
            first, last = (label(connection.addresses, table, place) for place in (before[0], before[1] - 1))
            yield Problem(
                value[2],
                "address",
                f"begins within {bindings[before[2]].path}, a {before[3].kind} at {table} {first} to {last}; "
                f"the next free address is {last + 1}",
            )
        if before is None or value[1] > before[1]:
            before = value


def _is_element(array: _Found, value: _Found) -> bool:
    """Whether a value covers whole elements of an array."""
    width = array[3].size // max(1, array[3].elements)
    inside = value[0] - array[0]
    return array[3].elements > 0 and inside % width == 0 and (value[1] - value[0]) % width == 0
