"""An edge node of Sparkplug B: births, data by alias, deaths, rebirth, primary host, commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from drivers.mqtt.sparkplug.sparkplug_b_pb2 import Metric, Payload
from drivers.readings import Readings
from drivers.status import Status
from server.publish.contract import Message, Received
from server.publish.reduced import Aspect, Reduced
from server.publish.sparkplug import NodeSettings, SparkplugNode
from tests.publish.conftest import START, Desk
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.publishers import Ear, publishing, speeds
from tests.simulators.waiting import until

STAMP = (START - 116_444_736_000_000_000) // 10_000


def node(desk: Desk, **settings: object) -> SparkplugNode:
    return SparkplugNode(NodeSettings("G", "N", **settings), desk.plant, desk.layout, desk.table)  # type: ignore[arg-type]


def read(message: Message) -> Payload:
    payload = Payload()
    payload.ParseFromString(message.payload)
    return payload


def by_name(payload: Payload) -> dict[str, Metric]:
    return {metric.name: metric for metric in payload.metrics}


def command(*metrics: Metric) -> bytes:
    return Payload(timestamp=STAMP, metrics=metrics).SerializeToString()


def told(messages: Sequence[Message]) -> list[tuple[str, int]]:
    return [("/".join(message.topic.split("/")[2:]), read(message).seq) for message in messages]


def test_births_carry_name_alias_type_unit_range_and_value_and_count_from_zero(desk: Desk) -> None:
    """Sparkplug 3.0, 6.4.18 to 6.4.21: NBIRTH has sequence number 0 and bdSeq, DBIRTHs follow."""
    desk.table.commit(Readings.concat([desk.reading("Speed", 900.0), desk.reading("Note", "ok")]))
    edge = node(desk)
    will = edge.will()
    births = edge.birth(START)
    assert will is not None
    assert told(births) == [("NBIRTH/N", 0), ("DBIRTH/N/Loop.Pump", 1), ("DBIRTH/N/Loop.Pump.Bearing", 2)]
    assert by_name(read(will))["bdSeq"].long_value == by_name(read(births[0]))["bdSeq"].long_value == 0
    assert by_name(read(births[0]))["Node Control/Rebirth"].boolean_value is False
    pump = by_name(read(births[1]))
    speed = pump["Speed"]
    assert (speed.datatype, speed.float_value, speed.timestamp) == (9, 900.0, STAMP)
    properties = dict(zip(speed.properties.keys, speed.properties.values, strict=True))
    assert (properties["engUnit"].string_value, properties["engHigh"].double_value) == ("r/min", 3000.0)
    assert pump["Note"].string_value == "ok"
    assert pump["State"].is_null
    assert len({metric.alias for birth in births[1:] for metric in read(birth).metrics}) == 11


def test_each_connection_has_a_session_number_of_its_own(desk: Desk) -> None:
    """Sparkplug 3.0, 6.4.22: bdSeq of the will matches the birth of the same connection."""
    edge = node(desk)
    numbers = []
    for _ in range(3):
        will, birth, death = edge.will(), edge.birth(START)[0], edge.death(START)[0]
        assert will is not None
        numbers.append([by_name(read(one))["bdSeq"].long_value for one in (will, birth, death)])
    assert numbers == [[0] * 3, [1] * 3, [2] * 3]


def test_data_names_metrics_by_alias_with_time_and_quality(desk: Desk) -> None:
    edge = node(desk)
    births = edge.birth(START)
    aliases = {metric.alias: metric.name for birth in births[1:] for metric in read(birth).metrics}
    changes = Readings.concat(
        [
            desk.reading("Speed", 1.5, 1),
            desk.reading("Hours", 2**63, 2),
            desk.reading("State", 1, 3, Status.UncertainLastUsableValue),
            desk.reading("Vibration", 0.0, 4, Status.BadTimeout),
        ]
    )
    (pump, bearing) = edge.data(Reduced.values(changes), False, START)
    assert told([pump, bearing]) == [("DDATA/N/Loop.Pump", 3), ("DDATA/N/Loop.Pump.Bearing", 4)]
    assert (pump.qos, pump.places, bearing.places) == (0, (0, 1, 2), (3,))
    speed, hours, state = read(pump).metrics
    assert [aliases[one.alias] for one in (speed, hours, state)] == ["Speed", "Hours", "State"]
    assert (speed.float_value, speed.timestamp, hours.long_value) == (1.5, STAMP + 1000, 2**63)
    assert (state.int_value, state.properties.values[0].int_value) == (1, 500)
    (vibration,) = read(bearing).metrics
    assert (vibration.is_null, vibration.properties.values[0].int_value) == (True, 0)
    assert not speed.is_historical
    assert read(edge.data(Reduced.values(changes), True, START)[0]).metrics[0].is_historical


def test_figures_of_periods_have_aliases_of_their_own(desk: Desk) -> None:
    edge = node(desk)
    aliases = {metric.name: metric.alias for metric in read(edge.birth(START)[2]).metrics}
    reading = Readings(*(column[:1] for column in _columns(desk)))
    (message,) = edge.data(Reduced(reading, np.array([Aspect.mean], np.uint8)), False, START)
    (metric,) = read(message).metrics
    assert (metric.alias, metric.double_value) == (aliases["Vibration.Mean"], 7.0)


def _columns(desk: Desk) -> tuple[np.ndarray, ...]:
    reading = desk.reading("Vibration", 7.0)
    return reading.row, reading.value, reading.status, reading.source_ticks


def test_a_rebirth_is_sent_when_a_host_asks_for_it(desk: Desk) -> None:
    """Sparkplug 3.0, 6.4.24: same bdSeq, sequence from zero."""
    edge = node(desk)
    edge.will()
    edge.birth(START)
    asked = Received("spBv1.0/G/NCMD/N", command(Metric(name="Node Control/Rebirth", datatype=11, boolean_value=True)))
    births, orders = edge.received(asked, START)
    assert not orders
    assert told(births)[0] == ("NBIRTH/N", 0)
    assert by_name(read(births[0]))["bdSeq"].long_value == 0


@pytest.mark.parametrize("by_alias", [True, False])
def test_a_device_command_becomes_an_order_where_commands_are_on(desk: Desk, by_alias: bool) -> None:
    edge = node(desk, commands=True)
    alias = by_name(read(edge.birth(START)[1]))["Setpoint"].alias
    named = Metric(alias=alias) if by_alias else Metric(name="Setpoint")
    named.datatype, named.float_value = 9, 1500.0
    asked = Received("spBv1.0/G/DCMD/N/Loop.Pump", command(named, Metric(name="Speed", datatype=9, float_value=1.0)))
    _, orders = edge.received(asked, START)
    assert [(order.path, order.value) for order in orders] == [("Loop/Pump/Setpoint", 1500.0)]
    assert edge.malformed == 1  # Speed is no command
    assert node(desk).received(asked, START) == ((), [])


def test_nothing_is_published_without_the_primary_host(desk: Desk) -> None:
    """Sparkplug 3.0, 6.4.27: the edge node waits for STATE online, and an older STATE is passed over."""
    edge = node(desk, primary_host="scada")
    edge.will()

    def hear(online: bool, stamp: int) -> bool:
        said = json.dumps({"online": online, "timestamp": stamp}).encode()
        edge.received(Received("spBv1.0/STATE/scada", said, retain=True), START)
        return edge.ready

    assert not edge.ready
    assert [hear(True, 10), hear(False, 9), hear(False, 11), hear(True, 12)] == [True, True, False, True]
    edge.received(Received("spBv1.0/STATE/scada", b"?"), START)
    assert (edge.ready, edge.malformed) == (True, 1)


async def test_over_a_broker_the_host_hears_all_while_it_is_online_and_what_waited_afterwards(
    desk: Desk, tmp_path: Path
) -> None:
    edge = node(desk, primary_host="scada")
    with MqttBroker() as broker, Ear(broker.port) as ear:
        await until(lambda: ear.subscribed)

        def online(yes: bool, stamp: int) -> None:
            said = json.dumps({"online": yes, "timestamp": stamp})
            ear.client.publish("spBv1.0/STATE/scada", said, 1, retain=True)

        def heard(kind: str) -> list[Payload]:
            payloads = []
            for message in list(ear.heard):
                if message.topic.split("/")[2] == kind:
                    payloads.append(Payload.FromString(message.payload))
            return payloads

        async with publishing(desk, broker, tmp_path, edge) as publisher:
            desk.table.commit(speeds(desk, [1, 2, 3]))
            await until(lambda: publisher.queue.values == 3)
            assert not heard("NBIRTH")
            online(True, 1)
            await until(lambda: publisher.connected)
            desk.table.commit(speeds(desk, [4]))
            await until(lambda: publisher.queue.values == 0)
            online(False, 2)
            await until(lambda: len(heard("NDEATH")) == 1)
            desk.table.commit(speeds(desk, [5]))
            online(True, 3)
            await until(lambda: len(heard("NBIRTH")) == 2)
            await until(lambda: publisher.queue.values == 0)
        data = [metric for payload in heard("DDATA") for metric in payload.metrics]
        assert sorted(metric.float_value for metric in data) == [1, 2, 3, 4, 5]
        assert [metric.float_value for metric in data if metric.is_historical][:3] == [1, 2, 3]
        births = [by_name(payload)["bdSeq"].long_value for payload in heard("NBIRTH")]
        assert births[1] > births[0]
        sequence = [one.seq for kind in ("NBIRTH", "DBIRTH", "DDATA") for one in heard(kind)]
        assert len(sequence) >= 8
