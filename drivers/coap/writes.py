"""How a command becomes a request: where to, in which format, with which bytes."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.coap.codes import content_format_of
from drivers.coap.resources import Address, write_address
from drivers.coap.settings import CoapPoint, WriteMethod
from drivers.driver import Binding
from drivers.payload import PayloadFormat, encode


@dataclass(frozen=True, slots=True)
class Write:
    """The request of one command. content_format: CoAP's number of the payload's format."""

    binding: Binding
    address: Address
    method: WriteMethod
    format: PayloadFormat
    content_format: int | None

    def payload(self, value: object, now_ticks: int) -> bytes:
        """The payload that tells the device a value. Raises ValueNotAccepted."""
        point: CoapPoint = self.binding.point
        return encode(
            self.format,
            point.write_template,
            value,
            data_type=self.binding.data_type,
            scale=point.scale,
            offset=point.offset,
            words=point.write_words,
            name=point.name or "",
            now_ticks=now_ticks,
        )


def write_of(binding: Binding) -> Write:
    """The request that writes a tag."""
    point: CoapPoint = binding.point
    form = write_format(point)
    number = content_format_of(form) if point.write_content_format is None else point.write_content_format
    return Write(binding, write_address(point), point.write_method, form, number)


def write_format(point: CoapPoint) -> PayloadFormat:
    """The format of commands: as said, else that of the readings, else by the template, else text."""
    for said in (point.write_format, point.format):
        if said is not None and said is not PayloadFormat.auto:
            return said
    if point.write_template is not None and point.write_template.lstrip()[:1] in ("{", "["):
        return PayloadFormat.json
    return PayloadFormat.senml_json if point.name is not None else PayloadFormat.text
