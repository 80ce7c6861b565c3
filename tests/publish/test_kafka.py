"""The same messages as Kafka records, against the mock cluster of Kafka's own client library."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drivers.errors import ConnectFailed
from server.publish.kafka_session import INSTALLED, Cluster, KafkaSession
from server.publish.plain_json import PlainJson, PlainSettings
from tests.publish.conftest import Desk
from tests.simulators.publishers import publishing_by, speeds
from tests.simulators.waiting import until

pytestmark = pytest.mark.skipif(not INSTALLED, reason="confluent-kafka is not installed: the extra kafka")


async def test_values_arrive_as_records_keyed_by_the_tag_and_leave_the_queue(desk: Desk, tmp_path: Path) -> None:
    from confluent_kafka import Consumer, Producer

    mock = Producer({"test.mock.num.brokers": 3, "bootstrap.servers": ""})
    servers = tuple(f"{one.host}:{one.port}" for one in mock.list_topics(timeout=10).brokers.values())
    form = PlainJson(PlainSettings(), desk.plant, desk.layout, desk.table)
    cluster = Cluster(servers, "twins", "uatwin-test")
    async with publishing_by(desk, tmp_path, form, lambda *told: KafkaSession(cluster, *told)) as publisher:
        await until(lambda: publisher.connected)
        desk.table.commit(speeds(desk, range(1, 201)))
        await until(lambda: publisher.counters.sent == 200)
        await until(lambda: publisher.queue.values == 0)
    consumer = Consumer({"bootstrap.servers": servers[0], "group.id": "test", "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe(["twins"])
        values = []
        while len(values) < 200:
            record = consumer.poll(10)
            assert record is not None
            assert not record.error(), record.error()
            if record.key() == b"Loop/Pump/Speed":
                values.append(json.loads(record.value())["value"])
                assert dict(record.headers()) == {"topic": b"Hall/Loop/Pump/Speed"}
        assert values == list(range(1, 201))
    finally:
        consumer.close()


async def test_a_cluster_that_is_not_there_is_named() -> None:
    cluster = Cluster(("127.0.0.1:1",), "twins", connect_s=0.3)
    session = KafkaSession(cluster, lambda numbers: None, lambda message: None, lambda reason: None)
    with pytest.raises(ConnectFailed, match=r"127\.0\.0\.1:1 cannot be reached"):
        await session.open(None, ())
    await session.close()
