"""What values are made from, in words for a person: what `uatwin probe` shows beside each value."""

from __future__ import annotations

from collections.abc import Callable

RawTap = Callable[[int, str], None]
"""Is told the row of a tag and the text of what its next reading is made from. Returns at once and never raises."""


def hex_text(raw: bytes, group: int = 2) -> str:
    """Bytes in hexadecimal, in groups of so many: "41A4 0000"."""
    return raw.hex(" ", group).upper() if len(raw) % group == 0 else raw.hex().upper()


def payload_text(payload: bytes) -> str:
    """A payload as text on one line where it is that, else in hexadecimal."""
    try:
        text = " ".join(payload.decode().split())
    except UnicodeDecodeError:
        return payload.hex(" ").upper()
    return text if text.isprintable() else payload.hex(" ").upper()
