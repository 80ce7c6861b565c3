"""Counts messages that cannot be used; the latest one becomes the last error of the connection."""

from __future__ import annotations

from drivers.driver import Traffic


def count(traffic: Traffic, topic: str, reason: str) -> None:
    """One more message that was no value, or not for every tag."""
    traffic.malformed += 1
    traffic.last_malformed = f"{topic}: {reason}"
