"""The resources of a device that its tags live in, and how one payload becomes readings of many tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.coap.answer import Answer
from drivers.coap.codes import content_format_of, dotted, format_of, is_success, read_status
from drivers.coap.columns import Columns
from drivers.coap.settings import CoapPoint, split_path, split_query
from drivers.driver import Binding, Traffic
from drivers.payload import DecodeError, Extractor, PayloadFormat, Picked, parse
from drivers.raw import payload_text
from drivers.status import Status

_HEADER: Final = 8
"""Bytes of a CoAP header with a short token and the payload marker."""
_UDP_IP: Final = 28


@dataclass(frozen=True, slots=True)
class Address:
    """What is asked for: Uri-Path, Uri-Query, and the Accept option or None."""

    path: tuple[str, ...]
    query: tuple[str, ...] = ()
    accept: int | None = None

    def __str__(self) -> str:
        query = f"?{'&'.join(self.query)}" if self.query else ""
        return f"/{'/'.join(self.path)}{query}"

    @property
    def size(self) -> int:
        """Bytes of a request for it, without UDP and IP."""
        return _HEADER + sum(1 + len(part.encode()) for part in (*self.path, *self.query))


def read_address(point: CoapPoint) -> Address:
    """Where a point is read."""
    accept = None if point.accept is None else content_format_of(point.accept)
    return Address(split_path(point.path), split_query(point.query), accept)


def write_address(point: CoapPoint) -> Address:
    """Where a point is written; where it is read unless it says otherwise."""
    if point.write_path is None and point.write_query is None:
        return Address(split_path(point.path), split_query(point.query))
    return Address(split_path(point.write_path or point.path), split_query(point.write_query))


_Reader = tuple[Binding, Extractor]


class Resource:
    """One resource at one rate and the tags that are read from it."""

    def __init__(self, address: Address, rate_s: float, bindings: Sequence[Binding]) -> None:
        self.address = address
        self.rate_s = rate_s
        self.bindings = tuple(bindings)
        self._readers: dict[int | None, dict[PayloadFormat, list[_Reader]]] = {}

    @property
    def rows(self) -> npt.NDArray[np.int32]:
        """The rows of its tags."""
        return np.array([binding.row for binding in self.bindings], np.int32)

    @property
    def wire_bytes(self) -> int:
        """Bytes of asking once, both ways with UDP and IP, supposing 16 bytes of payload per tag."""
        return 2 * _UDP_IP + self.address.size + _HEADER + 16 * len(self.bindings)

    def decode(self, answer: Answer, ticks: int, columns: Columns, traffic: Traffic, *, complete: bool = True) -> None:
        """Add what an answer says to the columns; what cannot be used is Bad and counted in traffic.

        ticks: when it arrived. complete: a tag that the payload does not mention is BadNoData; otherwise left out.
        """
        if not is_success(answer.code):
            columns.fail(self.bindings, read_status(answer.code), ticks)
            traffic.blame((binding.row for binding in self.bindings), f"{self.address}: {refusal(answer)}")
            return
        if traffic.raw_tap is not None:
            for binding in self.bindings:
                traffic.raw_tap(binding.row, payload_text(answer.payload))
        for form, readers in self._readers_of(answer.content_format).items():
            try:
                parsed = parse(form, answer.payload)
            except DecodeError as error:
                columns.fail([binding for binding, _ in readers], Status.BadDecodingError, ticks)
                _note(traffic, f"{self.address}: {error}", [binding for binding, _ in readers])
                continue
            for binding, extractor in readers:
                picked = extractor.pick(parsed, ticks)
                if picked is not None:
                    columns.add(binding, picked)
                    if picked.problem:
                        _note(traffic, f"{binding.path} from {self.address}: {picked.problem}", [binding])
                elif complete:
                    columns.add(binding, Picked(None, Status.BadNoData, ticks))
                    missing = f"the payload has no {_wanted(binding.point)}"
                    _note(traffic, f"{binding.path} from {self.address}: {missing}", [binding])

    def _readers_of(self, content_format: int | None) -> dict[PayloadFormat, list[_Reader]]:
        known = self._readers.get(content_format)
        if known is None:
            known = {}
            for binding in self.bindings:
                form = payload_format(binding.point, content_format)
                known.setdefault(form, []).append((binding, extractor_of(binding, form)))
            self._readers[content_format] = known
        return known


def payload_format(point: CoapPoint, content_format: int | None) -> PayloadFormat:
    """How to read a payload for a point. JSON that a device labels as text is still JSON where a path is given."""
    if point.format is not PayloadFormat.auto:
        return point.format
    form = format_of(content_format)
    return PayloadFormat.auto if form is PayloadFormat.text and point.value is not None else form


def extractor_of(binding: Binding, form: PayloadFormat) -> Extractor:
    """How a tag is read from payloads of one format."""
    point: CoapPoint = binding.point
    return Extractor(
        binding.data_type,
        form,
        point.value,
        point.timestamp,
        point.quality,
        point.name,
        point.scale,
        point.offset,
        binding.array_length,
        point.timestamp_unit,
        point.quality_code,
    )


def refusal(answer: Answer) -> str:
    """An unsuccessful answer for people: "4.04 (no such sensor)"."""
    text = answer.payload[:80].decode(errors="replace")
    return f"the device answers {dotted(answer.code)}" + (f" ({text})" if text else "")


def _wanted(point: CoapPoint) -> str:
    return f'record "{point.name}"' if point.name else point.value or "single value"


def _note(traffic: Traffic, problem: str, bindings: Iterable[Binding]) -> None:
    traffic.malformed += 1
    traffic.last_malformed = problem
    traffic.blame((binding.row for binding in bindings), problem)


def polled(bindings: Iterable[Binding]) -> list[Resource]:
    """The resources that are fetched: tags of one resource and rate share one request."""
    return grouped((binding for binding in bindings if binding.point.read and not binding.point.observe), by_rate=True)


def observed(bindings: Iterable[Binding]) -> list[Resource]:
    """The resources that are observed, each once, at the shortest rate its tags expect."""
    return grouped((binding for binding in bindings if binding.point.read and binding.point.observe), by_rate=False)


def grouped(bindings: Iterable[Binding], *, by_rate: bool) -> list[Resource]:
    """One resource per address, or per address and rate."""
    groups: dict[tuple[Address, float], list[Binding]] = {}
    for binding in bindings:
        groups.setdefault((read_address(binding.point), binding.rate_s if by_rate else 0.0), []).append(binding)
    return [
        Resource(address, min(binding.rate_s for binding in members), members)
        for (address, _), members in groups.items()
    ]
