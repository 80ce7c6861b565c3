"""Analytics of twins for subscribers: fields like any other once they have a value, and no word before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.mqtt.sparkplug.sparkplug_b_pb2 import Payload
from drivers.readings import Readings
from drivers.status import Status
from server.config.load import PlantFileError, load_plant
from server.publish.datasets import data_sets
from server.publish.plain_json import PlainJson, PlainSettings
from server.publish.publishers import reduction_plan
from server.publish.pubsub_json import PubSubJson, PubSubSettings
from server.publish.pubsub_metadata import Description
from server.publish.reduced import Aspect
from server.publish.sparkplug import NodeSettings, SparkplugNode
from tests.publish.conftest import START, Desk, make_desk
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.publishers import Ear, publishing
from tests.simulators.waiting import until

RESULTS = ["AnomalyScore", "CandidateScore", "HealthScore", "RemainingUsefulLife"]
PLANT = """
plant: {{name: Hall}}
connections: {{line: {{driver: modbus, host: 127.0.0.1, port: 1}}}}
twins:
  Loop:
    scope: system
    children:
      Pump:
        scope: asset
        connection: line
        telemetry: {{Speed: {{type: Float, range: [0, 3000], point: {{table: holding, address: 0}}}}}}
publish: {{uns: {{broker: {{host: 127.0.0.1}}, json: {{}}, {settings}}}}}
"""


def published(folder: Path, settings: str = "interval_s: 1") -> list[str]:
    """What a publisher of these settings publishes, in the order of its DataSets."""
    (folder / "plant.yaml").write_text(PLANT.format(settings=settings))
    plant = load_plant(folder / "plant.yaml")
    (of,) = plant.sections["publish"]
    sets = data_sets(plant, of.groups, reduction_plan(plant, of))
    return [f"{one.name}:{field.name}" for one in sets for field in one.fields]


def test_they_are_chosen_as_the_other_parts_of_a_twin_are(tmp_path: Path) -> None:
    of_pump = [f"Loop.Pump:{name}" for name in RESULTS]
    assert published(tmp_path) == [*(f"Loop:{name}" for name in RESULTS), "Loop.Pump:Speed", *of_pump]
    assert published(tmp_path, "analytics: false") == ["Loop.Pump:Speed"]
    assert published(tmp_path, "scopes: [asset]") == ["Loop.Pump:Speed", *of_pump]
    assert published(tmp_path, 'tags: "**/HealthScore"') == ["Loop:HealthScore", "Loop.Pump:HealthScore"]
    with pytest.raises(PlantFileError, match="uns: no published tag matches"):
        published(tmp_path, 'analytics: false, tags: "**/HealthScore"')


def test_those_that_are_text_have_no_figures_of_periods() -> None:
    """A mean of words is no field: it would stand in the metadata and never come."""
    desk = make_desk(results=True)
    desk.plan.keep[:] = 3
    (pump, *_) = [
        one
        for one in data_sets(desk.plant, {"Line": frozenset(tag.path for tag in desk.plant.tags)}, desk.plan)
        if one.name == "Loop.Pump"
    ]
    averaged = {field.tag.name for field in pump.fields if field.aspect is Aspect.mean}
    assert averaged == {"Speed", "Hours", "State", "Setpoint", *RESULTS}


def nobody_trained(desk: Desk) -> Readings:
    """What a plant without models shows of all its Analytics."""
    rows = np.array([tag.row for twin in desk.plant.walk() for tag in twin.analytics], np.int32)
    return Readings.uniform(rows, Status.BadNotConnected, START)


async def test_a_subscriber_hears_a_result_from_its_first_value_on_and_nothing_before(tmp_path: Path) -> None:
    """The quality of one that has had a value is told as of all others, and so is that of one that is worked out and
    cannot be known: the broker may hold its value from before a restart."""
    desk = make_desk(results=True)
    health, life = "Loop/Pump/HealthScore", "Loop/Pump/RemainingUsefulLife"
    with MqttBroker() as broker, Ear(broker.port) as ear:
        await until(lambda: ear.subscribed)
        form = PlainJson(PlainSettings(), desk.plant, desk.layout, desk.table)
        async with publishing(desk, broker, tmp_path, form) as publisher:
            await until(lambda: publisher.connected)
            desk.table.commit(nobody_trained(desk))
            desk.table.commit(desk.reading("Speed", 900.0, 1))
            await until(lambda: ear.values("Hall/Loop/Pump/Speed"))
            desk.table.commit(desk.reading(health, 98.5, 2))
            desk.table.commit(desk.reading(health, 98.5, 7))
            desk.table.commit(desk.reading(health, 0.0, 12, Status.BadDataUnavailable))
            desk.table.commit(desk.reading(life, 0.0, 12, Status.BadDataUnavailable))
            await until(lambda: ear.values(f"Hall/{life}"))
            assert publisher.collector.taken == 5
            late = await broker.listen(f"Hall/{health}")
            kept = await late.payload(f"Hall/{health}")
            await late.close()
    told = [(one.topic, json.loads(one.payload)) for one in ear.heard if "$online" not in one.topic]
    assert sorted(topic for topic, _ in told) == [f"Hall/{one}" for one in (health, health, life, "Loop/Pump/Speed")]
    of_health = [body for topic, body in told if topic == f"Hall/{health}"]
    assert [(body["value"], body["quality"]) for body in of_health] == [(98.5, "Good"), (None, "BadDataUnavailable")]
    assert json.loads(kept) == of_health[1]


def test_whoever_connects_anew_is_told_those_that_have_a_value() -> None:
    desk = make_desk(results=True)
    desk.table.commit(nobody_trained(desk))
    desk.table.commit(desk.reading("Loop/AnomalyScore", 0.5))
    form = PlainJson(PlainSettings(), desk.plant, desk.layout, desk.table)
    assert [one.topic for one in form.birth(START)] == ["Hall/$online", "Hall/Loop/AnomalyScore"]


def test_metadata_names_them_all_and_only_key_frames_say_that_one_is_empty() -> None:
    """Part 14, 7.2.5.4.1: a key frame has name and value of all fields of the DataSet."""
    desk = make_desk(results=True)
    desk.table.commit(nobody_trained(desk))
    described = Description("urn:edge", "uatwin", (), "cloud", "edge1", desk.sets)
    form = PubSubJson(PubSubSettings("edge1"), desk.layout, desk.table, described)
    said = {one.topic: json.loads(one.payload) for one in form.birth(START)}
    fields: list[Any] = said["opcua/json/metadata/edge1/Line/Loop"]["MetaData"]["Fields"]
    assert [field["Name"] for field in fields] == RESULTS
    limits = fields[0]["Properties"][0]["Value"]["Value"]
    assert (limits["Low"], limits["High"]) == (0.0, 1.0)
    (frame,) = said["opcua/json/data/edge1/Line/Loop"]["Messages"]
    empty = {"Code": int(Status.BadNotConnected), "Symbol": "BadNotConnected"}
    assert {name: (value["Value"], value["Status"]) for name, value in frame["Payload"].items()} == dict.fromkeys(
        RESULTS, (None, empty)
    )


def test_a_device_birth_names_them_all_so_that_a_first_value_needs_no_rebirth() -> None:
    """Sparkplug 3.0, 6.4.21: DBIRTH has every metric that will ever be published; one without a value is null."""
    desk = make_desk(results=True)
    desk.table.commit(nobody_trained(desk))
    edge = SparkplugNode(NodeSettings("G", "N"), desk.plant, desk.layout, desk.table)
    (loop, *_) = [one for one in edge.birth(START) if one.topic.endswith("/Loop")]
    metrics = Payload.FromString(loop.payload).metrics
    assert [(one.name, one.is_null) for one in metrics] == [(name, True) for name in RESULTS]
