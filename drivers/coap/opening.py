"""From a connection's settings to sockets and keys: how the device is reached, and how messages are protected."""

from __future__ import annotations

import asyncio
from pathlib import Path

from drivers.coap.channel import Opener
from drivers.coap.dtls import DtlsWire, dtls_library, read_psk
from drivers.coap.protection import Protection, Unprotected
from drivers.coap.settings import CoapConnection
from drivers.coap.wire import Arrived, Broken, UdpWire, Wire, connected_socket


def opener_of(connection: CoapConnection) -> Opener:
    """How to reach the device. Raises ConnectFailed where a library or key is missing."""
    host, port = connection.host, connection.port
    device = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    psk = None
    if connection.dtls is not None:
        dtls_library()
        psk = read_psk(connection.dtls.identity, connection.dtls.psk_file)

    async def open_wire(arrived: Arrived, broken: Broken) -> Wire:
        sock = await connected_socket(host, port)
        if psk is None:
            return UdpWire(sock, arrived, broken)
        return await DtlsWire.handshake(sock, psk, arrived, broken)

    return Opener(device, open_wire)


async def protection_of(connection: CoapConnection) -> Protection:
    """The keys of the connection, read from disk. Raises ConnectFailed."""
    if connection.oscore is None:
        return Unprotected()
    from drivers.coap.oscore import Oscore  # brings half of aiocoap and all of its cryptography

    return await asyncio.to_thread(Oscore.load, Path(connection.oscore.context))
