"""Simulated CoAP devices in a process of their own, as cheap as they can be, that notify of resources in turn.

    python -m benchmarks.coap_fleet DEVICES RESOURCES PERIOD_S

Prints its ports as one JSON line. Resource /r<n> of every device counts up once per period, spread evenly, and tells
its observer by a confirmable notification {"v": number, "at": Unix time}. A line on stdin ends the counting: the answer
says how many notifications were not acknowledged.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, cast

from drivers.coap.message import Kind, Option, decode, encode, encode_options, to_uint
from drivers.errors import Malformed

_CONTENT = 0x45
_NOT_FOUND = 0x84
_TICK_S = 0.005


class Device(asyncio.DatagramProtocol):
    """One device. tokens: of the observer of each resource; unacknowledged: notifications that wait for it."""

    def __init__(self, resources: int) -> None:
        self.tokens: dict[int, bytes] = {}
        self.unacknowledged: set[int] = set()
        self._numbers = [0] * resources
        self._mid = 0
        self._peer: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the socket is open."""
        self._transport = cast(asyncio.DatagramTransport, transport)  # which it is, and does not inherit from
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, address: Any) -> None:
        """asyncio: a request, or an acknowledgement."""
        try:
            message = decode(data)
        except Malformed:
            return
        if message.kind == Kind.ACK:
            self.unacknowledged.discard(message.mid)
        if message.code != 1:
            return
        name = message.options.get(Option.URI_PATH, b"")
        if not name.startswith(b"r"):
            self._transport.sendto(encode(Kind.ACK, _NOT_FOUND, message.mid, message.token), address)
            return
        resource = int(name[1:])
        if Option.OBSERVE in message.options:
            self._peer = address
            self.tokens[resource] = message.token
        self._transport.sendto(self._content(Kind.ACK, message.mid, message.token, resource), address)

    def count(self, resource: int) -> None:
        """The resource changes, and its observer is told."""
        self._numbers[resource] += 1
        token = self.tokens.get(resource)
        if token is not None:
            self._mid = self._mid + 1 & 0xFFFF
            self.unacknowledged.add(self._mid)
            self._transport.sendto(self._content(Kind.CON, self._mid, token, resource), self._peer)

    def _content(self, kind: int, mid: int, token: bytes, resource: int) -> bytes:
        number = self._numbers[resource]
        options = encode_options(
            [(Option.OBSERVE, to_uint(number)), (Option.CONTENT_FORMAT, b"\x32"), (Option.MAX_AGE, b"\x3c")]
        )
        return encode(kind, _CONTENT, mid, token, options, b'{"v": %d, "at": %.6f}' % (number, time.time()))


async def _notify(devices: list[Device], resources: int, period_s: float) -> None:
    """All resources of all devices once per period, in the order of their numbers."""
    began_s, done, total = time.monotonic(), 0, len(devices) * resources
    while True:
        due = int((time.monotonic() - began_s) / period_s * total)
        while done < due:
            devices[done % len(devices)].count(done // len(devices) % resources)
            done += 1
        await asyncio.sleep(_TICK_S)


async def main(count: int, resources: int, period_s: float) -> None:
    """Serve until stdin closes."""
    loop = asyncio.get_running_loop()
    devices = []
    for _ in range(count):
        _, device = await loop.create_datagram_endpoint(lambda: Device(resources), ("127.0.0.1", 0))
        devices.append(device)
    print(json.dumps({"ports": [device.port for device in devices]}), flush=True)
    notifying = asyncio.create_task(_notify(devices, resources, period_s))
    await asyncio.to_thread(sys.stdin.readline)
    notifying.cancel()
    await asyncio.sleep(0.5)
    print(json.dumps({"unacknowledged": sum(len(device.unacknowledged) for device in devices)}), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
