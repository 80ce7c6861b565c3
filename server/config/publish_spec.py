"""What a publisher of the plant file may hold, and what its keys say together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, Strict
from pydantic_core import PydanticCustomError

from drivers.secret import Secret
from drivers.tls import File, Tls
from server.config.checking import Loc
from server.config.plant import Scope
from server.config.spec import Seconds, Spec

Broken = Iterator[tuple[Loc, str]]
Patterns = Annotated[tuple[str, ...], Strict(False), Field(min_length=1)]
Qos = Literal[0, 1, 2]
FORMATS: Final = ("pubsub", "json", "sparkplug")
REDUCTIONS: Final = ("every", "deadband", "deadband_percent", "swinging_door", "swinging_door_percent", "window_s")
_KNOWN: Final = ("plant", "path", "twin", "scope", "tag")


def _level(text: str) -> str:
    wrong = [mark for mark in "/+#" if mark in text]
    if wrong or not text:
        raise PydanticCustomError("level", "must be one level of a topic, without / + and #", {})
    return text


def _topic(text: str) -> str:
    try:
        text.format(**dict.fromkeys(_KNOWN, "x"))
    except (KeyError, ValueError, IndexError):
        known = ", ".join(f"{{{name}}}" for name in _KNOWN)
        raise PydanticCustomError("topic", "is not a topic template; it may hold {known}", {"known": known}) from None
    if "+" in text or "#" in text or not ("{path}" in text or "{twin}" in text):
        message = "must tell twins apart by {path} or {twin}, and hold no + or #"
        raise PydanticCustomError("topic", message, {"path": "{path}", "twin": "{twin}"})
    return text


Level = Annotated[str, AfterValidator(_level)]
TopicTemplate = Annotated[str, AfterValidator(_topic)]


class BrokerSpec(Spec):
    """A broker to publish to."""

    host: str = Field(min_length=1, description="Name or address of the broker.")
    port: int | None = Field(default=None, ge=1, le=65535, description="Default: 1883, with tls 8883.")
    version: Literal["3.1.1", "5"] = Field(default="5", description="Version of MQTT.")
    client_id: str | None = Field(default=None, description="Default: uatwin-<plant>-<publisher>.")
    user: str | None = Field(default=None, description="User name.")
    password: Secret | None = Field(default=None, description="Where the password is: {env: NAME} or {file: path}.")
    tls: Tls | None = Field(default=None, description="Encryption, and the certificate of the bridge.")
    keepalive_s: int = Field(default=30, ge=1, le=65535, description="Longest silence on the connection, seconds.")


class KafkaSpec(Spec):
    """A Kafka cluster to publish to, with the extra `kafka` installed."""

    servers: Annotated[tuple[str, ...], Strict(False), Field(min_length=1)] = Field(
        description="Brokers to begin with: [host:port, ...]."
    )
    topic: Level = Field(
        default="uatwin", description="Topic of all records; their key is the path of the twin or tag."
    )
    user: str | None = Field(default=None, description="User name (SASL/PLAIN, or SCRAM by `mechanism`).")
    password: Secret | None = Field(default=None, description="Where the password is: {env: NAME} or {file: path}.")
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", description="SASL mechanism."
    )
    tls: Tls | None = Field(default=None, description="Encryption, and the certificate of the bridge.")


class QueueSpec(Spec):
    """The queue on disk."""

    path: File | None = Field(default=None, description="File of the queue. Default: in the data folder of the plant.")
    megabytes: float = Field(default=256.0, ge=0.05, le=1e6, description="Most it may take; the oldest goes first.")
    hours: float = Field(default=168.0, gt=0, le=87_600, description="Longest a value may wait.")
    drain_per_s: int = Field(
        default=20_000, ge=1, description="Most values per second of what waited, beside the live ones."
    )


class ReduceSpec(Spec):
    """How tags are reduced; the first entry that fits a tag holds."""

    tags: Patterns | str = Field(default="**", description="Pattern over paths; below the twin where type is given.")
    type: str | None = Field(default=None, description="Only tags of twins made from this type.")
    every: bool | None = Field(default=None, description="true: every reading goes out.")
    deadband: float | None = Field(default=None, ge=0, description="Sent when it moved by more, in the tag's unit.")
    deadband_percent: float | None = Field(
        default=None, gt=0, le=100, description="In percent of its range; without a range: when it changed."
    )
    swinging_door: float | None = Field(default=None, gt=0, description="Corners of a polyline, at most so far off.")
    swinging_door_percent: float | None = Field(
        default=None, gt=0, le=100, description="In percent of its range; without a range: when it changed."
    )
    window_s: Seconds | None = Field(default=None, description="Mean, minimum, maximum, last, count of each period.")
    shortest_s: Seconds | None = Field(default=None, description="Two values are sent no closer than that.")
    longest_s: Seconds | None = Field(default=None, description="After so long the next reading goes out anyway.")


class PubSubSpec(Spec):
    """OPC UA PubSub JSON (Part 14)."""

    publisher_id: Level | None = Field(default=None, description="Who publishes. Default: the name of the plant.")
    layout: Literal["full", "variant", "raw", "minimal"] = Field(
        default="full", description="With headers: DataValues, Variants or bare values; or bare values alone."
    )
    prefix: Level = Field(default="opcua", description="First level of the topics.")
    qos: Qos = Field(default=1, description="Quality of service.")
    key_frame_s: Seconds = Field(default=60.0, description="A frame with all fields at least so often, seconds.")
    keep_alive_s: Seconds = Field(default=30.0, description="A DataSet silent for so long says that it is alive.")
    groups: dict[Level, Patterns | str] = Field(
        default_factory=dict, description="Writer groups: name to a pattern over paths of tags. Default: Twins, all."
    )


class JsonSpec(Spec):
    """Plain JSON, as for a Unified Namespace."""

    topic: TopicTemplate = Field(
        default="{plant}/{path}/{tag}", description="Topic of a value; without {tag} one message holds a twin."
    )
    qos: Qos = Field(default=1, description="Quality of service.")
    retain: bool = Field(default=True, description="The broker keeps the last message of each topic.")
    commands: bool = Field(default=False, description="true: a value published to <topic of a command>/set is written.")


class SparkplugSpec(Spec):
    """An edge node of Sparkplug B 3.0."""

    group: Level = Field(description="Group id.")
    node: Level | None = Field(default=None, description="Edge node id. Default: the name of the plant.")
    primary_host: Level | None = Field(default=None, description="Publish only while this host application is online.")
    commands: bool = Field(default=False, description="true: NCMD and DCMD write commands.")


class PublisherSpec(Spec):
    """One publisher: where to, in which format, what of it."""

    broker: BrokerSpec | None = Field(default=None, description="MQTT broker.")
    kafka: KafkaSpec | None = Field(default=None, description="Kafka cluster, instead of a broker.")
    pubsub: PubSubSpec | None = Field(default=None, description="Format OPC UA PubSub JSON.")
    json_: JsonSpec | None = Field(default=None, alias="json", description="Format plain JSON.")
    sparkplug: SparkplugSpec | None = Field(default=None, description="Format Sparkplug B.")
    tags: Patterns | str = Field(default="**", description="Pattern over paths of tags, or a list of them.")
    scopes: Annotated[tuple[Annotated[Scope, Strict(False)], ...], Strict(False)] = Field(
        default=(), description="Only twins of these scopes. Default: all."
    )
    analytics: bool = Field(default=True, description="false: without the results under Analytics of twins.")
    diagnostics: bool = Field(default=False, description="true: the Diagnostics of twins too.")
    interval_s: Seconds = Field(default=0.5, description="From one look at what is new to the next, seconds.")
    reduce: Annotated[tuple[ReduceSpec, ...], Strict(False)] = Field(
        default=(), description="How tags are reduced; the first that fits holds. Default: what changed goes out."
    )
    queue: QueueSpec = Field(default_factory=QueueSpec, description="What waits while the broker is away.")


def publisher_rules(spec: PublisherSpec) -> Broken:
    """Where a publisher contradicts itself."""
    given = [name for name in FORMATS if getattr(spec, "json_" if name == "json" else name) is not None]
    if len(given) != 1:
        what = f"{' and '.join(given)} are two formats; make two publishers of it" if given else "has no format"
        yield tuple(given[1:2]), what if given else f"{what}; give one of {', '.join(FORMATS)}: {{}}"
    if (spec.broker is None) == (spec.kafka is None):
        where = ("kafka",) if spec.kafka is not None else ()
        yield where, "goes to one place; give either broker or kafka" if where else "gives no broker: {host: ...}"
    for key, place in (("broker", spec.broker), ("kafka", spec.kafka)):
        if place is not None and place.password is not None and place.password.trouble:
            yield (key, "password"), place.password.trouble
    if spec.kafka is not None and spec.sparkplug is not None:
        yield ("sparkplug",), "Sparkplug B is for MQTT; with kafka take json or pubsub"
    for number, one in enumerate(spec.reduce):
        yield from ((("reduce", number, *loc), message) for loc, message in _reduce_rules(one))


def _reduce_rules(spec: ReduceSpec) -> Broken:
    given = [name for name in REDUCTIONS if getattr(spec, name) is not None]
    if len(given) > 1:
        yield (given[1],), f"{given[0]} and {given[1]} do not go together; one of {', '.join(REDUCTIONS)}"
    if not given and spec.shortest_s is None and spec.longest_s is None:
        yield (), f"says nothing; give one of {', '.join(REDUCTIONS)}"
    if spec.shortest_s and spec.longest_s and spec.shortest_s > spec.longest_s:
        yield ("shortest_s",), f"shortest_s {spec.shortest_s:g} is longer than longest_s {spec.longest_s:g}"
