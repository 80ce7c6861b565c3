"""Topic templates: what they match, which machines are new, and what is subscribed for them."""

from __future__ import annotations

import logging

import pytest
from pydantic import ValidationError

from drivers.creation import News
from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.mqtt import MqttConnection, MqttPoint, report
from drivers.mqtt.creation import Announcer, TopicCreation
from drivers.mqtt.plan import creating_filters, subscriptions
from drivers.mqtt.topic import covers

PUMPS = "plant/{line}/pump/{n}/#"


def creation(topic: str, at_most: int = 1000) -> TopicCreation:
    return TopicCreation(topic=topic, type="Pump", name="Pump", at_most=at_most)


@pytest.mark.parametrize(
    ("template", "topic", "values"),
    [
        (PUMPS, "plant/a/pump/7/temperature", ("a", "7")),
        (PUMPS, "plant/a/pump/7", ("a", "7")),  # a/# matches a itself too (MQTT 5, 4.7.1.2)
        (PUMPS, "plant/a/pump/7/x/y", ("a", "7")),
        (PUMPS, "plant/a/fan/7/x", None),
        (PUMPS, "plant/a/pump", None),
        (PUMPS, "plant//pump/7/x", None),
        ("{a}/+/state", "b/c/state", ("b",)),
        ("{a}/+/state", "b/c/d/state", None),
        ("a.b/{n}", "axb/1", None),
    ],
)
def test_a_template_gives_the_named_levels(template: str, topic: str, values: tuple[str, ...] | None):
    assert creation(template).match(topic) == values


@pytest.mark.parametrize(
    ("topic", "why"),
    [
        ("plant/+/pump", "nothing tells machines apart"),
        ("plant/x{n}", "one whole level"),
        ("a/{n}/{n}", "given to two levels"),
        ("$share/g/a/{n}", "shared subscription"),
        ("a/{n}/#/b", "# stands for all that follows"),
    ],
)
def test_what_is_no_template_is_refused_with_the_cure(topic: str, why: str):
    with pytest.raises(ValidationError, match=why):
        creation(topic)


def test_each_new_machine_is_told_once_and_those_with_tags_never(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING)
    announcer = Announcer([creation(PUMPS, at_most=2), creation("{n}/#")], ["plant/a/pump/1/speed", "other/topic"])
    for topic in ("plant/a/pump/1/debug", "plant/a/pump/2/x", "plant/a/pump/2/y", "plant/b/pump/2/x", "lamp/1"):
        announcer.heard(topic)
    assert announcer.take() == [
        News(PUMPS, {"line": "a", "n": "2"}),
        News(PUMPS, {"line": "b", "n": "2"}),
        News("{n}/#", {"n": "lamp"}),
    ]
    for n in range(9):
        announcer.heard(f"plant/c/pump/{n}/x")
    assert announcer.take() == []
    assert [record.getMessage() for record in caplog.records] == [
        f"{PUMPS}: more than 2 new machines; no more are looked at"
    ]


@pytest.mark.parametrize(
    ("wide", "narrow", "whether"),
    [
        ("plant/+/#", "plant/a/b/c", True),
        ("plant/+/#", "plant/a", True),
        ("plant/+/#", "plant/#", False),
        ("plant/+", "plant/+", True),
        ("plant/+", "plant/a/b", False),
        ("plant/a", "plant/+", False),
        ("#", "$SYS/a", False),
    ],
)
def test_a_filter_covers_another_where_it_brings_all_of_it(wide: str, narrow: str, whether: bool):
    assert covers(wide, narrow) is whether


def test_what_a_template_brings_is_not_subscribed_twice():
    points = [MqttPoint(topic="plant/a/pump/1/speed", qos=2), MqttPoint(topic="hall/power")]
    bindings = [Binding(row, f"T{row}", DataType.Float, 0, point, 1.0, False) for row, point in enumerate(points)]
    connection = MqttConnection(host="x", create=(creation(PUMPS), creation("plant/{line}/pump/1/#")))
    assert creating_filters(connection, subscriptions(connection, bindings)) == {"plant/+/pump/+/#": 2}
    assert [request.what for request in report(connection, bindings).requests] == [
        "subscribe plant/+/pump/+/# (QoS 2), for new twins",
        "hear plant/a/pump/1/speed (QoS 2)",
        "subscribe hall/power (QoS 0)",
    ]
