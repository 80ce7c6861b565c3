"""A client in a process of its own that subscribes to many items and counts and checks every value it gets.

    python -m benchmarks.counting_client URL ITEMS SAMPLING_MS PUBLISHING_MS SECONDS NODE_PATTERN

The server is expected to write `tick * SPAN + item` to each item, with tick rising by one. The result is one JSON line:
values, lost (ticks an item skipped), wrong (values of the wrong item), mixed (messages with anything but Good values),
messages, never (items that never showed a value).
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import numpy.typing as npt
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary

from benchmarks.data_values import as_records
from benchmarks.lean_client import LeanClient, decode

SPAN = 2**20
_PUBLISHES = 4
_HANDLE = ("handle", "<u4")
_DATA_CHANGE = b"\x01\x00\x2b\x03"
"""NodeId of DataChangeNotification's binary encoding, i=811."""


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
        records = as_records(memoryview(body)[4:-4], count, _HANDLE)
        if records is None:
            self.mixed += 1
            return
        ticks, items = np.divmod(records["value"].astype(np.int64), SPAN)
        handles = records["handle"]
        self.wrong += int((items != handles).sum())
        self.lost += self._skipped(handles, ticks)
        self.last[handles] = ticks
        self.values += count

    def _skipped(self, handles: npt.NDArray[np.uint32], ticks: npt.NDArray[np.int64]) -> int:
        """How far each tick is from the one that should follow the item's last, be that in this message or before."""
        order = np.argsort(handles, kind="stable")
        handles, ticks = handles[order], ticks[order]
        before = self.last[handles]
        again = np.flatnonzero(handles[1:] == handles[:-1]) + 1
        before[again] = ticks[again - 1]
        return int(np.abs(ticks - before - 1)[before >= 0].sum())


class Subscriber:
    """Keeps some Publish requests with the server and hands what comes to a Counter."""

    def __init__(self, client: LeanClient, counter: Counter) -> None:
        self._client = client
        self._counter = counter

    def begin(self) -> None:
        """Send the first Publish requests."""
        for _ in range(_PUBLISHES):
            self._publish([])

    def count_for(self, seconds: float) -> None:
        """Take what comes for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self._take(self._client.receive(left)[1])
            except TimeoutError:
                return

    def _publish(self, acknowledgements: list[ua.SubscriptionAcknowledgement]) -> None:
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = acknowledgements
        self._client.send(self._client.encode(request))

    def _take(self, body: bytes) -> None:
        response = Buffer(body, 4)
        struct_from_binary(ua.ResponseHeader, response).ServiceResult.check()
        at = len(body) - len(response)
        subscription, available = np.frombuffer(body, "<i4", 2, at).tolist()
        at += 8 + 4 * max(available, 0) + 1
        sequence = int.from_bytes(body[at : at + 4], "little")
        at += 4 + 8 + 4
        if body[at : at + 4] != _DATA_CHANGE:
            self._publish([])
            return
        self._publish([ua.SubscriptionAcknowledgement(SubscriptionId=subscription, SequenceNumber=sequence)])
        length = int.from_bytes(body[at + 5 : at + 9], "little")
        self._counter.take(body[at + 9 : at + 9 + length])


def subscribe(client: LeanClient, items: int, sampling_ms: float, publishing_ms: float, pattern: str) -> float:
    """A subscription to all items, in calls of 1,000; the seconds that took."""
    create = ua.CreateSubscriptionRequest()
    create.Parameters.RequestedPublishingInterval = publishing_ms
    create.Parameters.RequestedLifetimeCount = 10_000
    create.Parameters.RequestedMaxKeepAliveCount = 100
    create.Parameters.PublishingEnabled = True
    subscription = client.call(create).Parameters.SubscriptionId
    took_s = 0.0
    for start in range(0, items, 1000):
        request = ua.CreateMonitoredItemsRequest()
        request.Parameters.SubscriptionId = subscription
        request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
        request.Parameters.ItemsToCreate = [
            _item(ua.NodeId.from_string(pattern.format(i, i // 100)), i, sampling_ms)
            for i in range(start, min(start + 1000, items))
        ]
        body = client.encode(request)
        began = time.perf_counter()
        client.send(body)
        answer = client.receive()[1]
        took_s += time.perf_counter() - began
        for result in decode(answer).Results:
            result.StatusCode.check()
    return took_s


def _item(node_id: ua.NodeId, handle: int, sampling_ms: float) -> ua.MonitoredItemCreateRequest:
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=node_id, AttributeId=ua.AttributeIds.Value),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=handle, SamplingInterval=sampling_ms, QueueSize=4, DiscardOldest=True
        ),
    )


def main(url: str, items: int, sampling_ms: float, publishing_ms: float, seconds: float, pattern: str) -> None:
    """Subscribe, say ready, count for so many seconds, print the result."""
    with LeanClient(url) as client:
        client.log_in()
        subscribe_s = subscribe(client, items, sampling_ms, publishing_ms, pattern)
        print(json.dumps({"subscribe_s": subscribe_s}), flush=True)
        counter = Counter(items)
        subscriber = Subscriber(client, counter)
        subscriber.begin()
        subscriber.count_for(2 * publishing_ms / 1000 + 1.0)
        counter.start()
        print(json.dumps({"counting": True}), flush=True)
        subscriber.count_for(seconds)
        result = {"values": counter.values, "lost": counter.lost, "wrong": counter.wrong, "mixed": counter.mixed}
        print(json.dumps(result | {"messages": counter.messages, "never": int((counter.last < 0).sum())}), flush=True)


if __name__ == "__main__":
    url, items, sampling, publishing, seconds, pattern = sys.argv[1:]
    main(url, int(items), float(sampling), float(publishing), float(seconds), pattern)
