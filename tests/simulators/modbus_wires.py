"""A serial line (a pseudo terminal) and a UDP port of a simulated Modbus device."""

from __future__ import annotations

import asyncio
import os
import tty
from typing import cast

from tests.simulators.modbus_client import Client
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.modbus_framing import RtuFraming, TcpFraming


class ModbusLine:
    """`async with ModbusLine(device) as line:` serves the device's units at the serial port line.path. echo: the line
    gives back what is sent, as two-wire adapters do."""

    def __init__(self, device: ModbusDevice, *, echo: bool = False) -> None:
        self.echo = echo
        self.client = Client(device, RtuFraming(), on_line=True)
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)

    def write(self, data: bytes) -> None:
        """Wire: send."""
        os.write(self.master, data)

    def close(self) -> None:
        """Wire: a line cannot hang up."""

    def abort(self) -> None:
        """Wire: a line cannot hang up."""

    async def __aenter__(self) -> ModbusLine:
        self.client.open(self)
        asyncio.get_running_loop().add_reader(self.master, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self.master)
        self.client.connection_lost(None)
        os.close(self.master)
        os.close(self._slave)

    def _read(self) -> None:
        data = os.read(self.master, 4096)
        if self.echo:
            os.write(self.master, data)
        self.client.data_received(data)


class ModbusDatagrams(asyncio.DatagramProtocol):
    """`async with ModbusDatagrams(device) as port:` serves the device at UDP port.port."""

    def __init__(self, device: ModbusDevice) -> None:
        self.device = device
        self.port = 0
        self._clients: dict[object, Client] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: listening."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """asyncio: a request came."""
        client = self._clients.get(addr)
        if client is None:
            client = self._clients[addr] = Client(self.device, TcpFraming())
            client.open(_Peer(self._transport, addr))
        client.data_received(data)

    async def __aenter__(self) -> ModbusDatagrams:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.connection_lost(None)
        self._transport.close()


class _Peer:
    """Where answers to one UDP peer go."""

    def __init__(self, transport: asyncio.DatagramTransport, address: tuple[str, int]) -> None:
        self._transport = transport
        self._address = address

    def write(self, data: bytes) -> None:
        """Wire: send."""
        self._transport.sendto(data, self._address)

    def close(self) -> None:
        """Wire: there is nothing to hang up."""

    def abort(self) -> None:
        """Wire: there is nothing to hang up."""
