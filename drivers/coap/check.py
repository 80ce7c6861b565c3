"""What cannot work about the tags of a CoAP device, found without touching the network."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Final

import numpy as np

from drivers.coap.dtls import dtls_library
from drivers.coap.resources import payload_format, read_address
from drivers.coap.settings import CoapConnection, CoapPoint
from drivers.coap.writes import write_format, write_of
from drivers.data_types import WIRE, DataType
from drivers.driver import Binding, Problem
from drivers.errors import ConnectFailed, ValueNotAccepted
from drivers.payload import SENML, PayloadFormat

_NOT_SCALED: Final = frozenset({DataType.Boolean, DataType.String, DataType.ByteString, DataType.DateTime})
_SAMPLES: Final[dict[DataType, object]] = {
    DataType.Boolean: True,
    DataType.String: "text",
    DataType.ByteString: b"bytes",
}
_WRITE_ONLY_KEYS: Final = (
    "write_path",
    "write_query",
    "write_method",
    "write_format",
    "write_content_format",
    "write_template",
    "write_words",
)

_Wrong = Iterator[tuple[str, str]]


def check(connection: CoapConnection, bindings: Sequence[Binding]) -> list[Problem]:
    """All problems of the tags; those of a single setting have been found by its model."""
    problems = [
        Problem(index, key, message)
        for index, binding in enumerate(bindings)
        for finder in (_directions, _types, _commands)
        for key, message in finder(binding)
    ]
    return [*_libraries(connection), *problems, *_duplicates(bindings)]


def _libraries(connection: CoapConnection) -> Iterator[Problem]:
    if connection.dtls is not None:
        try:
            dtls_library()
        except ConnectFailed as error:
            yield Problem(None, "dtls", str(error))


def _directions(binding: Binding) -> _Wrong:
    point: CoapPoint = binding.point
    if not binding.writable:
        for key in _WRITE_ONLY_KEYS:
            if key in point.model_fields_set:
                yield key, f"{key} is for commands, and {binding.path} is not one; put the tag under commands"
        if not point.read:
            yield "read", f"{binding.path} is neither read nor written; leave read out"


def _types(binding: Binding) -> _Wrong:
    point: CoapPoint = binding.point
    data_type = binding.data_type
    form = payload_format(point, None)
    if data_type in _NOT_SCALED and (point.scale != 1 or point.offset != 0):
        yield "scale" if point.scale != 1 else "offset", f"a {data_type.name} has no scale and offset"
    if form is PayloadFormat.raw and data_type not in (DataType.String, DataType.ByteString):
        yield "format", f"raw bytes are a ByteString or a String, not {data_type.name}; name the format they are in"
    if binding.array_length and form in SENML | {PayloadFormat.text, PayloadFormat.raw}:
        yield "format", f"{form.value} holds single values, and {binding.path} is an array; use json or cbor"


def _commands(binding: Binding) -> _Wrong:
    if not binding.writable:
        return
    point: CoapPoint = binding.point
    form = write_format(point)
    if binding.array_length and form in SENML | {PayloadFormat.raw}:
        yield "write_format", f"an array cannot be sent as {form.value}; use json or cbor"
        return
    if form is PayloadFormat.raw and binding.data_type not in (DataType.String, DataType.ByteString):
        yield "write_format", f"a {binding.data_type.name} cannot be sent as raw bytes; use text, json or cbor"
    if point.write_words is not None and binding.data_type is not DataType.Boolean:
        yield "write_words", f"write_words are for a Boolean, and {binding.path} is {binding.data_type.name}"
    try:
        write_of(binding).payload(_sample(binding), 0)
    except (ValueNotAccepted, ValueError) as error:
        yield "write_template" if point.write_template else "write_format", f"a command cannot be written: {error}"


def _sample(binding: Binding) -> object:
    one = _SAMPLES.get(binding.data_type, 1)
    if not binding.array_length:
        return one
    wire = WIRE.get(binding.data_type)
    return np.array([one] * binding.array_length, object if wire is None else wire)


def _duplicates(bindings: Sequence[Binding]) -> Iterator[Problem]:
    """Two tags of one value; a command and the reading of the same value are no duplicates."""
    first: dict[Hashable, Binding] = {}
    for index, binding in enumerate(bindings):
        point: CoapPoint = binding.point
        if not point.read:
            continue
        place = (read_address(point), point.value, point.name, binding.writable)
        known = first.setdefault(place, binding)
        if known is not binding:
            key = "name" if point.name else "value" if point.value else "path"
            yield Problem(index, key, f"{binding.path} reads the same value of {place[0]} as {known.path}")
