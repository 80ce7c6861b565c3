"""`uatwin discover`: a piece of a plant file for a device that can say what it has, or for what a broker brings."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from drivers.coap.discover import Discovery, describe
from drivers.coap.exploring import explore
from drivers.coap.settings import CoapConnection
from drivers.errors import DriverError
from drivers.mqtt.discovery import SCHEMES, settings_of
from drivers.mqtt.discovery import discover as listen
from drivers.mqtt.survey import Template
from drivers.mqtt.topic import filter_problem
from server.config.bodies import DIAGNOSTICS, RESERVED

_RATE_S: Final = 10
_LIKE: Final = "right is coap://HOST or coap://HOST:PORT (mqtt://HOST for a broker)"


class WrongUrl(ValueError):
    """A URL that names no device or broker, or a topic that is none; the message says why."""


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


def discover(url: str, name: str, out: Path | None, topics: Sequence[str] = ("#",), seconds: float = 10.0) -> int:
    """Write what a device has, or what a broker's devices publish on these topics within so many seconds, to a file or
    stdout: 0, 1 where the device or broker does not say, 2 for wrong input."""
    if out is not None and out.exists():
        return _failed(f"{out} is there already; give another --out, or remove it", 2)
    try:
        text = _text(url, name, topics, seconds)
    except WrongUrl as error:
        return _failed(str(error), 2)
    except DriverError as error:
        return _failed(f"{url}: {error}", 1)
    if out is None:
        print(text, end="")
        return 0
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        return _failed(f"{out} cannot be written: {error.strerror}", 2)
    print(f"{text.count('point: ')} tags written to {out}", file=sys.stderr)
    return 0


def _text(url: str, name: str, topics: Sequence[str], seconds: float) -> str:
    if urlsplit(url).scheme not in SCHEMES:
        connection = read_url(url)
        return plant_fragment(connection, name, describe(asyncio.run(explore(connection))))
    try:
        settings_of(url)
    except ValueError as error:
        raise WrongUrl(str(error)) from error
    wrong = [problem for topic in topics if (problem := filter_problem(Template.of(topic).filter))]
    if wrong:
        raise WrongUrl(wrong[0])
    return asyncio.run(listen(url, topics, seconds, name, RESERVED | {*DIAGNOSTICS}))


def _failed(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code
