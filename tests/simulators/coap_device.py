"""A CoAP device on a real UDP socket, with resources of every format, that misbehaves on order.

async with CoapDevice() as device:
    device.set("/weather", {"temperature": 21.5})             # JSON; observers are notified
    device.set("/tank", [{"n": "level", "v": 3.2}], format="senml_cbor")
    device.misbehave("/weather", code=0xA0)                   # 5.00 from now on
    device.behave()
    await device.restart()                                    # same port, same values, no observers
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import aiocoap
import cbor2
from aiocoap.credentials import CredentialsMap
from aiocoap.message import Message
from aiocoap.numbers.constants import Reliable, Unreliable
from aiocoap.resource import ObservableResource, Site, WKCResource
from aiocoap.transports.simplesocketserver import MessageInterfaceSimpleServer, _DatagramServerSocketSimple

CONTENT_FORMATS: Final = {"text": 0, "raw": 42, "json": 50, "cbor": 60, "senml_json": 110, "senml_cbor": 112}
_SENML_LABELS: Final = {
    "bn": -2,
    "bt": -3,
    "bu": -4,
    "bv": -5,
    "n": 0,
    "u": 1,
    "v": 2,
    "vs": 3,
    "vb": 4,
    "t": 6,
    "vd": 8,
}


class Written(NamedTuple):
    """A command that reached the device. method: "PUT" or "POST"."""

    path: str
    method: str
    payload: bytes
    content_format: int | None
    query: tuple[str, ...]


@dataclass(slots=True)
class Mischief:
    """How a resource misbehaves. silence: no answer and no acknowledgement; code: answer this instead; garbage: send
    this payload instead; delay_s: think so long before answering; writes_only: reads are answered well."""

    silence: bool = False
    code: int | None = None
    garbage: bytes | None = None
    delay_s: float = 0.0
    writes_only: bool = False


@dataclass(slots=True)
class _State:
    payload: bytes
    format: str
    content_format: int | None
    observable: bool
    writable: bool
    max_age_s: int | None
    value: Any = field(default=None)
    link: dict[str, str] = field(default_factory=dict)


class CoapDevice:
    """A device with resources by path ("/weather"), on a free port of 127.0.0.1 unless one is given.

    port: where it listens, also over a restart. written: all commands accepted, in order. requests: how often each
    (method, path) was asked, refused and silent ones included, retransmissions not. confirmable: whether
    notifications are. oscore: directory of a security context; whoever speaks without it is refused with 4.01.
    """

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, confirmable: bool = True, oscore: Path | None = None
    ) -> None:
        self.host = host
        self.port = port
        self.written: list[Written] = []
        self.requests: Counter[tuple[str, str]] = Counter()
        self._tuning = Reliable() if confirmable else Unreliable()
        self._states: dict[str, _State] = {}
        self._resources: dict[str, _Resource] = {}
        self._mischief: dict[str | None, Mischief] = {}
        self._site = Site()
        self._context: aiocoap.Context | None = None
        self.answers_pings = True
        self.oscore = oscore
        self._keys: Any = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; on the same port as before after `stop`."""
        if self.port == 0:
            self.port = _free_port(self.host)
        self._site = Site()
        self._site.add_resource([".well-known", "core"], WKCResource(self._site.get_resources_as_linkheader))
        self._resources = {}
        for path in self._states:
            self._publish(path)
        context = aiocoap.Context(serversite=self._protected_site(), loggername="tests.coap_device")
        await context._append_tokenmanaged_messagemanaged_transport(
            lambda mman: _interface_of(self).create_server(
                (self.host, self.port), mman, log=context.log, loop=asyncio.get_running_loop()
            )
        )
        self._context = context

    async def stop(self) -> None:
        """Power off: the port is closed, nothing is said to anyone; idempotent."""
        context, self._context = self._context, None
        if context is not None:
            await context.shutdown()
            if self._keys is not None:
                self._keys[":client"]._destroy()
            for _ in range(3):  # until the aborted socket is closed
                await asyncio.sleep(0)

    async def restart(self) -> None:
        """Power-cycle: values stay, observers are forgotten."""
        await self.stop()
        await self.start()

    def set(
        self,
        path: str,
        value: Any,
        *,
        format: str | None = None,
        content_format: int | None = -1,
        observable: bool | None = None,
        writable: bool | None = None,
        max_age_s: int | None = None,
        link: dict[str, str] | None = None,
    ) -> None:
        """Give a resource a value, make it where there is none, and notify its observers.

        format: one of CONTENT_FORMATS; by default json for dicts and lists, raw for bytes, else text; SenML values are
        lists of records with the names of JSON ("n", "v"). content_format: the option sent, None for none. observable
        and writable are True, max_age_s (whole seconds) absent unless said once; link: attributes in
        .well-known/core besides obs. What is not said stays as it was.
        """
        known = self._states.get(path)
        chosen = format or (known.format if known else _default_format(value))
        if content_format == -1:
            content_format = known.content_format if known and format is None else CONTENT_FORMATS[chosen]
        self._states[path] = _State(
            encode(value, chosen),
            chosen,
            content_format,
            observable if observable is not None else known.observable if known else True,
            writable if writable is not None else known.writable if known else True,
            max_age_s if max_age_s is not None else known.max_age_s if known else None,
            value,
            link if link is not None else known.link if known else {},
        )
        if path not in self._resources and self._context is not None:
            self._publish(path)
        if path in self._resources:
            self._resources[path].updated_state()

    def remove(self, path: str) -> None:
        """The resource is gone: 4.04 from now on, and its observers are told."""
        del self._states[path]
        resource = self._resources.pop(path)
        self._site.remove_resource(_segments(path))
        resource.updated_state(Message(code=aiocoap.NOT_FOUND, transport_tuning=self._tuning))

    def value(self, path: str) -> Any:
        """The payload as it stands now: what was `set`, or the bytes that were written."""
        return self._states[path].value

    def observers(self, path: str) -> int:
        """How many observers the device knows of a resource."""
        return len(self._resources[path]._observations)

    def misbehave(
        self,
        path: str | None = None,
        *,
        silence: bool = False,
        code: int | None = None,
        garbage: bytes | None = None,
        delay_s: float = 0.0,
        writes_only: bool = False,
    ) -> None:
        """One resource, or all of them, misbehave from now on as `Mischief` says; observers are notified of nothing."""
        self._mischief[path] = Mischief(silence, code, garbage, delay_s, writes_only)

    def behave(self, path: str | None = None) -> None:
        """End the misbehaviour of one resource, or all of it."""
        if path is None:
            self._mischief.clear()
        self._mischief.pop(path, None)

    def forget_observers(self, path: str | None = None) -> None:
        """Forget who observes, as a device does that lost its memory; nothing is said to them."""
        for known, resource in self._resources.items():
            if path in (None, known):
                resource._observations.clear()

    def _protected_site(self) -> Any:
        if self.oscore is None:
            return self._site
        from aiocoap.oscore import FilesystemSecurityContext
        from aiocoap.oscore_sitewrapper import OscoreSiteWrapper

        self._keys = CredentialsMap()
        self._keys[":client"] = FilesystemSecurityContext(str(self.oscore))
        return OscoreSiteWrapper(self._site, self._keys)

    def _trusts(self, request: Message) -> bool:
        return self.oscore is None or hasattr(request.remote, "security_context")

    def _publish(self, path: str) -> None:
        self._resources[path] = _Resource(self, path)
        self._site.add_resource(_segments(path), self._resources[path])

    def _mischief_of(self, path: str, *, write: bool) -> Mischief:
        mischief = self._mischief.get(path) or self._mischief.get(None) or Mischief()
        return Mischief() if mischief.writes_only and not write else mischief

    def _hears(self, data: bytes) -> bool:
        """Whether a datagram is taken at all."""
        if not self.answers_pings and data[1:2] == b"\0" and data[0] >> 4 == 4:
            return False
        if not any(mischief.silence for mischief in self._mischief.values()):
            return True
        if (everywhere := self._mischief.get(None)) and everywhere.silence and not everywhere.writes_only:
            return False
        message = Message.decode(data)
        if not message.code.is_request():
            return True
        path = "/" + "/".join(message.opt.uri_path)
        return not self._mischief_of(path, write=message.code is not aiocoap.GET).silence


