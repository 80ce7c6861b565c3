"""Opens the connection that a plant file's `transport` names."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import serial
import serial_asyncio_fast

from drivers.driver import Traffic
from drivers.errors import ConnectFailed
from drivers.modbus.channel import Channel
from drivers.modbus.mbap import MbapChannel
from drivers.modbus.settings import ModbusConnection
from drivers.modbus.single import SingleChannel
from drivers.tls import Tls

try:
    from termios import error as TermiosError  # noqa: N812
except ImportError:  # Windows
    TermiosError = OSError  # type: ignore[misc,assignment]

_ERRORS: Final = (OSError, ValueError, TermiosError)
Make = Callable[[], Channel]
_PARITY: Final = {"even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD, "none": serial.PARITY_NONE}


async def open_channel(settings: ModbusConnection, traffic: Traffic) -> Channel:
    """A connection to the device or the line; raises ConnectFailed."""
    kind = SingleChannel if settings.is_rtu or settings.framing == "pymodbus" else MbapChannel

    def make() -> Channel:
        return kind(settings, traffic)

    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            return await _OPEN[settings.transport](settings, make)
    except TimeoutError as error:
        raise ConnectFailed(
            f"{settings.place}: no connection within {settings.connect_timeout_s:g} s; "
            "check address, cable and firewall"
        ) from error
    except ssl.SSLError as error:
        raise ConnectFailed(
            f"{settings.place}: TLS failed ({getattr(error, 'verify_message', '') or error.reason or error}); "
            "check tls: {ca, cert, key, server_name}"
        ) from error
    except _ERRORS as error:
        raise ConnectFailed(f"{settings.place}: {_reason(error)}; {_advice(settings)}") from error


async def _open_tcp(settings: ModbusConnection, make: Make) -> Channel:
    return await _open_stream(settings, make)


async def _open_tls(settings: ModbusConnection, make: Make) -> Channel:
    tls = settings.tls or Tls()
    context = await asyncio.to_thread(tls.context)
    return await _open_stream(settings, make, ssl=context, server_hostname=tls.server_name or settings.host)


async def _open_stream(settings: ModbusConnection, make: Make, **tls: Any) -> Channel:
    loop = asyncio.get_running_loop()
    transport, channel = await loop.create_connection(make, str(settings.host), settings.port, **tls)
    _watch(transport.get_extra_info("socket"), settings.timeout_s)
    return channel


async def _open_udp(settings: ModbusConnection, make: Make) -> Channel:
    loop = asyncio.get_running_loop()
    address = (str(settings.host), settings.port)
    _, channel = await loop.create_datagram_endpoint(make, remote_addr=address)
    return channel


async def _open_serial(settings: ModbusConnection, make: Make) -> Channel:
    _, channel = await serial_asyncio_fast.create_serial_connection(
        asyncio.get_running_loop(),
        cast("Callable[[], asyncio.Protocol]", make),
        str(settings.device),
        baudrate=settings.baud_rate,
        parity=_PARITY[settings.parity],
        stopbits=settings.stop_bits,
        exclusive=True,
    )
    opened = cast("Channel", channel)
    await opened.opened.wait()
    return opened


_OPEN: Final[dict[str, Callable[[ModbusConnection, Make], Awaitable[Channel]]]] = {
    "tcp": _open_tcp,
    "tls": _open_tls,
    "udp": _open_udp,
    "rtu": _open_serial,
    "rtu_over_tcp": _open_tcp,
}


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _advice(settings: ModbusConnection) -> str:
    if settings.transport == "rtu":
        return "check that the port exists, that nothing else uses it and that you may open it (group dialout)"
    if settings.transport == "tls":
        return "check host, port and the files of tls: {ca, cert, key}"
    return "check host, port and that the device runs"


def _watch(connection: socket.socket, timeout_s: float) -> None:
    """Have the system notice a peer that vanished without a word, rather than repeat into the void for minutes."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    with contextlib.suppress(AttributeError, OSError):  # Linux only
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(max(5.0, 3 * timeout_s) * 1000))
