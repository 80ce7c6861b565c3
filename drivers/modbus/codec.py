"""Decodes what a poll brought into columns, and encodes one value; both by the same Layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from drivers.data_types import WIRE, DataType, to_cells
from drivers.errors import ValueNotAccepted
from drivers.modbus.fit import Mask, Numbers, fit
from drivers.modbus.layout import Layout, positions
from drivers.status import Status

_TENS: Final = 10 ** np.arange(8, dtype=np.int64)
_LARGEST_POWER: Final = 10
_RAW_TYPE: Final[dict[str, DataType]] = {
    "|i1": DataType.SByte,
    "|u1": DataType.Byte,
    "<i2": DataType.Int16,
    "<u2": DataType.UInt16,
    "<i4": DataType.Int32,
    "<u4": DataType.UInt32,
    "<i8": DataType.Int64,
    "<u8": DataType.UInt64,
    "<f4": DataType.Float,
    "<f8": DataType.Double,
}


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """n values of a poll that are decoded in one pass: equal but for place, byte order and the numbers below.

    index: [n, bytes of a value] (bits in the bit tables), where they lie in the joined frames. scale, offset, bit and
    no_data: [n, 1], or None where no value of the lane has one. factor: [n, 2], where the bytes of their factor
    registers lie, low byte first, or None. as_it_is: raw values are values, and nothing can go wrong with them.
    """

    layout: Layout
    index: npt.NDArray[np.intp]
    scale: Numbers | None
    offset: Numbers | None
    bit: Numbers | None
    no_data: Numbers | None
    factor: npt.NDArray[np.intp] | None
    as_it_is: bool


@dataclass(slots=True, eq=False)
class Decoded:
    """The n values of each of m polls, one poll after the other: cells uint64[m * n]; status uint32[m * n] or None when
    all are Good; side as in Readings."""

    cells: npt.NDArray[np.uint64]
    status: npt.NDArray[np.uint32] | None
    side: dict[int, object]


def lane_key(layout: Layout) -> tuple[object, ...]:
    """Values whose layouts have equal keys can share a lane."""
    return (
        layout.kind,
        layout.data_type,
        layout.elements,
        layout.size,
        layout.scaled,
        layout.by_factor,
        layout.bit is None,
        layout.no_data is None,
    )


def make_lane(layouts: Sequence[Layout], starts: npt.NDArray[np.intp], factors: npt.NDArray[np.intp]) -> Lane:
    """A lane of values with these layouts (of one lane_key) that start at these places: bytes, or bits. factors: where
    the factor registers of such values start. Equal devices share one lane, so that its arrays stay in the processor's
    cache."""
    return _lane(tuple(layouts), tuple(starts.tolist()), tuple(factors.tolist()))


@lru_cache(maxsize=1024)
def _lane(layouts: tuple[Layout, ...], starts_of: tuple[int, ...], factors_of: tuple[int, ...]) -> Lane:
    starts, factors = np.array(starts_of, np.intp), np.array(factors_of, np.intp)
    first = layouts[0]
    place = np.stack([positions(layout) for layout in layouts])
    low_first = np.array([[1, 0] if layout.byte_order == "big" else [0, 1] for layout in layouts], np.intp)
    return Lane(
        first,
        np.ascontiguousarray(starts[:, None] + place),
        np.array([[layout.scale] for layout in layouts]) if first.scaled else None,
        np.array([[layout.offset] for layout in layouts]) if first.scaled else None,
        None if first.bit is None else np.array([[layout.bit] for layout in layouts], "<u2"),
        None if first.no_data is None else np.array([[layout.no_data] for layout in layouts], first.raw),
        factors[:, None] + low_first if first.by_factor else None,
        _is_as_it_is(first),
    )


def _is_as_it_is(layout: Layout) -> bool:
    plain = layout.no_data is None and not (layout.scaled or layout.is_part or layout.elements or layout.is_bits)
    return plain and layout.raw == WIRE.get(layout.data_type) and not layout.kind.startswith(("bcd", "bool"))


def decode(lane: Lane, answers: npt.NDArray[np.uint8]) -> Decoded:
    """The lane's values out of the joined frames of polls: uint8[polls, bytes], or one element per bit. A value that
    its tag's type cannot hold is BadOutOfRange, a no_data mark BadSensorFailure, digits that are no BCD or text no
    UTF-8 BadDecodingError."""
    raw = answers.take(lane.index, axis=1)
    if lane.layout.raw is None:
        return _decode_text(lane, raw.reshape(-1, raw.shape[-1]))
    if lane.as_it_is:
        return Decoded(to_cells(raw.view(lane.layout.raw).reshape(-1), lane.layout.data_type), None, {})
    with np.errstate(all="ignore"):  # NaN and overflow get a status, not a warning
        powers = None if lane.factor is None else answers.take(lane.factor, axis=1).view("<i2")
        return _decode_numbers(lane, raw.view(lane.layout.raw), powers)


def _decode_numbers(lane: Lane, raw: Numbers, powers: Numbers | None) -> Decoded:
    """raw: [polls, values, elements]; powers: [polls, values, 1]."""
    layout = lane.layout
    count = raw.shape[0] * raw.shape[1]
    values, digits = _plain(lane, raw)
    if powers is not None:
        values, known = times_ten_to(values, powers)
        digits = known if digits is None else digits & known
    if lane.scale is not None:
        values = values.astype("f8") * lane.scale + lane.offset
    fitted, holds = fit(values, layout.data_type)
    missing = None if lane.no_data is None else (raw == lane.no_data) | ((raw != raw) & (lane.no_data != lane.no_data))
    status = _status(count, ((holds, Status.BadOutOfRange), (digits, Status.BadDecodingError)), missing)
    if layout.elements:
        return Decoded(np.zeros(count, np.uint64), status, dict(enumerate(fitted.reshape(count, -1))))
    return Decoded(to_cells(fitted.reshape(-1), layout.data_type), status, {})


def times_ten_to(values: Numbers, powers: Numbers) -> tuple[Numbers, Mask]:
    """Values times ten to these powers, exact where a quotient is; and which powers are between -10 and 10."""
    known: Mask = np.abs(powers.astype(np.int32)) <= _LARGEST_POWER
    ten = 10.0 ** np.abs(np.where(known, powers, 0))
    return np.where(powers < 0, values / ten, values * ten), known


def _plain(lane: Lane, raw: Numbers) -> tuple[Numbers, Mask | None]:
    """Raw values as numbers, and which of them are such."""
    if lane.bit is not None:
        return raw >> lane.bit & 1, None
    if lane.layout.kind in ("bcd16", "bcd32"):
        digits = raw[..., None] >> np.arange(0, 8 * raw.itemsize, 4, dtype=raw.dtype) & 15
        return digits @ _TENS[: digits.shape[-1]], (digits <= 9).all(axis=-1)
    return raw, None


def _status(
    count: int, checks: Sequence[tuple[Mask | None, Status]], missing: Mask | None
) -> npt.NDArray[np.uint32] | None:
    """Statuses of values [polls, values, elements]: Bad where any element is; later causes go before earlier ones."""
    wrong = [(~mask.all(axis=-1), code) for mask, code in checks if mask is not None and not mask.all()]
    if missing is not None and missing.any():
        wrong.append((missing.any(axis=-1), Status.BadSensorFailure))
    if not wrong:
        return None
    status = np.zeros(count, np.uint32)
    for mask, code in wrong:
        status[mask.reshape(-1)] = code
    return status


def _decode_text(lane: Lane, raw: npt.NDArray[np.uint8]) -> Decoded:
    status = np.zeros(len(raw), np.uint32)
    side: dict[int, object] = {}
    for index, item in enumerate(raw):
        if lane.layout.kind == "bytes":
            side[index] = item.tobytes()
            continue
        try:
            side[index] = item.tobytes().split(b"\0", 1)[0].decode("utf-8").rstrip(" ")
        except UnicodeDecodeError:
            status[index] = Status.BadDecodingError
    return Decoded(np.zeros(len(raw), np.uint64), status, side)


def encode(layout: Layout, value: object, power: int = 0) -> bytes:
    """The value as a device's registers (two bytes each, as they go over the wire) or, in the coil table, as one byte 0
    or 1 per bit. power: what the factor register holds. Raises ValueNotAccepted."""
    if layout.raw is None:
        flat = _encode_text(layout, value)
    elif layout.is_bits:
        return bytes((_numbers(layout, value) != 0).tolist())
    else:
        flat = np.frombuffer(_to_raw(layout, _numbers(layout, value), power).tobytes(), "u1")
    wire = np.zeros(2 * layout.size, np.uint8)
    wire[positions(layout)] = flat
    return wire.tobytes()


def encode_part(layout: Layout, value: object, power: int = 0) -> tuple[int, int]:
    """The value of a part of a register: which bits of the register it takes, as a mask, and what goes there. Raises
    ValueNotAccepted."""
    if layout.bit is None:
        data = encode(layout, value, power)
        return 0xFF << 8 * (1 - int(positions(layout)[0])), int.from_bytes(data, "big")
    bit = layout.bit ^ 8 if layout.byte_order == "little" else layout.bit
    return 1 << bit, int(bool(_numbers(layout, value).any())) << bit


def _numbers(layout: Layout, value: object) -> Numbers:
    """The elements of a value as numbers, if it has the shape and kind of the tag's type."""
    numbers: Numbers = np.asarray(value)
    shape = (layout.elements,) if layout.elements else ()
    if numbers.dtype.kind not in "biuf" or isinstance(value, str | bytes):
        raise ValueNotAccepted(f"{value!r} is no {layout.data_type.name}")
    if numbers.shape != shape:
        wanted = f"an array of {layout.elements} elements" if layout.elements else "one value"
        raise ValueNotAccepted(f"a value of shape {numbers.shape} where the point takes {wanted}")
    flat: Numbers = numbers.reshape(-1)
    return flat


