"""A client that times what a server does for it: reads of one value, or notifications from their source to here.

    python -m benchmarks.latency_client read|notify URL NODE_PATTERN ITEMS

NODE_PATTERN has {n} for the number of the item. Answers each line on stdin with what it has seen since the line before:
`{"count": n, "p50_ms": ..., "p99_ms": ..., "worst_ms": ...}`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import UTC, datetime

import numpy as np
from asyncua import ua
from asyncua.ua.uaprotocol_auto import DataChangeFilter

from benchmarks.lean_client import LeanClient, decode, read_request

_BETWEEN_READS_S = 0.005
_PUBLISHING_MS = 10.0
_PUBLISHES = 10


class Latencies:
    """Milliseconds, taken away when they are asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: list[float] = []

    def note(self, seconds: float) -> None:
        """One more."""
        with self._lock:
            self._seen.append(1000.0 * seconds)

    def take(self) -> dict[str, float]:
        """Those since the last time."""
        with self._lock:
            seen, self._seen = self._seen, []
        if not seen:
            return {"count": 0}
        p50, p99, worst = np.percentile(seen, (50, 99, 100)).tolist()
        return {"count": len(seen), "p50_ms": p50, "p99_ms": p99, "worst_ms": worst}


def _read(client: LeanClient, pattern: str, items: int, seen: Latencies) -> None:
    bodies = [client.encode(read_request(ua.NodeId.from_string(pattern.format(n=n)))) for n in range(items)]
    number = 0
    while True:
        began = time.perf_counter()
        client.send(bodies[number % items])
        client.receive()
        seen.note(time.perf_counter() - began)
        number += 1
        time.sleep(_BETWEEN_READS_S)


def _notify(client: LeanClient, pattern: str, items: int, seen: Latencies) -> None:
    """Every new SourceTimestamp is told (trigger StatusValueTimestamp, Part 4, 7.22.2), whether the value changed or
    not."""
    create = ua.CreateSubscriptionRequest()
    create.Parameters.RequestedPublishingInterval = _PUBLISHING_MS
    create.Parameters.RequestedLifetimeCount, create.Parameters.RequestedMaxKeepAliveCount = 60_000, 1_000
    create.Parameters.PublishingEnabled = True
    subscription = client.call(create).Parameters.SubscriptionId
    monitor = ua.CreateMonitoredItemsRequest()
    monitor.Parameters.SubscriptionId = subscription
    monitor.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Source
    monitor.Parameters.ItemsToCreate = [_item(pattern.format(n=n), n) for n in range(items)]
    for result in client.call(monitor).Results:
        result.StatusCode.check()
    for _ in range(_PUBLISHES):
        client.send(client.encode(ua.PublishRequest()))
    while True:
        body = client.receive(600.0)[1]
        arrived = datetime.now(UTC)
        client.send(client.encode(ua.PublishRequest()))
        told = decode(body).Parameters.NotificationMessage.NotificationData or []
        stamps = [one.Value.SourceTimestamp for data in told for one in data.MonitoredItems]
        if stamps:
            seen.note((arrived - max(stamps)).total_seconds())


def _item(node: str, handle: int) -> ua.MonitoredItemCreateRequest:
    wanted = ua.MonitoringParameters(
        ClientHandle=handle,
        SamplingInterval=_PUBLISHING_MS,
        QueueSize=1,
        DiscardOldest=True,
        Filter=DataChangeFilter(ua.DataChangeTrigger.StatusValueTimestamp),
    )
    item = ua.ReadValueId(NodeId=ua.NodeId.from_string(node), AttributeId=ua.AttributeIds.Value)
    return ua.MonitoredItemCreateRequest(item, ua.MonitoringMode.Reporting, wanted)


def main(kind: str, url: str, pattern: str, items: int) -> None:
    """Time until stdin ends."""
    seen = Latencies()
    with LeanClient(url) as client:
        client.log_in()
        work = {"read": _read, "notify": _notify}[kind]
        threading.Thread(target=work, args=(client, pattern, items, seen), daemon=True).start()
        for _ in sys.stdin:
            print(json.dumps(seen.take()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
