"""DTLS with a pre-shared key under CoAP (RFC 7252, 9.1.3.1), by the library DTLSSocket where it is installed."""

from __future__ import annotations

import asyncio
import errno
import importlib
import socket
from pathlib import Path
from typing import Any, Final, NamedTuple

from drivers.coap.wire import Arrived, Broken, UdpWire
from drivers.errors import ConnectFailed

MISSING: Final = (
    "DTLS needs the library DTLSSocket, which is not installed: pip install uatwin[dtls]; it is compiled then, "
    "with gcc, make, autoconf and automake"
)
_CONNECTED: Final = 0x1DE
_FATAL: Final = 2
_CLOSED: Final = 0
_LOOK_AGAIN_S: Final = 0.25
"""How often the library is asked whether a message of the handshake must be repeated; it decides itself."""
_ADDRESS: Final = ("::1", 5684)
"""The library wants to be told an address; where datagrams go is our business."""


class Psk(NamedTuple):
    """An identity and its key."""

    identity: bytes
    key: bytes


def dtls_library() -> Any:
    """The library; raises ConnectFailed with the cure where it is not installed."""
    try:
        return importlib.import_module("DTLSSocket.dtls")
    except ImportError as error:
        raise ConnectFailed(MISSING) from error


def read_psk(identity: str, file: str) -> Psk:
    """The key in a file: text, or hexadecimal behind "hex:". Raises ConnectFailed."""
    try:
        text = Path(file).read_bytes().strip()
        return Psk(identity.encode(), bytes.fromhex(text[4:].decode()) if text.startswith(b"hex:") else text)
    except (OSError, ValueError) as error:
        raise ConnectFailed(f"the key in {file} cannot be read: {error}") from error


class DtlsWire:
    """An encrypted session over a connected UDP socket; made by `handshake`."""

    def __init__(self, sock: socket.socket, psk: Psk, arrived: Arrived, broken: Broken) -> None:
        loop = asyncio.get_running_loop()
        self._arrived = arrived
        self._tell_broken = broken
        self._ready: asyncio.Future[None] = loop.create_future()
        self._udp = UdpWire(sock, self._datagram, self._broken)
        self._timer: asyncio.TimerHandle | None = None
        library = dtls_library()
        self._dtls = library.DTLS(
            read=self._decrypted, write=self._encrypted, event=self._event, pskId=psk.identity,
            pskStore={psk.identity: psk.key},
        )  # fmt: skip
        self._session = self._dtls.connect(*_ADDRESS)
        self._look_again()

    @staticmethod
    async def handshake(sock: socket.socket, psk: Psk, arrived: Arrived, broken: Broken) -> DtlsWire:
        """Agree on keys with the device. Raises ConnectFailed where it refuses, OSError where it cannot be reached; its
        caller limits the time."""
        wire = DtlsWire(sock, psk, arrived, broken)
        try:
            await wire._ready
        except BaseException:
            wire.close()
            raise
        return wire

    def send(self, datagram: bytes) -> None:
        if self._session is not None:
            self._dtls.write(self._session, datagram)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        session, self._session = self._session, None
        if session is not None:
            self._dtls.close(session)  # says goodbye
            self._dtls.resetPeer(session)
            del session
            self._dtls = None
        self._ready.cancel()
        self._udp.close()

    def _look_again(self) -> None:
        if self._session is not None and not self._ready.done():
            self._dtls.checkRetransmit()
            self._timer = asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._look_again)

    def _datagram(self, datagram: bytes) -> None:
        if self._session is not None:
            self._dtls.handleMessage(self._session, datagram)

    def _broken(self, error: OSError) -> None:
        if self._ready.done():
            self._tell_broken(error)
        else:
            self._ready.set_exception(error)

    def _decrypted(self, _: object, data: bytes) -> int:
        self._arrived(data)
        return len(data)

    def _encrypted(self, _: object, data: bytes) -> int:
        self._udp.send(bytes(data))
        return len(data)

    def _event(self, level: int, code: int) -> None:
        """An alert of the device, or how the handshake goes."""
        if code == _CONNECTED:
            if not self._ready.done():
                self._ready.set_result(None)
        elif level == _FATAL or (code == _CLOSED and level):
            if self._ready.done():  # not within the library's own call
                error = OSError(errno.ECONNRESET, "it ended the DTLS session")
                asyncio.get_running_loop().call_soon(self._tell_broken, error)
            else:
                self._ready.set_exception(
                    ConnectFailed(f"the device refuses DTLS (alert {code}); are identity and key those it knows?")
                )
