"""Sparkplug B edge nodes over mosquitto: births, data, deaths, aliases, missing messages, commands, the host."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import mqtt
from drivers.batch import Batch
from drivers.data_types import DataType
from drivers.driver import Binding, Traffic
from drivers.errors import Refused, ValueNotAccepted
from drivers.mqtt.sparkplug.host import Host
from drivers.mqtt.sparkplug.sparkplug_b_pb2 import Metric, Payload
from drivers.readings import now_ticks, ticks_from_unix
from drivers.status import Status
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.sparkplug_node import STAMP_MS, SparkplugNode, metric
from tests.simulators.waiting import until

STAMP = ticks_from_unix(STAMP_MS / 1000)
SPEED = {"name": "Speed", "alias": 1, "datatype": 10}


@pytest.fixture
def sparkplug(tag: Any) -> Any:
    """sparkplug(row, metric, data_type, device=..., ...): a binding of node N in group G."""

    def make(row: int, name: str, data_type: DataType = DataType.Double, device: str | None = None, **more: Any) -> Any:
        point = {"group": "G", "node": "N", "metric": name} | ({"device": device} if device else {})
        return tag(row, data_type, sparkplug=point, **more)

    return make


@pytest.fixture
def node(broker: MqttBroker) -> SparkplugNode:
    return SparkplugNode(broker)


async def test_a_birth_gives_values_and_data_follow_by_alias(
    broker: MqttBroker, node: SparkplugNode, observe: Any, sparkplug: Any
) -> None:
    seen = await observe(
        broker.port,
        [
            sparkplug(0, "Speed", scale=2.0),
            sparkplug(1, "State", DataType.String),
            sparkplug(2, "Count", DataType.Int16),
        ],
    )
    count = {"name": "Count", "alias": 3, "datatype": 2}
    await node.send(
        "NBIRTH", SPEED | metric(value=10.5), metric("State", "ok", datatype=12), count | {"int_value": 2**32 - 5}
    )
    await seen.until(2)
    assert [seen.readings(row) for row in range(3)] == [
        [(21.0, Status.Good, STAMP)],
        [("ok", Status.Good, STAMP)],
        [(-5, Status.Good, STAMP)],
    ]
    await node.send("NDATA", metric(alias=1, value=11.0, timestamp=STAMP_MS + 1), metric(alias=3, int_value=65_530))
    await seen.until(2, -6)
    assert seen.readings(0)[-1] == (22.0, Status.Good, STAMP + 10_000)
    assert seen.driver.traffic.malformed == 0


@pytest.mark.parametrize("field", ["int_value", "long_value"])
async def test_a_uint32_is_read_as_int_and_as_long(
    broker: MqttBroker, node: SparkplugNode, observe: Any, sparkplug: Any, field: str
) -> None:
    seen = await observe(broker.port, [sparkplug(0, "Total", DataType.UInt32)])
    await node.send("NBIRTH", {"name": "Total", "datatype": 7, field: 2**32 - 1})
    await seen.until(0, 2**32 - 1, Status.Good)


async def test_every_type_comes_as_it_is(broker: MqttBroker, node: SparkplugNode, observe: Any, sparkplug: Any) -> None:
    given: list[tuple[DataType, dict[str, Any], object]] = [
        (DataType.SByte, {"datatype": 1, "int_value": 0xFFFFFFFB}, -5),
        (DataType.Int64, {"datatype": 4, "long_value": 2**64 - 7}, -7),
        (DataType.UInt64, {"datatype": 8, "long_value": 2**64 - 7}, 2**64 - 7),
        (DataType.Float, {"datatype": 9, "float_value": 1.5}, 1.5),
        (DataType.Boolean, {"datatype": 11, "boolean_value": True}, True),
        (DataType.DateTime, {"datatype": 13, "long_value": STAMP_MS}, STAMP),
        (DataType.String, {"datatype": 15, "string_value": "4fb1"}, "4fb1"),
        (DataType.ByteString, {"datatype": 17, "bytes_value": b"\0\1"}, b"\0\1"),
    ]
    seen = await observe(broker.port, [sparkplug(row, f"M{row}", kind) for row, (kind, _, _) in enumerate(given)])
    await node.send("NBIRTH", *({"name": f"M{row}"} | fields for row, (_, fields, _) in enumerate(given)))
    await seen.until(7)
    assert [seen.last(row) for row in range(8)] == [(value, Status.Good) for _, _, value in given]


async def test_arrays_come_packed(broker: MqttBroker, node: SparkplugNode, observe: Any, sparkplug: Any) -> None:
    bits = [False, False, True, True, False, True, False, False, True, True, False, True]
    tags = [
        sparkplug(0, "F", DataType.Float, array_length=3),
        sparkplug(1, "B", DataType.Boolean, array_length=12),
        sparkplug(2, "S", DataType.String, array_length=2),
    ]
    seen = await observe(broker.port, tags)
    await node.send(
        "NBIRTH",
        {"name": "F", "datatype": 30, "bytes_value": np.array([1, 2, 3], "<f4").tobytes()},
        {"name": "B", "datatype": 32, "bytes_value": b"\x0c\0\0\0\x34\xd0"},  # the example of Sparkplug 3.0, 6.4.17
        {"name": "S", "datatype": 33, "bytes_value": b"ABC\0hello\0"},
    )
    await seen.until(2)
    values = [seen.last(row)[0] for row in range(3)]
    assert np.array_equal(values[0], [1, 2, 3])
    assert np.array_equal(values[1], bits)
    assert values[2] == ["ABC", "hello"]


async def test_null_bad_and_stale_metrics_say_so(
    broker: MqttBroker, node: SparkplugNode, observe: Any, sparkplug: Any
) -> None:
    names = ["Null", "Bad", "Stale", "Good", "Odd"]
    seen = await observe(broker.port, [sparkplug(row, name) for row, name in enumerate(names)])
    await node.send(
        "NBIRTH",
        {"name": "Null", "datatype": 10, "is_null": True},
        metric("Bad", 1.0, datatype=10, quality=0),
        metric("Stale", 2.0, datatype=10, quality=500),
        metric("Good", 3.0, datatype=10, quality=192),
        metric("Odd", 4.0, datatype=10, quality=77),
    )
    await seen.until(4)
    assert [seen.last(row) for row in range(5)] == [
        (None, Status.BadNoData),
        (None, Status.Bad),
        (2.0, Status.UncertainLastUsableValue),
        (3.0, Status.Good),
        (None, Status.BadDecodingError),
    ]


async def test_a_death_turns_the_node_and_its_devices_bad_but_not_a_late_death_of_before(
    broker: MqttBroker, node: SparkplugNode, observe: Any, sparkplug: Any
) -> None:
    seen = await observe(broker.port, [sparkplug(0, "Speed"), sparkplug(1, "Flow", device="D")])
    node.bd_seq = 4
    await node.send("NBIRTH", SPEED | metric(value=1.0))
    await node.send("DBIRTH", metric("Flow", 5.0, alias=2, datatype=10), device="D")
    await seen.until(1, 5.0, Status.Good)
    node.bd_seq = 3
    await node.send("NDEATH")
    await node.send("NDATA", metric(alias=1, value=2.0))
    await seen.until(0, 2.0, Status.Good)
    await node.send("DDEATH", device="D")
    await seen.until(1, None, Status.BadNoCommunication)
    assert seen.last(0) == (2.0, Status.Good)
    node.bd_seq = 4
    await node.send("NDEATH")
    await seen.until(0, None, Status.BadNoCommunication)


async def test_a_missing_message_makes_values_doubtful_and_asks_for_a_birth(
    broker: MqttBroker, node: SparkplugNode, observe: Any, sparkplug: Any
) -> None:
    commands = await node.commands()
    seen = await observe(broker.port, [sparkplug(0, "Speed"), sparkplug(1, "Flow", device="D")])
    asked = (await commands.next()).metrics[0]
    assert (asked.name, asked.boolean_value, asked.datatype) == ("Node Control/Rebirth", True, 11), "at the start"
    await node.send("NBIRTH", SPEED | metric(value=1.0))
    await node.send("DBIRTH", metric("Flow", 5.0, alias=2, datatype=10), device="D")
    node.skip()
    await node.send("NDATA", metric(alias=1, value=2.0))
    await seen.until(1, 5.0, Status.UncertainLastUsableValue)
    await seen.until(0, 2.0, Status.Good)
    assert (await commands.next()).metrics[0].name == "Node Control/Rebirth"
    assert "sequence number 3 instead of 2" in seen.driver.traffic.last_malformed
    await node.send("NBIRTH", SPEED | metric(value=3.0))
    await node.send("DBIRTH", metric("Flow", 6.0, alias=2, datatype=10), device="D")
    await seen.until(1, 6.0, Status.Good)
    await commands.close()


async def test_what_no_birth_explains_is_no_value(
    broker: MqttBroker, node: SparkplugNode, observe: Any, sparkplug: Any
) -> None:
    seen = await observe(broker.port, [sparkplug(0, "Speed"), sparkplug(1, "Flow", device="D"), sparkplug(2, "Nope")])
    traffic = seen.driver.traffic
    await node.send("NDATA", metric("Speed", 1.0, datatype=10))
    await node.send("NBIRTH", SPEED | metric(value=2.0))
    await seen.until(2, None, Status.BadConfigurationError)
    assert 'no metric "Nope"' in traffic.last_malformed
    await node.send("NDATA", metric(alias=9, value=7.0))
    await until(lambda: "alias 9" in traffic.last_malformed)
    await node.send("DDATA", metric("Flow", 7.0), device="D")
    await broker.publish("spBv1.0/G/NDATA/N", b"\xff\xff\xff")
    await until(lambda: "not Sparkplug B" in traffic.last_malformed)
    await node.send("NDATA", metric(alias=1, value="text"))
    await seen.until(0, None, Status.BadTypeMismatch)
    assert seen.values(0) == [2.0, None]
    assert seen.readings(1) == []


async def test_requests_for_a_birth_are_few(
    broker: MqttBroker, node: SparkplugNode, observe: Any, sparkplug: Any
) -> None:
    commands = await node.commands()
    seen = await observe(broker.port, [sparkplug(0, "Speed")])
    await commands.next()
    for _ in range(5):
        await node.send("NDATA", metric(alias=1, value=2.0))
    await commands.next()
    requests = seen.driver.traffic.requests
    await node.send("NBIRTH", SPEED | metric(value=3.0))
    await seen.until(0, 3.0)
    assert seen.driver.traffic.requests == requests
    await commands.close()


async def test_what_was_stored_while_a_node_was_away_is_not_current(
    broker: MqttBroker, node: SparkplugNode, observe: Any, sparkplug: Any
) -> None:
    seen = await observe(broker.port, [sparkplug(0, "Speed")])
    raw: dict[int, str] = {}
    seen.driver.traffic.raw_tap = raw.__setitem__
    await node.send("NBIRTH", SPEED | metric(value=1.0))
    await node.send(
        "NDATA",
        metric(alias=1, value=99.0, is_historical=True, timestamp=1_700_000_000_000),
        metric(alias=1, value=2.0),
    )
    await until(lambda: any(batch.past for batch in seen.batches) and 2.0 in seen.values(0))
    shown = Metric.FromString(bytes.fromhex(raw[0]))
    assert (shown.alias, shown.double_value) == (1, 2.0), "what uatwin probe shows is the metric as it came"
    now = [batch for batch in seen.batches if not batch.past]
    (past,) = [batch for batch in seen.batches if batch.past]
    assert [value for batch in now for value in batch.value.view("<f8").tolist()] == [1.0, 2.0]
    assert past.value.view("<f8").tolist() == [99.0]
    assert past.source_ticks.tolist() == [ticks_from_unix(1_700_000_000)]


async def test_commands_go_by_alias_or_name_and_only_to_who_is_there(
    broker: MqttBroker, node: SparkplugNode, observe: Any, sparkplug: Any
) -> None:
    tags = [
        sparkplug(0, "Setpoint", scale=0.1, writable=True),
        sparkplug(1, "Run", DataType.Boolean, device="D", writable=True),
        sparkplug(2, "Nope", device="D", writable=True),
    ]
    seen = await observe(broker.port, tags)
    with pytest.raises(Refused, match="has not sent its birth") as caught:
        await seen.driver.write(0, 1.0)
    assert caught.value.told_status == Status.BadNoCommunication
    commands, device_commands = await node.commands(), await node.commands("D")
    await node.send("NBIRTH", {"name": "Setpoint", "alias": 7, "datatype": 2, "int_value": 0})
    await node.send("DBIRTH", metric("Run", False, datatype=11), device="D")
    await seen.until(1, False)
    await seen.driver.write(0, 12.5)
    await seen.driver.write(1, True)
    (sent,) = (await commands.next()).metrics
    assert (sent.alias, sent.name, sent.datatype, sent.int_value) == (7, "", 2, 125)
    (sent,) = (await device_commands.next()).metrics
    assert (sent.name, sent.boolean_value, sent.HasField("alias")) == ("Run", True, False)
    with pytest.raises(ValueNotAccepted, match="Int16"):
        await seen.driver.write(0, 12_500.0)
    with pytest.raises(Refused, match='no metric "Nope"'):
        await seen.driver.write(2, 1.0)
    await node.send("NDEATH")
    await seen.until(0, None, Status.BadNoCommunication)
    with pytest.raises(Refused, match="offline"):
        await seen.driver.write(0, 1.0)
    await commands.close()
    await device_commands.close()


async def test_a_host_application_says_that_it_is_there_and_the_broker_that_it_is_gone(
    broker: MqttBroker, observe: Any, sparkplug: Any
) -> None:
    topic = "spBv1.0/STATE/plant-host"
    await observe(broker.port, [sparkplug(0, "Speed")], host_id="plant-host")
    watch = await broker.listen(topic)
    online = json.loads(await watch.payload(topic))
    assert online["online"] is True
    assert abs(ticks_from_unix(online["timestamp"] / 1000) - now_ticks()) < 600_000_000
    await broker.publish(topic, '{"online": false, "timestamp": 1}', "-r")
    assert json.loads(await watch.payload(topic))["online"] is False
    assert json.loads(await watch.payload(topic)) == online, "an old will is put right"
    usurper = mqtt.create("broker", mqtt.connection_model(host="127.0.0.1", port=broker.port), [])
    await usurper.connect()  # with the same client id, so that the broker ends the other connection
    assert json.loads(await watch.payload(topic)) == online | {"online": False}, "the will"
    await usurper.close()
    again = await observe(broker.port, [], host_id="plant-host", client_id="other")
    assert json.loads(await watch.payload(topic))["online"] is True
    await again.stop()
    assert json.loads(await watch.payload(topic))["online"] is False
    await watch.close()


@pytest.mark.parametrize(
    ("more", "key"), [({"topic": "a"}, "topic"), ({"value": "$.x"}, "value"), ({"write_topic": "w"}, "write_topic")]
)
def test_sparkplug_stands_alone(sparkplug: Any, more: dict[str, Any], key: str) -> None:
    connection = mqtt.connection_model(host="x")
    (problem,) = mqtt.check(connection, [sparkplug(0, "Speed", **more)])
    assert problem.key == key
    assert mqtt.check(connection, [sparkplug(0, "Speed"), sparkplug(1, "Flow", device="D")]) == []
    assert [one.what for one in mqtt.report(connection, [sparkplug(0, "Speed")]).requests] == [
        "subscribe spBv1.0/G/+/N/# (QoS 1)"
    ]


MESSAGE = Payload(timestamp=STAMP_MS, seq=1)
MESSAGE.metrics.add(name="Speed", alias=1, datatype=10, double_value=1.0)
MESSAGE.metrics.add(**metric("Odd", "text", datatype=33, quality=192))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDEATH", "DDEATH", "NCMD", "XX"]),
            st.integers(0, 200),
            st.binary(max_size=4),
            st.sampled_from(["", "/D", "/D/E"]),
        ),
        max_size=12,
    )
)
def test_no_message_whatever_is_in_it_is_more_than_malformed(said: list[tuple[str, int, bytes, str]]) -> None:
    """Valid messages with bytes overwritten, in any order."""
    points = [{"sparkplug": {"group": "G", "node": "N", "metric": name}} for name in ("Speed", "Odd")]
    bindings = [
        Binding(row, f"T{row}", kind, 0, mqtt.point_model.model_validate(point), 1.0, False)
        for row, (point, kind) in enumerate(zip(points, (DataType.Double, DataType.Int16), strict=True))
    ]
    batch = Batch()
    host = Host(mqtt.connection_model(host="x"), bindings, Traffic(), batch, Batch(past=True), lambda *_: None)
    ((_, node),) = host.nodes.items()
    for index, (kind, at, noise, device) in enumerate(said):
        data = bytearray(MESSAGE.SerializeToString())
        at %= len(data)
        data[at : at + len(noise)] = noise
        node.take(f"spBv1.0/G/{kind}/N{device}", bytes(data), False, STAMP + index)
    batch.take()
