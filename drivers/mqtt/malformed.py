"""Counts messages that cannot be used; the latest one becomes the last error of the connection and of its tags."""

from __future__ import annotations

from collections.abc import Iterable

from drivers.driver import Traffic


def count(traffic: Traffic, topic: str, reason: str, rows: Iterable[int] = ()) -> None:
    """One more message that was no value, or not for every tag; rows: those that it was meant for."""
    traffic.malformed += 1
    traffic.last_malformed = f"{topic}: {reason}"
    traffic.blame(rows, traffic.last_malformed)
