"""Reaching a broker: the connection, encrypted where wanted, and what to tell people when it fails."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

from drivers.errors import ConnectFailed
from drivers.mqtt.settings import MqttConnection
from drivers.mqtt.wire import Wire


async def connect_wire(settings: MqttConnection, make: Callable[[], Wire]) -> Wire:
    """An open connection to the broker. Raises ConnectFailed."""
    tls = settings.tls
    name = tls.server_name or settings.host if tls is not None else None
    context = await asyncio.to_thread(tls.context) if tls is not None else None
    try:
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(make, settings.host, settings.port, ssl=context, server_hostname=name)
    except (ssl.SSLError, OSError) as error:
        raise ConnectFailed(_why(settings, error)) from error
    return wire


def _why(settings: MqttConnection, error: OSError) -> str:
    broker = f"broker {settings.host}:{settings.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"{broker} shows a certificate that is not trusted ({error.verify_message}); "
            "give the authority that signed it as tls.ca"
        )
    if isinstance(error, ssl.SSLError):
        return f"{broker}: TLS failed ({error.reason or error}); is it a TLS port?"
    if isinstance(error, socket.gaierror):
        return f'host "{settings.host}" is not known ({error.strerror})'
    hint = "; is it a TLS port?" if settings.tls is not None and isinstance(error, ConnectionError) else ""
    return f"{broker} cannot be reached ({error.strerror or error}){hint}"


def refusal(settings: MqttConnection, reason: str) -> str:
    """What to tell about a broker's refusal."""
    text = f"broker {settings.host}:{settings.port} refused the connection: {reason}"
    if reason in ("Bad user name or password", "Not authorized"):
        who = f'user "{settings.user}"' if settings.user else "no user was given"
        text += f" ({who}); check user and password of the connection"
    return text


def not_accepted(settings: MqttConnection, why: str) -> str:
    """What to tell about a connection that was ended before the broker answered."""
    hint = "is it an MQTT port, and does it want tls?"
    if settings.tls is not None:  # with TLS 1.3 a client learns only now that its certificate will not do
        shown = f"knows who signed {settings.tls.cert}" if settings.tls.cert else "wants a certificate of the bridge"
        hint = f"look whether it {shown} (tls.cert, tls.key)"
    broker = f"{settings.host}:{settings.port}"
    return f"broker {broker} ended the connection before it accepted it ({why}); {hint}"
