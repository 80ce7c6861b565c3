"""`uatwin discover`: a piece of a plant file for a device that can say what it has."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from drivers.coap.discover import Discovery, describe
from drivers.coap.exploring import explore
from drivers.coap.settings import CoapConnection
from drivers.errors import DriverError

_RATE_S: Final = 10
_LIKE: Final = "right is coap://HOST or coap://HOST:PORT"


class WrongUrl(ValueError):
    """A URL that names no CoAP device; the message says why."""


def read_url(url: str) -> CoapConnection:
    """The device that a URL names. Raises WrongUrl."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise WrongUrl(f"{url} cannot be read ({error}); {_LIKE}") from error
    if parts.scheme != "coap" or not host:
        raise WrongUrl(f"{url} names no CoAP device; {_LIKE}")
    if parts.path not in ("", "/") or parts.query or parts.username is not None:
        raise WrongUrl(f"{url} names more than a device; {_LIKE}, and all its resources are found")
    return CoapConnection(host=host) if port is None else CoapConnection(host=host, port=port)


def plant_fragment(connection: CoapConnection, name: str, found: Discovery) -> str:
    """The connection and an asset with the tags, as a file for `include:`; remarks are comments."""
    device: dict[str, Any] = {"driver": "coap", "host": connection.host, "port": connection.port}
    twin = {"scope": "asset", "connection": name, "rate_s": _RATE_S, "telemetry": found.telemetry}
    document = {"connections": {name: device}, "twins": {name[0].upper() + name[1:]: twin}}
    remarks = "".join(f"# {' '.join(remark.split())}\n" for remark in found.remarks)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
    return f"# Guessed from one answer of each resource: check types, add units and ranges.\n{remarks}{text}"


def discover(url: str, name: str, out: Path | None) -> int:
    """Write what a device has to a file or stdout: 0, 1 where the device does not say, 2 for wrong input."""
    try:
        connection = read_url(url)
    except WrongUrl as error:
        return _failed(str(error), 2)
    if out is not None and out.exists():
        return _failed(f"{out} is there already; give another --out, or remove it", 2)
    try:
        found = describe(asyncio.run(explore(connection)))
    except DriverError as error:
        return _failed(f"{url}: {error}", 1)
    text = plant_fragment(connection, name, found)
    if out is None:
        print(text, end="")
        return 0
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        return _failed(f"{out} cannot be written: {error.strerror}", 2)
    print(f"{len(found.telemetry)} tags written to {out}", file=sys.stderr)
    return 0


def _failed(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code
