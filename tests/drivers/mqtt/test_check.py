"""What `uatwin check` says about MQTT connections and points, without a network."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from drivers import mqtt
from drivers.data_types import DataType

CONNECTION = mqtt.connection_model(host="127.0.0.1")


def problems(tag: Any, data_type: DataType = DataType.Double, **settings: Any) -> list[tuple[str, str]]:
    found = mqtt.check(CONNECTION, [tag(0, data_type, **settings)])
    assert all(problem.binding == 0 for problem in found)
    return [(problem.key, problem.message) for problem in found]


@pytest.mark.parametrize(
    ("settings", "key", "says"),
    [
        ({}, "topic", "needs topic"),
        ({"topic": "a/#/b"}, "topic", "last level"),
        ({"topic": ""}, "topic", "empty"),
        ({"topic": "a", "value": "$..b"}, "value", "cannot be read"),
        ({"topic": "a", "value": "b"}, "value", r"starts with \$"),
        ({"topic": "a", "timestamp": "$["}, "timestamp", "cannot be read"),
        ({"topic": "a", "quality": "$.*"}, "quality", "cannot be read"),
        ({"topic": "a", "format": "text", "value": "$.b"}, "value", "has no paths"),
        ({"topic": "a", "format": "senml_json", "value": "$.b"}, "value", "name a record"),
        ({"topic": "a", "name": "b"}, "name", "SenML"),
        ({"topic": "a", "format": "raw"}, "format", "bytes"),
        ({"topic": "a", "format": "text", "array_length": 2}, "format", "arrays"),
        ({"topic": "a", "write_topic": "b"}, "write_topic", "only commands publish"),
        ({"topic": "a", "retain": True}, "write_topic", "missing"),
        ({"writable": True, "topic": "a"}, "write_topic", "needs write_topic"),
        ({"writable": True, "write_topic": "a/+"}, "write_topic", "no wildcards"),
        ({"writable": True, "write_topic": "a", "write_template": "on"}, "write_template", "does not occur"),
        ({"writable": True, "write_topic": "a", "write_template": '{"v": {value}'}, "write_template", "not JSON"),
        ({"writable": True, "write_topic": "a", "write_words": ["a", "b"]}, "write_words", "Double"),
        (
            {"writable": True, "write_topic": "a", "format": "senml_json", "write_template": "{value}"},
            "write_template",
            "takes no template",
        ),
        ({"topic": "a", "availability": {"topic": "b/#"}}, "availability.topic", "one topic"),
        ({"topic": "a", "availability": {"topic": ""}}, "availability.topic", "empty"),
        ({"topic": "a", "on_change": True}, "on_change", "availability topic"),
        ({"topic": "a", "availability": {"topic": "b", "value": "x"}}, "availability.value", "not a path"),
        ({"topic": "a", "availability": {"topic": "b", "online": "offline"}}, "availability.offline", "differ"),
    ],
)
def test_what_cannot_work_is_told_with_its_key(tag: Any, settings: dict[str, Any], key: str, says: str) -> None:
    import re

    found = problems(tag, **settings)
    assert [one for one in found if one[0] == key and re.search(says, one[1])], found


@pytest.mark.parametrize("data_type", [DataType.Boolean, DataType.String, DataType.DateTime])
def test_what_is_no_number_has_no_scale(tag: Any, data_type: DataType) -> None:
    assert problems(tag, data_type, topic="a", scale=0.1)[0][0] == "scale"


def test_two_tags_that_read_the_very_same_are_a_mistake(tag: Any) -> None:
    same = {"topic": "a", "value": "$.b"}
    tags = [tag(0, **same), tag(1, **same), tag(2, topic="a", value="$.c"), tag(3, topic="a", value="$.b", scale=2.0)]
    command = tag(4, write_topic="a/set", writable=True, **same)
    (problem,) = mqtt.check(CONNECTION, [*tags, command])
    assert (problem.binding, problem.key) == (1, "topic")
    assert "Plant/Tag0" in problem.message


def test_a_right_configuration_has_no_problem(tag: Any) -> None:
    tags = [
        tag(0, topic="a/+/b", value="$.x", timestamp="$.t", quality="$.q", qos=2),
        tag(1, topic="s", write_topic="s/set", write_template={"v": "$value", "at": "$timestamp"}, writable=True),
        tag(2, DataType.ByteString, topic="image", format="raw"),
        tag(3, topic="senml", format="senml_cbor", name="urn:dev:temp"),
    ]
    assert mqtt.check(CONNECTION, tags) == []


def test_the_connections_own_availability_is_checked_once() -> None:
    connection = mqtt.connection_model.model_validate({"host": "x", "availability": {"topic": "a/+"}})
    (problem,) = mqtt.check(connection, [])
    assert (problem.binding, problem.key) == (None, "availability.topic")


@pytest.mark.parametrize(
    "settings",
    [
        {"host": ""},
        {"port": 0},
        {"version": "3.1"},
        {"version": 4},
        {"qos": 3},
        {"user": None, "password": "x"},
        {"user": "u", "password": {"env": "A", "file": "b"}},
        {"user": "u", "password": {}},
        {"tls": {"key": "k"}},
        {"keepalive_s": 0},
        {"hots": "x"},
    ],
)
def test_wrong_connection_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        mqtt.connection_model.model_validate({"host": "x"} | settings)


@pytest.mark.parametrize(
    "settings", [{"scale": 0.0}, {"scale": float("nan")}, {"qos": 3}, {"tpoic": "a"}, {"qos": "1"}]
)
def test_wrong_point_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        mqtt.point_model.model_validate({"topic": "a"} | settings)


def test_the_version_may_be_written_as_a_number() -> None:
    assert mqtt.connection_model.model_validate({"host": "x", "version": 5}).version == "5"


def test_the_report_shows_one_subscription_per_topic(tag: Any) -> None:
    connection = mqtt.connection_model.model_validate({"host": "x", "availability": {"topic": "status"}})
    tags = [
        tag(0, topic="a", value="$.x", rate_s=2.0),
        tag(1, topic="a", value="$.y", rate_s=0.5, qos=1),
        tag(2, topic="b/#", rate_s=4.0),
        tag(3, write_topic="w", writable=True),
    ]
    plan = mqtt.report(connection, tags)
    assert [(one.what, one.rate_s, one.tags) for one in plan.requests] == [
        ("subscribe status (QoS 1)", 0, 0),
        ("subscribe a (QoS 1)", 0.5, 2),
        ("subscribe b/# (QoS 0)", 4.0, 1),
    ]
    assert plan.requests_per_s == pytest.approx(2.25)
    assert plan.bytes_per_s > 0
    assert plan.load is None
    assert plan.pushed_tags == 3
