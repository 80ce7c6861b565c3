"""A client in a process of its own that subscribes to many items and counts and checks every value it gets.

    python -m benchmarks.counting_client URL ITEMS SAMPLING_MS PUBLISHING_MS SECONDS NODE_PATTERN

The server is expected to write `tick * SPAN + item` to each item, with tick rising by one. The result is one JSON line:
values, lost (ticks an item skipped), wrong (values of the wrong item), mixed (messages with anything but Good values),
messages, subscribe_s.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import numpy as np
import numpy.typing as npt
from asyncua import Client, ua
from asyncua.common.connection import TransportLimits
from asyncua.ua.ua_binary import struct_from_binary

SPAN = 2**20
_ITEM = {
    mask: np.dtype([("handle", "<u4"), ("mask", "u1"), ("type", "u1"), ("value", "<f8"), *fields])
    for mask, fields in (
        (0x01, []),
        (0x05, [("source", "<i8")]),
        (0x0D, [("source", "<i8"), ("server", "<i8")]),
    )
}


class Frames:
    """Puts unsecured message chunks (Part 6, 6.7.2) together without copying what is still to come; asyncua's own way
    is too slow to receive a million values a second."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._rest = bytearray()
        self._parts: list[bytes] = []
        protocol.data_received = self.data_received

    def data_received(self, data: bytes) -> None:
        """Called by the transport in place of asyncua's method."""
        self._rest += data
        at = 0
        while len(self._rest) - at >= 8:
            size = int.from_bytes(self._rest[at + 4 : at + 8], "little")
            if len(self._rest) - at < size:
                break
            self._parts.append(bytes(self._rest[at + 24 : at + size]))
            if self._rest[at + 3] == ord("F"):
                request = int.from_bytes(self._rest[at + 20 : at + 24], "little")
                self._protocol._call_callback(request, ua.utils.Buffer(b"".join(self._parts)))
                self._parts = []
            at += size
        del self._rest[:at]


class Counter:
    """Checks values column by column; `last` is the last tick of each item."""

    def __init__(self, items: int) -> None:
        self.last: npt.NDArray[np.int64] = np.full(items, -1, np.int64)
        self.values = self.lost = self.wrong = self.messages = self.mixed = 0

    def start(self) -> None:
        """Count from here; the last ticks stay known."""
        self.values = self.lost = self.wrong = self.messages = self.mixed = 0

    def take(self, body: bytes) -> None:
        """An encoded DataChangeNotification; one that is not all Good Doubles is `mixed` and not looked into."""
        count = int.from_bytes(body[:4], "little")
        self.messages += 1
        layout = _ITEM.get(body[8])
        if layout is None or layout.itemsize * count + 8 != len(body):
            self.mixed += 1
            self.last[:] = -1
            return
        records = np.frombuffer(body, layout, count, 4)
        ticks, items = np.divmod(records["value"].astype(np.int64), SPAN)
        handles = records["handle"]
        self.wrong += int((items != handles).sum())
        known = self.last[handles] >= 0
        self.lost += int((ticks - self.last[handles] - 1)[known].sum())
        self.last[handles] = ticks
        self.values += count


async def _publish(client: Client, counter: Counter) -> None:
    protocol = client.uaclient.protocol
    acks: list[ua.SubscriptionAcknowledgement] = []
    while True:
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = acks
        data = await protocol.send_request(request, timeout=0)
        body = bytes(data.read(len(data)))
        response = ua.utils.Buffer(body)
        response.skip(4)
        struct_from_binary(ua.ResponseHeader, response)
        at = len(body) - len(response)
        subscription = int.from_bytes(body[at : at + 4], "little")
        available = int.from_bytes(body[at + 4 : at + 8], "little", signed=True)
        at += 8 + 4 * max(available, 0) + 1
        sequence = int.from_bytes(body[at : at + 4], "little")
        at += 4 + 8 + 4
        if len(body) <= at + 9 or body[at : at + 4] != b"\x01\x00\x2b\x03":
            acks = []
            continue
        length = int.from_bytes(body[at + 5 : at + 9], "little")
        counter.take(body[at + 9 : at + 9 + length])
        acks = [ua.SubscriptionAcknowledgement(SubscriptionId=subscription, SequenceNumber=sequence)]


async def _subscribe(client: Client, items: int, sampling_ms: float, publishing_ms: float, pattern: str) -> float:
    create = ua.CreateSubscriptionRequest()
    create.Parameters.RequestedPublishingInterval = publishing_ms
    create.Parameters.RequestedLifetimeCount = 10_000
    create.Parameters.RequestedMaxKeepAliveCount = 100
    create.Parameters.PublishingEnabled = True
    data = await client.uaclient.protocol.send_request(create)
    created = struct_from_binary(ua.CreateSubscriptionResponse, data).Parameters
    began = time.perf_counter()
    for start in range(0, items, 1000):
        request = ua.CreateMonitoredItemsRequest()
        request.Parameters.SubscriptionId = created.SubscriptionId
        request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
        request.Parameters.ItemsToCreate = [
            ua.MonitoredItemCreateRequest(
                ItemToMonitor=ua.ReadValueId(ua.NodeId.from_string(pattern.format(i, i // 100)), ua.AttributeIds.Value),
                MonitoringMode=ua.MonitoringMode.Reporting,
                RequestedParameters=ua.MonitoringParameters(
                    ClientHandle=i, SamplingInterval=sampling_ms, QueueSize=4, DiscardOldest=True
                ),
            )
            for i in range(start, min(start + 1000, items))
        ]
        data = await client.uaclient.protocol.send_request(request, timeout=60)
        response = struct_from_binary(ua.CreateMonitoredItemsResponse, data)
        bad = [result.StatusCode for result in response.Results if not result.StatusCode.is_good()]
        if bad:
            raise SystemExit(f"{len(bad)} items refused, first {bad[0]}")
    return time.perf_counter() - began


async def main(url: str, items: int, sampling_ms: float, publishing_ms: float, seconds: float, pattern: str) -> None:
    """Subscribe, say ready, count for so many seconds, print the result."""
    client = Client(url, timeout=60)
    client.uaclient._limits = TransportLimits(65535, 65535, 0, 0)
    await client.connect()
    Frames(client.uaclient.protocol)
    counter = Counter(items)
    subscribe_s = await _subscribe(client, items, sampling_ms, publishing_ms, pattern)
    publishers = [asyncio.create_task(_publish(client, counter)) for _ in range(4)]
    print(json.dumps({"subscribed": items, "subscribe_s": subscribe_s}), flush=True)
    await asyncio.sleep(2 * publishing_ms / 1000 + 1.0)
    counter.start()
    print(json.dumps({"counting": True}), flush=True)
    await asyncio.sleep(seconds)
    result = {"values": counter.values, "lost": counter.lost, "wrong": counter.wrong, "mixed": counter.mixed}
    print(json.dumps(result | {"messages": counter.messages, "never": int((counter.last < 0).sum())}), flush=True)
    for publisher in publishers:
        publisher.cancel()
    await asyncio.gather(*publishers, return_exceptions=True)
    await client.disconnect()


if __name__ == "__main__":
    url, items, sampling, publishing, seconds, pattern = sys.argv[1:]
    asyncio.run(main(url, int(items), float(sampling), float(publishing), float(seconds), pattern))
