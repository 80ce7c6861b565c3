"""A device's payload to value, quality and timestamp, and a value back to a payload; shared by MQTT and CoAP."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from io import BytesIO
from typing import Final, NamedTuple

import cbor2
import msgspec
import numpy as np

from drivers.data_types import DataType
from drivers.errors import ValueNotAccepted
from drivers.json_path import MISSING, Steps, compile_path, resolve
from drivers.payload_fields import Convert, TimeUnit, Unusable, converter, shown, to_ticks
from drivers.payload_quality import QualityCode, to_status
from drivers.readings import TICKS_PER_SECOND, UNIX_EPOCH_TICKS
from drivers.senml import Record, SenmlError, one_record, resolve_pack


class PayloadFormat(StrEnum):
    """How a payload is written. auto: JSON where it starts with { or [, else text; raw: bytes as they are."""

    auto = "auto"
    json = "json"
    text = "text"
    senml_json = "senml_json"
    senml_cbor = "senml_cbor"
    cbor = "cbor"
    raw = "raw"


SENML: Final = frozenset({PayloadFormat.senml_json, PayloadFormat.senml_cbor})


class DecodeError(ValueError):
    """A payload that is not what its format says; the message is for people."""


def parse(form: PayloadFormat, payload: bytes) -> object:
    """Decode a message once; any number of extractors pick from the result. Raises DecodeError."""
    return PARSERS[form](payload)


_JSON_STARTS: Final = (b"{", b"[")
_fast_json: Final = msgspec.json.Decoder().decode


def _parse_auto(payload: bytes) -> object:
    if payload[:1] in _JSON_STARTS or payload.lstrip()[:1] in _JSON_STARTS:
        return _parse_json(payload)
    return _parse_text(payload)


def _parse_json(payload: bytes) -> object:
    try:
        return _fast_json(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):  # wrong, or one of Python's liberties: NaN, Infinity
        return _parse_json_slowly(payload)


def _parse_json_slowly(payload: bytes) -> object:
    try:
        return json.loads(payload.decode())  # always UTF-8 (RFC 8259, 8.1)
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"not JSON ({error}): {shown(payload)}") from error


def _parse_text(payload: bytes) -> object:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise DecodeError(f"not UTF-8 text ({error.reason} at byte {error.start}): {shown(payload)}") from error


def _parse_cbor(payload: bytes) -> object:
    stream = BytesIO(payload)
    try:
        document: object = cbor2.load(stream)
    except (cbor2.CBORDecodeError, ValueError, RecursionError, OverflowError) as error:
        raise DecodeError(f"not CBOR ({error}): {shown(payload)}") from error
    if stream.tell() != len(payload):
        raise DecodeError(f"not CBOR ({len(payload) - stream.tell()} bytes too many): {shown(payload)}")
    return document


def _parse_senml(decode: Callable[[bytes], object]) -> Callable[[bytes], object]:
    def parse_pack(payload: bytes) -> object:
        try:
            return resolve_pack(decode(payload))
        except SenmlError as error:
            raise DecodeError(f"not SenML ({error}): {shown(payload)}") from error

    return parse_pack


PARSERS: Final[dict[PayloadFormat, Callable[[bytes], object]]] = {
    PayloadFormat.auto: _parse_auto,
    PayloadFormat.json: _parse_json,
    PayloadFormat.text: _parse_text,
    PayloadFormat.senml_json: _parse_senml(_parse_json),
    PayloadFormat.senml_cbor: _parse_senml(_parse_cbor),
    PayloadFormat.cbor: _parse_cbor,
    PayloadFormat.raw: bytes,
}
"""`parse` of one format, for those who parse many messages of it."""


class Picked(NamedTuple):
    """What a message says about one point.

    value: in the tag's type (`drivers.payload_fields.converter`), None where status is Bad. status: StatusCode.
    source_ticks: OPC UA ticks. problem: why a field could not be used, empty when all is well or the device itself
    says Bad.
    """

    value: object
    status: int
    source_ticks: int
    problem: str = ""


_BAD: Final = 0x80000000


@dataclass(frozen=True, slots=True)
class Extractor:
    """How one point is read from a parsed message, compiled once. Raises `drivers.json_path.PathError`.

    value, timestamp, quality: paths ("$.a.b[0]"), None for the whole payload, arrival time and Good. name: the SenML
    record, None where the pack has only one. A value becomes raw x scale + offset.
    """

    data_type: DataType
    format: PayloadFormat = PayloadFormat.auto
    value: str | None = None
    timestamp: str | None = None
    quality: str | None = None
    name: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    array_length: int = 0
    timestamp_unit: TimeUnit = TimeUnit.auto
    quality_code: QualityCode = QualityCode.auto
    _value: Steps = field(init=False, repr=False, compare=False)
    _timestamp: Steps | None = field(init=False, repr=False, compare=False)
    _quality: Steps | None = field(init=False, repr=False, compare=False)
    _convert: Convert = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        compiled = {
            "_value": compile_path(self.value) if self.value is not None else (),
            "_timestamp": compile_path(self.timestamp) if self.timestamp is not None else None,
            "_quality": compile_path(self.quality) if self.quality is not None else None,
            "_convert": converter(self.data_type, self.scale, self.offset, self.array_length),
        }
        for key, item in compiled.items():
            object.__setattr__(self, key, item)

    def pick(self, parsed: object, now_ticks: int) -> Picked | None:
        """The point's value, quality and time, or None where the message says nothing about it.

        parsed: what `parse` made of the message; now_ticks: its arrival. A field that cannot be used makes the
        reading Bad: BadTypeMismatch, BadOutOfRange (beyond the type's range), BadNoData (null, NaN) or
        BadDecodingError (its timestamp or quality).
        """
        ticks = now_ticks
        try:
            if self.format in SENML:
                return self._pick_record(parsed, now_ticks)
            raw = resolve(self._value, parsed)
            if raw is MISSING:
                return None
            if self._timestamp is not None:
                ticks = self._ticks(parsed, now_ticks)
            status = 0 if self._quality is None else self._status(parsed)
            return Picked(self._convert(raw) if status < _BAD else None, status, ticks)
        except Unusable as error:
            return Picked(None, error.status, ticks, str(error))

    @property
    def steps(self) -> Steps:
        """Where the value is in a parsed message."""
        return self._value

    def stamp(self, parsed: object, now_ticks: int) -> tuple[int, int]:
        """Time (OPC UA ticks) and StatusCode that a message gives its values. Raises Unusable."""
        ticks = now_ticks if self._timestamp is None else self._ticks(parsed, now_ticks)
        return ticks, 0 if self._quality is None else self._status(parsed)

    def _ticks(self, parsed: object, now_ticks: int) -> int:
        assert self._timestamp is not None
        raw = resolve(self._timestamp, parsed)
        return now_ticks if raw is MISSING or raw is None else to_ticks(raw, self.timestamp_unit)

    def _status(self, parsed: object) -> int:
        assert self._quality is not None
        raw = resolve(self._quality, parsed)
        return 0 if raw is MISSING or raw is None else to_status(raw, self.quality_code)

    def _pick_record(self, parsed: object, now_ticks: int) -> Picked | None:
        record = self._record(parsed)
        if record is None:
            return None
        unix_s = record.unix_s((now_ticks - UNIX_EPOCH_TICKS) / TICKS_PER_SECOND)
        ticks = now_ticks if record.time_s == 0 else to_ticks(unix_s, TimeUnit.s)
        return Picked(self._convert(record.value), 0, ticks)

    def _record(self, parsed: object) -> Record | None:
        if not isinstance(parsed, dict):
            return None
        if self.name is not None:
            return parsed.get(self.name)
        return next(iter(parsed.values())) if len(parsed) == 1 else None


def encode(
    form: PayloadFormat,
    template: str | None,
    value: object,
    *,
    data_type: DataType,
    scale: float = 1.0,
    offset: float = 0.0,
    words: tuple[str, str] | None = None,
    name: str = "",
    now_ticks: int = 0,
) -> bytes:
    """The payload that tells a device a value (bool, int, float, str, bytes or a numpy array).

    The device gets (value - offset) / scale. template: text in which {value} stands for the value and {timestamp},
    {epoch_s}, {epoch_ms} for the time; in JSON and CBOR a text value is quoted. words: what is sent for false and
    true instead of these. name: the SenML record. Raises ValueNotAccepted.
    """
    raw = raw_value(value, data_type, scale, offset, words)
    if form in SENML:
        pack = one_record(name, raw, cbor=form is PayloadFormat.senml_cbor)
        return cbor2.dumps(pack) if form is PayloadFormat.senml_cbor else _json(pack).encode()
    if isinstance(raw, bytes) and template is None:
        return cbor2.dumps(raw) if form is PayloadFormat.cbor else raw
    if form is PayloadFormat.cbor:
        return cbor2.dumps(raw if template is None else json.loads(_filled(template, _json(raw), now_ticks)))
    structured = form is PayloadFormat.json or (template is not None and template.lstrip()[:1] in ("{", "["))
    text = raw if isinstance(raw, str) and not structured else _json(raw)
    return (text if template is None else _filled(template, text, now_ticks)).encode()


def raw_value(value: object, data_type: DataType, scale: float, offset: float, words: tuple[str, str] | None) -> object:
    """What the device is to get for a value: unscaled, in its words, an array as a list. Raises ValueNotAccepted."""
    if isinstance(value, np.ndarray):
        return [raw_value(item, data_type, scale, offset, words) for item in value.tolist()]
    if data_type is DataType.DateTime and isinstance(value, int):
        return _iso(value)
    if data_type is DataType.Boolean:
        return words[bool(value)] if words else bool(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _unscaled(value, data_type, scale, offset)
    return value


def _unscaled(value: int | float, data_type: DataType, scale: float, offset: float) -> int | float:
    if not math.isfinite(value):
        raise ValueNotAccepted(f"{value} cannot be sent: it is not a finite number")
    if scale == 1 and offset == 0:
        return float(str(np.float32(value))) if data_type is DataType.Float else value  # 21.3, not 21.299999237
    raw = float(f"{(value - offset) / scale:.{7 if data_type is DataType.Float else 15}g}")
    return int(raw) if raw.is_integer() else raw


def _iso(ticks: int) -> str:
    moment = datetime.fromtimestamp((ticks - UNIX_EPOCH_TICKS) / TICKS_PER_SECOND, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _filled(template: str, value: str, now_ticks: int) -> str:
    unix_s = (now_ticks - UNIX_EPOCH_TICKS) / TICKS_PER_SECOND
    texts = {"epoch_ms": f"{unix_s * 1000:.0f}", "epoch_s": f"{unix_s:.3f}", "timestamp": _iso(now_ticks)}
    for key, text in texts.items():
        template = template.replace(f"{{{key}}}", text)
    return template.replace("{value}", value)


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueNotAccepted(f"{shown(value)} cannot be written as JSON ({error})") from error