def _to_raw(layout: Layout, numbers: Numbers, power: int) -> Numbers:
    """Raw elements for values; the inverse of what decoding does."""
    if layout.kind == "bool":
        ones: Numbers = numbers != 0
        return ones.astype("<u2")
    if numbers.dtype.kind == "b":
        numbers = numbers.astype("u1")
    with np.errstate(all="ignore"):
        if layout.scaled:
            numbers = (numbers.astype("f8") - layout.offset) / layout.scale
            numbers, known = times_ten_to(numbers, np.full(numbers.shape, -power))
            if not known.all():
                raise ValueNotAccepted(f"the factor register holds {power}, which is no power from -10 to 10")
        raw, holds = _pack_digits(layout, numbers) if layout.kind.startswith("bcd") else _cast(layout, numbers)
    if holds is not None and not holds.all():
        wrong = numbers[~holds][0]
        raise ValueNotAccepted(f"the raw value {wrong} does not fit {layout.kind}; check type, scale and offset")
    if (
        layout.no_data is not None
        and ((raw == layout.no_data) | ((raw != raw) & (layout.no_data != layout.no_data))).any()
    ):
        raise ValueNotAccepted(f"the raw value {layout.no_data} is the device's mark for no data")
    return raw


def _cast(layout: Layout, numbers: Numbers) -> tuple[Numbers, Any]:
    if layout.kind != "float16":
        return fit(numbers, _RAW_TYPE[(layout.raw or np.dtype("u1")).str])
    raw = numbers.astype("<f2")
    return raw, np.isfinite(raw) | ~np.isfinite(numbers)


def _pack_digits(layout: Layout, numbers: Numbers) -> tuple[Numbers, Any]:
    whole, holds = fit(numbers, DataType.Int64)
    count = 4 if layout.kind == "bcd16" else 8
    if holds is None:
        holds = np.ones(len(whole), np.bool_)
    digits = whole[:, None] // _TENS[:count] % 10
    packed = (digits << np.arange(0, 4 * count, 4)).sum(axis=1)
    return packed.astype(layout.raw), holds & (whole >= 0) & (whole < 10**count)


def _encode_text(layout: Layout, value: object) -> npt.NDArray[np.uint8]:
    room = 2 * layout.size
    if layout.kind == "string" and isinstance(value, str):
        text = value.encode("utf-8")
    elif layout.kind == "bytes" and isinstance(value, bytes):
        text = value
    else:
        raise ValueNotAccepted(f"{value!r} is no {layout.data_type.name}")
    if len(text) > room:
        raise ValueNotAccepted(f"{len(text)} bytes do not fit into {layout.size} registers ({room} bytes)")
    return np.frombuffer(text.ljust(room, b"\0"), np.uint8)
