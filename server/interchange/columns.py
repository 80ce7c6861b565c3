"""Reads tag lists: finds the header, knows columns by the many names they have, gives the rows as mappings."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.config.errors import did_you_mean

_IGNORED: Final = "ignored"
_NAMES: Final[dict[str, str]] = {
    "name": "tag name, name, tagname, tag, item name, point name, signal, variable, symbol, parameter",
    "path": "path, folder, group, tag group, tag path, browse path",
    "address": "address, opc item path, opc item, item, item id, register, modbus address, register address, topic, "
    "mqtt topic, resource, io address, plc address",
    "type": "data type, datatype, type, value type, format",
    "tag_type": "tag type, tagtype",
    "access": "client access, access, access rights, accessrights, read/write, r/w, rights, mode",
    "read_only": "read only, readonly",
    "rate_ms": "scan rate, scan rate (ms), update rate, update rate (ms), poll rate, poll rate (ms), scan class rate",
    "rate_s": "rate (s), rate_s, scan rate (s), update rate (s), interval (s), poll rate (s)",
    "scaling": "scaling, scale mode, scalemode, scaling mode, scaling type",
    "raw_low": "raw low, rawlow, raw min, min raw, raw minimum, low raw",
    "raw_high": "raw high, rawhigh, raw max, max raw, raw maximum, high raw",
    "scaled_low": "scaled low, scaledlow, scaled min, min scaled, low scaled",
    "scaled_high": "scaled high, scaledhigh, scaled max, max scaled, high scaled",
    "scaled_type": "scaled data type, scaledtype, scaled type",
    "clamp_low": "clamp low, clamplow",
    "clamp_high": "clamp high, clamphigh",
    "negate": "negate value, negate",
    "scale": "scale, factor, gain, multiplier, slope, scale factor, resolution",
    "offset": "offset, bias, intercept",
    "unit": "eng units, eng. units, engunit, eng unit, engineering units, engineering unit, unit, units, eu, uom",
    "eu_low": "eu low, englow, eng low, eu min, minimum, min, range low, engineering low, low limit",
    "eu_high": "eu high, enghigh, eng high, eu max, maximum, max, range high, engineering high, high limit",
    "description": "description, comment, tooltip, documentation, desc, remark, remarks, note",
    "states": "states, enum, enumeration, state names",
    "unit_id": "unit id, unitid, slave, slave id, device id, modbus unit, unit address, station",
    "value_path": "json path, value path, json, path in payload",
    "write_address": "write address, write topic, command topic, set topic",
    "length": "length, string length, size",
    "options": "point options, options",
    "enabled": "enabled, active",
    _IGNORED: "respect data type, owner, opc server, opcserver, opc server name",
}
_OF_NAME: Final = {
    "".join(filter(str.isalnum, name.lower())): field for field, names in _NAMES.items() for name in names.split(", ")
}
_HEADER_WITHIN: Final = 30
"""Lines in which the header is looked for; some exports begin with words about themselves."""
_NEEDED: Final = ("name", "address")


class NoTagList(Exception):
    """A file that is no tag list; the message says why and what would be right."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list. cells: by field, without those that are empty."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TagList:
    """fields: those that have a column; unknown: header names that mean nothing here; preamble: lines before the
    header."""

    rows: tuple[Row, ...]
    fields: frozenset[str]
    unknown: tuple[str, ...]
    preamble: int


def read_tag_list(path: Path) -> TagList:
    """The rows of a CSV file: comma, semicolon or tab; UTF-8, UTF-16 or Windows' code page. Raises NoTagList."""
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise NoTagList(f"cannot be read ({error.strerror}); give the path of a CSV file") from error
    for number, line in enumerate(text.splitlines()[:_HEADER_WITHIN]):
        for mark in ",;\t":
            names = next(csv.reader([line], delimiter=mark))
            if not set(_NEEDED) - set(_fields(names)):
                return _read(text, number, mark, names)
    raise NoTagList(_no_header(text))


def _decoded(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def field_of(name: str) -> str:
    """What a column of that name is, "" where nobody calls anything so."""
    return _OF_NAME.get("".join(filter(str.isalnum, name.lower())), "")


def _fields(names: list[str]) -> list[str]:
    """What each column is, "" where that is not known; of two for one field the first."""
    found = [field_of(name) for name in names]
    return [field if field == _IGNORED or field not in found[:index] else "" for index, field in enumerate(found)]


def _read(text: str, header: int, mark: str, names: list[str]) -> TagList:
    lines = text.splitlines(keepends=True)[header + 1 :]
    reader = csv.reader(lines, delimiter=mark)
    fields = _fields(names)
    unknown = tuple(name for name, field in zip(names, fields, strict=True) if not field and name.strip())
    rows = tuple(_rows(reader, fields, header + 1))
    return TagList(rows, frozenset(fields) - {""}, unknown, header)


def _rows(reader: Iterator[list[str]], fields: list[str], before: int) -> Iterator[Row]:
    line = before + 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            pairs = zip(fields, cells, strict=False)
            yield Row(line, {field: cell.strip() for field, cell in pairs if field and cell.strip()})
        line = before + 1 + getattr(reader, "line_num", line - before)


def _no_header(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    names = [name.strip() for name in max((next(csv.reader([first], delimiter=mark)) for mark in ",;\t"), key=len)]
    fields = _fields(names) if names else []
    if not any(fields):
        return "has no header; its first line names the columns, at least Tag Name and Address"
    lacking = " and ".join(field for field in _NEEDED if field not in fields)
    near = did_you_mean(lacking, [name for name, field in zip(names, fields, strict=True) if not field])
    return f"has no column for the {lacking} of a tag{near}; the columns are called Tag Name, Address, Data Type, ..."
