"""SenML (RFC 8428): a pack of records, in JSON or CBOR, to resolved records by name, and one record back to a pack."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_CBOR_LABELS: Final[dict[int, str]] = {
    -6: "bs",
    -5: "bv",
    -4: "bu",
    -3: "bt",
    -2: "bn",
    -1: "bver",
    0: "n",
    1: "u",
    2: "v",
    3: "vs",
    4: "vb",
    5: "s",
    6: "t",
    7: "ut",
    8: "vd",
}
"""RFC 8428, table 4."""
_VERSION: Final = 10
_RELATIVE_BELOW: Final = 2**28
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*")
_VALUES: Final = ("v", "vs", "vb", "vd")


class SenmlError(ValueError):
    """A pack that breaks RFC 8428; the message says which record and rule."""


@dataclass(frozen=True, slots=True)
class Record:
    """A resolved record. value: float, int, str, bool or bytes. time_s: Unix time, or relative to now where it is
    below 2**28 (RFC 8428, 4.5.3)."""

    name: str
    value: object
    unit: str
    time_s: float

    def unix_s(self, now_s: float) -> float:
        """The time of the record as Unix seconds."""
        return self.time_s if self.time_s >= _RELATIVE_BELOW else now_s + self.time_s


def resolve_pack(pack: object) -> dict[str, Record]:
    """The newest record of each name in a decoded pack; CBOR's integer labels are understood as well as JSON's.

    Where records of one name differ in unit, as in RFC 8428, 5.1.3, the key is name and unit with a space between, as
    no name has. Raises SenmlError; nothing of a pack that breaks a rule is used.
    """
    if not isinstance(pack, list) or not pack:
        raise SenmlError("a SenML pack is a list of at least one record")
    base: dict[str, object] = {}
    newest: dict[tuple[str, str], Record] = {}
    for index, item in enumerate(pack):
        record = _resolve(index, _labelled(index, item), base)
        if record is not None:
            known = newest.get((record.name, record.unit))
            if known is None or _age_key(record) >= _age_key(known):
                newest[record.name, record.unit] = record
    units = Counter(name for name, _ in newest)
    return {f"{name} {unit}".rstrip() if units[name] > 1 else name: record for (name, unit), record in newest.items()}


def _age_key(record: Record) -> tuple[bool, float]:
    return record.time_s < _RELATIVE_BELOW, record.time_s  # relative times are near now, absolute ones before it


def _labelled(index: int, item: object) -> dict[str, object]:
    if not isinstance(item, Mapping):
        raise SenmlError(f"record {index} is not an object")
    return {_CBOR_LABELS.get(key, str(key)) if isinstance(key, int) else str(key): v for key, v in item.items()}


def _resolve(index: int, fields: dict[str, object], base: dict[str, object]) -> Record | None:
    unknown = [key for key in fields if key.endswith("_")]
    if unknown:
        raise SenmlError(f'record {index} must be understood as "{unknown[0]}", which is unknown')
    base.update({key: fields[key] for key in ("bn", "bt", "bu", "bv", "bs", "bver") if key in fields})
    if _number(index, base, "bver", _VERSION) > _VERSION:
        raise SenmlError(f"record {index} is of version {base['bver']}; version {_VERSION} is understood")
    present = [key for key in _VALUES if key in fields]
    if len(present) > 1:
        raise SenmlError(f"record {index} has more than one value ({', '.join(present)})")
    if not present:
        return None  # base fields or a sum only
    name = f"{base.get('bn', '')}{fields.get('n', '')}"
    if not _NAME.fullmatch(name):
        raise SenmlError(f'record {index} has the name "{name}", which is empty or has characters that are not allowed')
    time_s = _number(index, base, "bt", 0) + _number(index, fields, "t", 0)
    return Record(name, _value(index, fields, present[0], base), str(fields.get("u", base.get("bu", ""))), time_s)


def _value(index: int, fields: dict[str, object], key: str, base: dict[str, object]) -> object:
    value = fields[key]
    if key == "v":
        base_value = _number(index, base, "bv", 0)
        number = _number(index, fields, "v", 0)
        return number + base_value if base_value else number
    if key == "vd" and isinstance(value, str):
        try:
            return base64.b64decode(value + "=" * (-len(value) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise SenmlError(f"record {index}: vd is not base64url ({error})") from error
    expected = {"vs": str, "vb": bool, "vd": bytes}[key]
    if not isinstance(value, expected):
        raise SenmlError(f"record {index}: {key} is not {expected.__name__}")
    return value


def _number(index: int, fields: Mapping[str, object], key: str, default: float) -> float:
    value = fields.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SenmlError(f"record {index}: {key} is not a number")
    return value


def one_record(name: str, value: object, *, cbor: bool) -> list[dict[str | int, object]]:
    """A pack of one record without time, for a command. cbor: with integer labels, and bytes as they are."""
    fields: dict[str, object] = {"n": name} if name else {}
    match value:
        case bool():
            fields["vb"] = value
        case str():
            fields["vs"] = value
        case bytes():
            fields["vd"] = value if cbor else base64.urlsafe_b64encode(value).rstrip(b"=").decode()
        case _:
            fields["v"] = value
    if not cbor:
        return [dict(fields.items())]
    labels = {text: label for label, text in _CBOR_LABELS.items()}
    return [{labels[key]: item for key, item in fields.items()}]
