"""OSCORE (RFC 8613) by aiocoap: a security context on disk seals requests and opens answers."""

from __future__ import annotations

import binascii
from pathlib import Path
from typing import Any

from aiocoap import Code
from aiocoap import Message as AiocoapMessage
from aiocoap.error import Error as AiocoapError
from aiocoap.oscore import FilesystemSecurityContext
from filelock import Timeout

from drivers.coap.message import Kind, Message, Option, decode, encode, encode_options, to_uint
from drivers.coap.protection import Options, Sealed
from drivers.errors import ConnectFailed, DriverError, LinkLost, Malformed


class _Context(FilesystemSecurityContext):  # type: ignore[misc]
    """aiocoap's context, which otherwise ends only with the garbage collector, and stumbles there if it never began."""

    def close(self) -> None:
        """Store the sequence number and free the lock; idempotent."""
        if self.lockfile is not None:
            self._destroy()

    def __del__(self) -> None:
        if self.lockfile is not None:
            self.lockfile.release()


class Oscore:
    """A security context in a directory: keys and identities (settings.json, secret.json), and the sequence number that
    must never be used twice (sequence.json). A lock in the directory keeps a second user away.

    Made by `load`; blocks for a file to be written now and then (after 10, 30, 70, ... requests).
    """

    def __init__(self, context: _Context) -> None:
        self._context = context

    @staticmethod
    def load(directory: Path) -> Oscore:
        """Reads and writes files. Raises ConnectFailed with what is wrong with them."""
        if not directory.is_dir():
            raise ConnectFailed(f"the OSCORE context {directory} is no directory")
        try:
            return Oscore(_Context(str(directory)))
        except Timeout as error:
            raise ConnectFailed(
                f"the OSCORE context {directory} is in use by another process or connection; each needs one of its own"
            ) from error
        except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
            raise ConnectFailed(f"the OSCORE context {directory} cannot be used: {error}") from error

    def seal(self, code: int, options: Options, payload: bytes) -> Sealed:
        if self._context.lockfile is None:
            raise LinkLost("the OSCORE context is closed")
        plain = AiocoapMessage(code=Code(code), payload=payload)
        plain.opt.decode(encode_options(options))
        try:
            sealed, reference = self._context.protect(plain)
        except AiocoapError as error:  # all 2**40 sequence numbers are used
            raise ConnectFailed(f"the OSCORE context is used up: {error}") from error
        return Sealed(int(sealed.code), sealed.opt.encode(), sealed.payload, reference)

    def open(self, answer: Message, reference: Any) -> Message:
        if self._context.lockfile is None:
            raise LinkLost("the OSCORE context is closed")
        raw = encode(answer.kind, answer.code, answer.mid, answer.token, encode_options(answer.options.items()))
        sealed = AiocoapMessage.decode(raw)
        sealed.payload = answer.payload
        try:
            plain, _ = self._context.unprotect(sealed, reference)
        except (AiocoapError, ValueError, IndexError) as error:
            raise _not_opened(answer, error) from error
        order, plain.opt.observe = plain.opt.observe, None
        opened = decode(encode(Kind.NON, int(plain.code), 0, b"", plain.opt.encode(), plain.payload))
        if order is None:
            return opened
        sequence = to_uint(order + 1 & 0xFFFFFF)  # Partial IVs tell the order, none is the first (RFC 8613, 4.1.3.5.2)
        return opened._replace(options={**opened.options, Option.OBSERVE: sequence})

    def close(self) -> None:
        self._context.close()


def _not_opened(answer: Message, error: Exception) -> DriverError:
    """An answer without protection is the device's way to say that it does not know our context."""
    if answer.code >> 5 in (4, 5):
        text = answer.payload[:80].decode(errors="replace")
        return Malformed(f"the device refuses OSCORE: {answer.code >> 5}.{answer.code & 0x1F:02d} ({text})")
    return Malformed(f"an answer that OSCORE does not accept ({type(error).__name__}: {error})")