class _Resource(ObservableResource):
    """One resource; its state lives in the device, so that it outlasts a restart."""

    def __init__(self, device: CoapDevice, path: str) -> None:
        super().__init__()
        self._device = device
        self._path = path

    async def add_observation(self, request: Message, observation: Any) -> None:
        observation.accept(lambda: self._observations.discard(observation))
        if self._state.observable:
            self._observations.add(observation)
        else:
            observation.deregister()

    def get_link_description(self) -> dict[str, Any]:
        return {**self._state.link, **({"obs": None} if self._state.observable else {})}

    @property
    def _state(self) -> _State:
        return self._device._states[self._path]

    async def render_get(self, request: Message) -> Message:
        if not self._device._trusts(request):
            return Message(code=aiocoap.UNAUTHORIZED)
        self._device.requests["GET", self._path] += 1
        state = self._state
        mischief = self._device._mischief_of(self._path, write=False)
        answer = await self._misbehaved(mischief)
        if answer is None:
            payload = state.payload if mischief.garbage is None else mischief.garbage
            answer = Message(payload=payload, transport_tuning=self._device._tuning)
            answer.opt.content_format = state.content_format
        answer.opt.max_age = state.max_age_s
        return answer

    async def render_put(self, request: Message) -> Message:
        return await self._write(request, "PUT")

    async def render_post(self, request: Message) -> Message:
        return await self._write(request, "POST")

    async def _write(self, request: Message, method: str) -> Message:
        if not self._device._trusts(request):
            return Message(code=aiocoap.UNAUTHORIZED)
        self._device.requests[method, self._path] += 1
        answer = await self._misbehaved(self._device._mischief_of(self._path, write=True))
        if answer is not None:
            return answer
        if not self._state.writable:
            return Message(code=aiocoap.METHOD_NOT_ALLOWED, payload=b"read only")
        content_format = request.opt.content_format
        number = None if content_format is None else int(content_format)
        written = Written(self._path, method, request.payload, number, tuple(request.opt.uri_query))
        self._device.written.append(written)
        self._state.payload = self._state.value = request.payload
        if number is not None:
            self._state.content_format = number
        self.updated_state()
        return Message(code=aiocoap.CHANGED)

    async def _misbehaved(self, mischief: Mischief) -> Message | None:
        if mischief.delay_s:
            await asyncio.sleep(mischief.delay_s)
        return None if mischief.code is None else Message(code=aiocoap.Code(mischief.code), payload=b"as ordered")


