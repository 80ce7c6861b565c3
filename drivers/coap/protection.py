"""What stands between a request and the wire: nothing, or OSCORE (RFC 8613) with a context on disk."""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from aiocoap import Code
from aiocoap import Message as AiocoapMessage
from aiocoap.error import Error as AiocoapError

from drivers.coap.message import Kind, Message, decode, encode, encode_options
from drivers.errors import ConnectFailed, DriverError, Malformed

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


class Oscore:
    """A security context in a directory: keys and identities (settings.json, secret.json), and the sequence number that
    must never be used twice (sequence.json). A lock in the directory keeps a second user away.

    Made by `load`; blocks for a file to be written now and then (after 10, 30, 70, ... requests).
    """

    def __init__(self, context: Any) -> None:
        self._context = context

    @staticmethod
    def load(directory: Path) -> Oscore:
        """Reads and writes files. Raises ConnectFailed with what is wrong with them."""
        from aiocoap.oscore import FilesystemSecurityContext  # only who uses it needs what it needs
        from filelock import Timeout

        if not directory.is_dir():
            raise ConnectFailed(f"the OSCORE context {directory} is no directory")
        try:
            return Oscore(FilesystemSecurityContext(str(directory)))
        except Timeout as error:
            raise ConnectFailed(
                f"the OSCORE context {directory} is in use by another process or connection; each needs one of its own"
            ) from error
        except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
            raise ConnectFailed(f"the OSCORE context {directory} cannot be used: {error}") from error

    def seal(self, code: int, options: Options, payload: bytes) -> Sealed:
        if self._context is None:
            raise ConnectFailed("the OSCORE context is closed")
        plain = AiocoapMessage(code=Code(code), payload=payload)
        plain.opt.decode(encode_options(options))
        try:
            sealed, reference = self._context.protect(plain)
        except AiocoapError as error:  # all 2**40 sequence numbers are used
            raise ConnectFailed(f"the OSCORE context is used up: {error}") from error
        return Sealed(int(sealed.code), sealed.opt.encode(), sealed.payload, reference)

    def open(self, answer: Message, reference: Any) -> Message:
        if self._context is None:
            raise ConnectFailed("the OSCORE context is closed")
        raw = encode(answer.kind, answer.code, answer.mid, answer.token, encode_options(answer.options.items()))
        sealed = AiocoapMessage.decode(raw)
        sealed.payload = answer.payload
        try:
            plain, _ = self._context.unprotect(sealed, reference)
        except AiocoapError as error:
            raise _not_opened(answer, error) from error
        opened = decode(encode(Kind.NON, int(plain.code), 0, b"", plain.opt.encode(), plain.payload))
        observe = {number: value for number, value in answer.options.items() if number == 6}
        return opened._replace(options={**opened.options, **observe})

    def close(self) -> None:
        self._context = None  # which stores the sequence number and frees the lock


def _not_opened(answer: Message, error: Exception) -> DriverError:
    """An answer without protection is the device's way to say that it does not know our context."""
    if answer.code >> 5 in (4, 5):
        text = answer.payload[:80].decode(errors="replace")
        return Malformed(f"the device refuses OSCORE: {answer.code >> 5}.{answer.code & 0x1F:02d} ({text})")
    return Malformed(f"an answer that OSCORE does not accept ({type(error).__name__}: {error})")
