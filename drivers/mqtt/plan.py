"""What a connection subscribes to and what cannot work, worked out without touching the network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from drivers.data_types import DataType
from drivers.driver import Binding, PlannedRequest, PlanReport, Problem
from drivers.json_path import PathError, compile_path
from drivers.mqtt.settings import Availability, MqttConnection, MqttPoint, Qos
from drivers.mqtt.sparkplug.topics import NodeId, messages_of
from drivers.mqtt.topic import covers, filter_problem, has_wildcard, topic_problem
from drivers.payload import SENML, PayloadFormat

_UNSCALED = (DataType.Boolean, DataType.String, DataType.ByteString, DataType.DateTime)
_PLAIN = (PayloadFormat.text, PayloadFormat.raw)
_WITH_SPARKPLUG = {"sparkplug", "scale", "offset"}
_PATHS = ("value", "timestamp", "quality")
_MESSAGE_BYTES = 40 + 4 + 32
"""TCP/IP and MQTT headers and a small payload; the topic comes on top."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One topic filter, the QoS asked for, and the rows that hang on it. rate_s: the shortest interval expected."""

    topic_filter: str
    qos: int
    rows: tuple[int, ...]
    rate_s: float


def availability_of(connection: MqttConnection, binding: Binding) -> Availability | None:
    """The point's own, else the connection's."""
    point: MqttPoint = binding.point
    return point.availability or connection.availability


def availability_filters(connection: MqttConnection, bindings: Sequence[Binding]) -> list[str]:
    """Topics that tell who is there; they are subscribed to first."""
    found = (availability_of(connection, binding) for binding in bindings)
    return list(dict.fromkeys(item.topic for item in found if item is not None))


def subscriptions(connection: MqttConnection, bindings: Sequence[Binding]) -> list[Subscription]:
    """One per topic filter, with the highest QoS any of its tags wants, in the order of the tags."""
    by_filter: dict[str, list[Binding]] = {}
    for binding in bindings:
        topic_filter = filter_of(binding.point)
        if topic_filter is not None:
            by_filter.setdefault(topic_filter, []).append(binding)
    return [
        Subscription(
            topic_filter,
            max(_qos(connection, b.point) for b in members),
            tuple(b.row for b in members),
            min(b.rate_s for b in members),
        )
        for topic_filter, members in by_filter.items()
    ]


def creating_filters(connection: MqttConnection, planned: Sequence[Subscription]) -> dict[str, int]:
    """Filters of the templates of `create`, each with the highest QoS of what it brings; none is within another."""
    filters = list(dict.fromkeys(one.filter for one in connection.create or ()))
    outer = [name for name in filters if not any(covers(wide, name) for wide in filters if wide != name)]
    return {
        name: max([connection.qos, *(one.qos for one in planned if covers(name, one.topic_filter))]) for name in outer
    }


def filter_of(point: MqttPoint) -> str | None:
    """What a point subscribes to, None for a command that is not read."""
    if point.sparkplug is not None:
        return messages_of(NodeId(point.sparkplug.group, point.sparkplug.node))
    return point.topic


def _qos(connection: MqttConnection, point: MqttPoint) -> Qos:
    if point.sparkplug is not None:
        return 1  # a death is published with QoS 1
    return connection.qos if point.qos is None else point.qos


def report(connection: MqttConnection, bindings: Sequence[Binding]) -> PlanReport:
    """The subscriptions, each with the messages it is expected to bring: one per topic filter and interval of its
    fastest tag, of 32 payload bytes. A broker has no line that could be full, so load is None."""
    planned = subscriptions(connection, bindings)
    requests = [
        PlannedRequest(f"subscribe {name} (QoS 1)", 0, 0, 0) for name in availability_filters(connection, bindings)
    ]
    wide = creating_filters(connection, planned)
    requests += [PlannedRequest(f"subscribe {name} (QoS {qos}), for new twins", 0, 0, 0) for name, qos in wide.items()]
    requests += [
        PlannedRequest(
            f"{_verb(one, wide)} {one.topic_filter} (QoS {one.qos})",
            one.rate_s,
            len(one.rows),
            _MESSAGE_BYTES + len(one.topic_filter.encode()),
        )
        for one in planned
    ]
    timed = [one for one in requests if one.rate_s > 0]
    return PlanReport(
        requests,
        sum(1 / one.rate_s for one in timed),
        sum(one.bytes_on_wire / one.rate_s for one in timed),
        None,
        sum(len(one.rows) for one in planned),
    )


def _verb(one: Subscription, wide: Iterable[str]) -> str:
    return "hear" if any(covers(name, one.topic_filter) for name in wide) else "subscribe"


def check(connection: MqttConnection, bindings: Sequence[Binding]) -> Sequence[Problem]:
    """Everything that cannot work, for all tags."""
    problems = [Problem(None, key, text) for key, text in _of_availability(connection.availability)]
    problems += [Problem(None, key, text) for key, text in _of_templates(connection)]
    seen: dict[MqttPoint, Binding] = {}
    for index, binding in enumerate(bindings):
        problems += [Problem(index, key, text) for key, text in _of_binding(binding)]
        if binding.point.on_change and binding.point.sparkplug is None and not availability_of(connection, binding):
            text = (
                "who speaks on change only must be missed by its availability topic; give one here or to the connection"
            )
            problems.append(Problem(index, "on_change", text))
        if binding.writable or filter_of(binding.point) is None:
            continue
        first = seen.setdefault(binding.point, binding)
        if first is not binding:
            problems.append(
                Problem(
                    index,
                    "topic" if binding.point.topic else "sparkplug",
                    f"reads the very same as {first.path}; give it its own topic or path",
                )
            )
    return problems