def _interface_of(device: CoapDevice) -> type[MessageInterfaceSimpleServer]:
    """aiocoap's server on one socket, with deaf moments."""

    class Ears(_DatagramServerSocketSimple):
        def datagram_received(self, data: bytes, sockaddr: Any) -> None:
            if device._hears(data):
                super().datagram_received(data, sockaddr)

    class Interface(MessageInterfaceSimpleServer):
        _serversocket = Ears

    return Interface


def _segments(path: str) -> list[str]:
    return path.lstrip("/").split("/") if path != "/" else []


def _default_format(value: Any) -> str:
    if isinstance(value, bytes):
        return "raw"
    return "json" if isinstance(value, (dict, list)) else "text"


def encode(value: Any, format: str) -> bytes:
    """A value in one of CONTENT_FORMATS; bytes go out as they are, whatever the format."""
    if isinstance(value, bytes):
        return value
    match format:
        case "text":
            return str(value).encode()
        case "json" | "senml_json":
            return json.dumps(value).encode()
        case "cbor":
            return cbor2.dumps(value)
        case "senml_cbor":
            return cbor2.dumps([{_SENML_LABELS[key]: item for key, item in record.items()} for record in value])
        case _:
            raise ValueError(f"{value!r} cannot be sent as {format}")


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((host, 0))
        port: int = taken.getsockname()[1]
        return port
