"""Listens to a broker for a while and writes the plant-file fragment that its devices need."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection, Iterator
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from drivers.driver import Traffic
from drivers.errors import LinkLost
from drivers.mqtt.channel import Channel
from drivers.mqtt.settings import MqttConnection
from drivers.mqtt.survey import Field, Heard, Kind, Template, free_name, survey

SCHEMES: Final = ("mqtt", "mqtts")
_MOST_TOPICS: Final = 20_000
_PLAIN: Final = re.compile(r"[A-Za-z_][\w-]*")
_YAML_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_CLIENT: Final = "uatwin-discover"


async def discover(
    url: str, topics: Collection[str], seconds: float, name: str = "broker", reserved: Collection[str] = ()
) -> str:
    """The YAML of a connection of that name, of types and twins, for what is published within so many seconds.

    url: mqtt://[user@]host[:port], or mqtts:// for TLS; the password is read from the environment variable
    MQTT_PASSWORD. topics: filters in which + or {name} stand for what tells twins apart. reserved: names that no tag
    can have. Raises ConnectFailed, LinkLost; ValueError for a wrong URL.
    """
    settings = settings_of(url)
    connection = MqttConnection.model_validate(settings)
    templates = [Template.of(topic) for topic in topics]
    heard: dict[str, Heard] = {}
    await _listen(connection, [template.filter for template in templates], seconds, heard)
    return "\n".join(_fragment(name, settings, templates, heard, seconds, reserved)) + "\n"


def settings_of(url: str) -> dict[str, Any]:
    """The settings of a connection; raises ValueError where the URL is none of a broker."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname or parts.path.strip("/"):
        raise ValueError(f"{url} is not the URL of a broker; like mqtt://192.168.1.5:1883 or mqtts://user@host")
    settings: dict[str, Any] = {"host": parts.hostname}
    if parts.scheme == "mqtts":
        settings["tls"] = {}
    if parts.port is not None:
        settings["port"] = parts.port
    if parts.username:
        settings |= {"user": unquote(parts.username), "password": {"env": "MQTT_PASSWORD"}}
    return settings


async def _listen(connection: MqttConnection, filters: list[str], seconds: float, heard: dict[str, Heard]) -> None:
    loop = asyncio.get_running_loop()

    def on_message(topic: bytes, payload: bytes, retained: bool) -> None:
        name = topic.decode(errors="replace")
        if payload and (name in heard or len(heard) < _MOST_TOPICS):
            message = heard.setdefault(name, Heard())
            message.payload = payload
            if not retained:
                message.times.append(loop.time())

    own = connection.model_copy(update={"client_id": _CLIENT})
    channel = Channel(f"{_CLIENT}-{id(heard):x}", own, Traffic(), on_message, lambda: None)
    try:
        await channel.open()
        refused = [
            name
            for name, reason in zip(filters, await channel.subscribe([(name, 0) for name in filters]), strict=True)
            if reason.is_failure
        ]
        if refused:
            raise LinkLost(f"the broker refuses the subscription to {', '.join(refused)}")
        async with asyncio.timeout(seconds):
            why = await channel.lost()
        raise LinkLost(f"broker {channel.broker}: {why}")
    except TimeoutError:
        return
    finally:
        await channel.close()


def _fragment(
    connection: str,
    settings: dict[str, Any],
    templates: list[Template],
    heard: dict[str, Heard],
    seconds: float,
    reserved: Collection[str],
) -> Iterator[str]:
    topics = ", ".join(template.filter for template in templates)
    yield f"# What {settings['host']} published on {topics} within {seconds:g} s: {len(heard)} topics."
    yield "# Names, units, ranges and types are guesses: read it, mend it, then put it behind include: in a plant file."
    yield "connections:"
    yield f"  {_scalar(connection)}: {{driver: mqtt, {_flow(settings)[1:]}"
    types: list[str] = []
    twins: list[str] = []
    names: set[str] = set()
    remarks: list[str] = []
    left = dict(heard)
    for template in templates:
        matching = {topic: left.pop(topic) for topic in list(left) if template.split(topic) is not None}
        for kind, stem in _kinds(template, matching, remarks):
            name = free_name(stem, names)
            names.add(name)
            types += _type(name, connection, kind, reserved)
            twins += _twins(name, kind)
    yield from ["types:", *types, "twins:", *twins] if types else ["# No message that a tag could take."]
    yield from (f"# left out: {remark}" for remark in [*remarks, *left])


def _kinds(template: Template, heard: dict[str, Heard], remarks: list[str]) -> Iterator[tuple[Kind, str]]:
    """With parameters, one type for the template; without, one for each group of topics below the same level."""
    if template.names:
        found, skipped = survey(template, heard)
        remarks += skipped
        if found.tags:
            literal = [level for level in template.levels if level[:1] not in ("{", "#")]
            yield found, _title(literal[-1] if literal else "Device")
        return
    own = len(template.levels) - (template.levels[-1] == "#")
    groups: dict[tuple[str, ...], dict[str, Heard]] = {}
    for topic, messages in heard.items():
        own_levels = tuple(topic.split("/"))
        structured = messages.payload.lstrip()[:1] in (b"{", b"[")
        groups.setdefault(own_levels if structured else own_levels[:-1] or own_levels, {})[topic] = messages
    for levels, messages_of in sorted(groups.items()):
        found, skipped = survey(Template((*levels, "#"), ()), messages_of)
        remarks += skipped
        if found.tags:
            yield found, _title("_".join(levels[max(0, own - 1) :] or levels))


def _title(text: str) -> str:
    name = "".join(part[:1].upper() + part[1:] for part in re.split(r"[\W_]+", text) if part)
    return name or "Device"


def _type(name: str, connection: str, kind: Kind, reserved: Collection[str]) -> Iterator[str]:
    yield f"  {name}:"
    yield "    scope: asset"
    if kind.names:
        yield f"    parameters: {{{', '.join(f'{one}: {{}}' for one in kind.names)}}}"
    yield f"    connection: {_scalar(connection)}"
    yield "    telemetry:"
    taken = set(reserved)
    for field, count, rate_s in kind.tags.values():
        tag = free_name(field.name, taken)
        taken.add(tag)
        seen = f"  # at {count} of {len(kind.instances)}" if count < len(kind.instances) else ""
        yield f"      {_scalar(tag)}: {_tag(field, rate_s)}{seen}"


def _tag(field: Field, rate_s: float | None) -> str:
    spec: dict[str, Any] = {"type": field.type}
    if field.array_length:
        spec["array_length"] = field.array_length
    if rate_s is not None:
        spec["rate_s"] = rate_s
    return _flow({**spec, "point": field.point})


def _twins(name: str, kind: Kind) -> Iterator[str]:
    if not kind.names:
        yield f"  {name}1: {{type: {name}}}"
        return
    plain = all(re.fullmatch(r"[\w -]+", value) for values in kind.instances for value in values)
    own = "_".join(f"{{{one}}}" for one in kind.names) if plain else "{twin}"
    yield f'  "{name}_{own}":'
    yield f"    type: {name}"
    yield "    instances:"
    taken: set[str] = set()
    for values in sorted(kind.instances):
        named: dict[str, Any] = dict(zip(kind.names, map(_level, values), strict=True))
        if not plain:
            named["twin"] = free_name(re.sub(r"[^\w-]+", "_", "_".join(values)), taken)
            taken.add(named["twin"])
        yield f"      - {_flow(named)}"


def _level(value: str) -> int | str:
    return int(value) if re.fullmatch(r"0|[1-9]\d{0,15}", value) else value


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _YAML_WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
