"""Asks a CoAP device which resources it has, and each of them once."""

from __future__ import annotations

from drivers.coap.answer import Answer
from drivers.coap.channel import Channel
from drivers.coap.codes import is_success
from drivers.coap.discover import Link, parse_links
from drivers.coap.opening import opener_of, protection_of
from drivers.coap.resources import Address, refusal
from drivers.coap.settings import CoapConnection, split_path
from drivers.driver import Traffic
from drivers.errors import DeviceTimeout, Malformed

WELL_KNOWN = Address((".well-known", "core"))


async def explore(connection: CoapConnection) -> list[tuple[Link, Answer | str]]:
    """Each resource that the device names, and what it answers to a GET, or why it does not. Raises `drivers.errors`
    where the device cannot be reached, is lost on the way, or does not say what it has."""
    protection = await protection_of(connection)
    channel = Channel(connection, Traffic(), opener_of(connection), protection)
    try:
        answer = await channel.get(WELL_KNOWN)
        if not is_success(answer.code):
            raise Malformed(f"the device does not say which resources it has: {refusal(answer)} to /.well-known/core")
        links = parse_links(answer.payload.decode(errors="replace"))
        return [(link, await _ask(channel, link)) for link in links]
    finally:
        channel.close()
        protection.close()


async def _ask(channel: Channel, link: Link) -> Answer | str:
    try:
        return await channel.get(Address(split_path(link.path)))
    except (ValueError, DeviceTimeout, Malformed) as error:
        return str(error)
