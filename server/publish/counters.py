"""What a publisher counts, and how it is told in its tags."""

from __future__ import annotations

from dataclasses import dataclass

from server.publish.collector import Collector
from server.publish.queue import Queue


@dataclass(slots=True)
class Counters:
    """Since the start. values: left after reduction; messages, sent: acknowledged messages and values; unsaved: values
    that the disk did not take; orders: commands answered."""

    values: int = 0
    messages: int = 0
    sent: int = 0
    unsaved: int = 0
    orders: int = 0
    reconnects: int = 0
    last_error: str = ""


def figures(counters: Counters, queue: Queue, collector: Collector, connected: bool) -> dict[str, int | str]:
    """By the names of the tags (`server.config.diagnostics.publisher_diagnostics`)."""
    return {
        "State": 2 if connected else 1,
        "LastError": counters.last_error,
        "TakenValues": collector.taken,
        "ReducedValues": counters.values,
        "SentValues": counters.sent,
        "SentMessages": counters.messages,
        "QueuedValues": queue.values,
        "QueuedBytes": queue.bytes,
        "DroppedValues": queue.dropped + counters.unsaved + collector.lost,
        "Commands": counters.orders,
        "Disconnects": counters.reconnects,
    }
