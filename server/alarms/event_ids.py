"""EventIds of conditions: 16 bytes that say which event of which condition they stand for, and that nobody else makes.

Nothing has to be remembered to know one again: not a list per condition, nor anything of the time before a restart.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
from typing import Final

SECRET_LENGTH: Final = 16
_NUMBER: Final = struct.Struct(">q")
_SEAL: Final = 8


class EventIds:
    """secret: random bytes that are kept as long as the conditions are."""

    def __init__(self, secret: bytes | None = None) -> None:
        self.secret = secret or secrets.token_bytes(SECRET_LENGTH)

    def make(self, path: str, event: int) -> bytes:
        """The EventId of a condition's event of that number."""
        number = _NUMBER.pack(event)
        return number + self._seal(path, number)

    def read(self, path: str, event_id: bytes) -> int | None:
        """The number of the event; None for what is no EventId of this condition."""
        number, seal = event_id[: _NUMBER.size], event_id[_NUMBER.size :]
        if len(number) != _NUMBER.size or not secrets.compare_digest(seal, self._seal(path, number)):
            return None
        return int(_NUMBER.unpack(number)[0])

    def _seal(self, path: str, number: bytes) -> bytes:
        return hashlib.blake2b(path.encode() + number, digest_size=_SEAL, key=self.secret).digest()
