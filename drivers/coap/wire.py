"""A connected UDP socket: datagrams out, and all that have come in at one wake-up."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final, Protocol

_LARGEST_DATAGRAM: Final = 65_536
_AT_ONCE: Final = 100
"""So many datagrams at most before others get their turn."""
_BUFFER_BYTES: Final = 1 << 20
"""What the kernel is asked to hold: the notifications of a thousand resources that change at once."""

Arrived = Callable[[bytes], None]
Broken = Callable[[OSError], None]


class Wire(Protocol):
    """What carries datagrams to one device and back."""

    def send(self, datagram: bytes) -> None:
        """Send; what the network does not take is lost, as it may be anyway."""

    def close(self) -> None:
        """Free everything; idempotent. Nothing arrives afterwards."""


class UdpWire:
    """arrived(datagram) for each one that comes; broken(error) where the network says that the device is not there."""

    def __init__(self, sock: socket.socket, arrived: Arrived, broken: Broken) -> None:
        self._socket = sock
        self._arrived = arrived
        self._broken = broken
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._readable)

    def send(self, datagram: bytes) -> None:
        try:
            self._socket.send(datagram)
        except BlockingIOError:
            return  # the queue of the network card is full
        except OSError as error:  # mostly of an earlier datagram; not while the sender is still in its call
            self._loop.call_soon(self._broken, error)

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            if self._socket.fileno() < 0:
                return
            try:
                datagram = self._socket.recv(_LARGEST_DATAGRAM)
            except BlockingIOError:
                return
            except OSError as error:
                self._broken(error)
                return
            self._arrived(datagram)


async def connected_socket(host: str, port: int) -> socket.socket:
    """A UDP socket that hears nobody but the device. Raises OSError, for an unknown name too."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    problem = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in found:
        try:
            return _connected(family, kind, protocol, address)
        except OSError as error:
            problem = error
    raise problem


def _connected(family: int, kind: int, protocol: int, address: Any) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock
