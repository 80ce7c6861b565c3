"""What publishers of OPC UA PubSub are configured to do, for those who browse the server (Part 14, 9.1)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from server.config.diagnostics import PUBLISHERS
from server.config.plant import Plant
from server.config.publish import Publishing
from server.publish.datasets import DataSet, data_sets
from server.publish.publishers import reduction_plan


@dataclass(frozen=True, slots=True)
class WriterGroup:
    """number: WriterGroupId. interval_ms, keep_alive_ms, key_frames: as configured; key_frames counts intervals."""

    name: str
    number: int
    interval_ms: float
    keep_alive_ms: float
    key_frames: int
    layout_uri: str
    sets: tuple[DataSet, ...]


@dataclass(frozen=True, slots=True)
class PubSubConnection:
    """path: of its folder under Objects/Publishers. state_row: of its State. url: of the broker."""

    path: str
    name: str
    publisher_id: str
    url: str
    state_row: int
    groups: tuple[WriterGroup, ...]


def paths(plant: Plant) -> tuple[str, ...]:
    """Of the folders of the publishers of that format, in the order of the plant file."""
    return tuple(f"{PUBLISHERS}/{of.name}" for of in plant.sections.get("publish") or () if of.spec.pubsub is not None)


def connections(plant: Plant) -> tuple[PubSubConnection, ...]:
    """One for each publisher of that format, in the order of the plant file."""
    return tuple(_connection(plant, of) for of in plant.sections.get("publish") or () if of.spec.pubsub is not None)


def _connection(plant: Plant, of: Publishing) -> PubSubConnection:
    spec, path = of.spec.pubsub, f"{PUBLISHERS}/{of.name}"
    assert spec is not None
    layout = "JSON-Minimal" if spec.layout == "minimal" else "JSON-DataSetMessage"
    sets = data_sets(plant, of.groups, reduction_plan(plant, of))
    groups = tuple(
        WriterGroup(
            name,
            number + 1,
            1000.0 * of.spec.interval_s,
            1000.0 * spec.keep_alive_s,
            max(1, round(spec.key_frame_s / of.spec.interval_s)),
            f"http://opcfoundation.org/UA/PubSub-Layouts/{layout}",
            tuple(members),
        )
        for number, (name, members) in enumerate(groupby(sets, key=lambda one: one.group))
    )
    broker, kafka = of.spec.broker, of.spec.kafka
    if broker is not None:
        scheme, port = ("mqtts", 8883) if broker.tls is not None else ("mqtt", 1883)
        url = f"{scheme}://{broker.host}:{broker.port or port}"
    else:
        assert kafka is not None
        url = f"kafka://{','.join(kafka.servers)}"
    state = next((tag.row for tag in plant.services.get(path, ()) if tag.name == "State"), -1)
    return PubSubConnection(path, of.name, spec.publisher_id or plant.name, url, state, groups)