def _of_templates(connection: MqttConnection) -> Iterator[tuple[str, str]]:
    filters = [one.filter for one in connection.create or ()]
    for index, name in enumerate(filters):
        if name in filters[:index]:
            yield "create", f"{name} is a template twice, and the second one would never count; leave one out"


def _of_binding(binding: Binding) -> Iterator[tuple[str, str]]:
    point: MqttPoint = binding.point
    if point.sparkplug is not None:
        yield from _of_sparkplug(binding, point)
        return
    yield from _of_direction(binding, point)
    yield from _of_topics(point)
    yield from _of_paths(point)
    yield from _of_type(binding, point)
    yield from _of_availability(point.availability)


def _of_direction(binding: Binding, point: MqttPoint) -> Iterator[tuple[str, str]]:
    if binding.writable and point.write_topic is None:
        yield "write_topic", "a command needs write_topic, the topic its value is published to"
    if not binding.writable and point.topic is None:
        yield "topic", "a tag that is read needs topic, the topic its device publishes to (or sparkplug)"
    if not binding.writable and point.write_topic is not None:
        yield "write_topic", "only commands publish; move the tag to commands or leave write_topic out"
    if point.write_topic is None and (
        point.write_template is not None or point.retain or point.write_words is not None
    ):
        yield "write_topic", "write_template, write_words and retain say how to publish, but write_topic is missing"


def _of_sparkplug(binding: Binding, point: MqttPoint) -> Iterator[tuple[str, str]]:
    for key in sorted(point.model_fields_set - _WITH_SPARKPLUG):
        yield key, f"{key} has no meaning beside sparkplug, whose messages say it themselves; leave it out"
    yield from _of_scale(binding, point)


def _of_topics(point: MqttPoint) -> Iterator[tuple[str, str]]:
    if point.topic is not None and (text := filter_problem(point.topic)):
        yield "topic", text
    if point.write_topic is not None and (text := topic_problem(point.write_topic)):
        yield "write_topic", text


def _of_paths(point: MqttPoint) -> Iterator[tuple[str, str]]:
    given = {key: path for key in _PATHS if (path := getattr(point, key)) is not None}
    for key, path in given.items():
        yield from _of_path(key, path)
    if given and (point.format in SENML or point.format in _PLAIN):
        cure = "name a record by name" if point.format in SENML else "use format json or cbor"
        yield next(iter(given)), f"format {point.format} has no paths; leave it out, or {cure}"
    if point.name is not None and point.format not in SENML:
        yield "name", f"name chooses a SenML record, and the format is {point.format}; use value with a path"


def _of_path(key: str, path: str) -> Iterator[tuple[str, str]]:
    try:
        compile_path(path)
    except PathError as error:
        yield key, str(error)


def _of_type(binding: Binding, point: MqttPoint) -> Iterator[tuple[str, str]]:
    kind = binding.data_type
    yield from _of_scale(binding, point)
    if binding.array_length and (point.format in _PLAIN or point.format in SENML):
        yield "format", f"format {point.format} holds no arrays; use json or cbor"
    if point.format is PayloadFormat.raw and kind not in (DataType.ByteString, DataType.String):
        yield "format", f"format raw gives bytes, which make no {kind.name}; use text, json or cbor"
    if point.write_words is not None and kind is not DataType.Boolean:
        yield "write_words", f"write_words are the words for false and true, and the tag is {kind.name}"
    if point.write_template is not None:
        yield from _of_template(point.write_template, point.format)


def _of_scale(binding: Binding, point: MqttPoint) -> Iterator[tuple[str, str]]:
    if binding.data_type in _UNSCALED and (point.scale, point.offset) != (1, 0):
        yield "scale", f"{binding.data_type.name} is no number; scale and offset have no meaning for it"


def _of_template(template: str, form: PayloadFormat) -> Iterator[tuple[str, str]]:
    if form in SENML or form is PayloadFormat.raw:
        yield "write_template", f"format {form} takes no template; leave it out"
        return
    if "{value}" not in template:
        yield "write_template", "{value} does not occur in it, so that every write would send the same"
    if form in (PayloadFormat.json, PayloadFormat.cbor) or template.lstrip()[:1] in ("{", "["):
        filled = template
        for key in ("value", "epoch_s", "epoch_ms", "timestamp"):
            filled = filled.replace(f"{{{key}}}", "0")
        try:
            json.loads(filled)
        except ValueError as error:
            yield "write_template", f"is not JSON once the value is filled in ({error})"


def _of_availability(availability: Availability | None) -> Iterator[tuple[str, str]]:
    if availability is None:
        return
    if has_wildcard(availability.topic) or (text := filter_problem(availability.topic)):
        yield "availability.topic", text if not has_wildcard(availability.topic) else "names one topic, without + and #"
    if availability.value is not None:
        yield from _of_path("availability.value", availability.value)
    if availability.online == availability.offline:
        yield "availability.offline", f'online and offline are both "{availability.online}"; they must differ'
