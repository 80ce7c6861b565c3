"""What stands between a request and the wire: `drivers.coap.oscore`, or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from drivers.coap.message import Message, encode_options

Options = Iterable[tuple[int, bytes]]


class Sealed(NamedTuple):
    """A request as it goes out. reference: what its answers are opened with."""

    code: int
    options: bytes
    payload: bytes
    reference: Any


class Protection(Protocol):
    """Seals requests and opens answers."""

    def seal(self, code: int, options: Options, payload: bytes) -> Sealed:
        """Raises ConnectFailed where nothing can be sealed any more."""

    def open(self, answer: Message, reference: Any) -> Message:
        """Raises Malformed for what does not come from the device."""

    def close(self) -> None:
        """Free everything; idempotent."""


class Unprotected:
    """Requests and answers as they are."""

    def seal(self, code: int, options: Options, payload: bytes) -> Sealed:
        return Sealed(code, encode_options(options), payload, None)

    def open(self, answer: Message, reference: Any) -> Message:
        return answer

    def close(self) -> None:
        return
