"""Plain JSON: topics from a template, values with their quality, orders with their answers."""

from __future__ import annotations

import json

import pytest

from drivers.readings import Readings
from drivers.status import Status
from server.publish.contract import Received
from server.publish.plain_json import PlainJson, PlainSettings
from server.publish.reduced import Reduced
from tests.publish.conftest import START, Desk


def teller(desk: Desk, **settings: object) -> PlainJson:
    return PlainJson(PlainSettings(**settings), desk.plant, desk.layout, desk.table)  # type: ignore[arg-type]


def test_a_value_has_a_topic_of_its_own_with_quality_time_unit_and_state(desk: Desk) -> None:
    changes = Readings.concat(
        [desk.reading("Speed", 21.3), desk.reading("State", 1, status=Status.UncertainLastUsableValue)]
    )
    said = teller(desk).data(Reduced.values(changes), False, START)
    assert {message.topic: json.loads(message.payload) for message in said} == {
        "Hall/Loop/Pump/Speed": {
            "value": 21.3, "quality": "Good", "timestamp": "2025-08-18T14:13:20Z", "unit": "r/min",
        },
        "Hall/Loop/Pump/State": {
            "value": 1, "quality": "UncertainLastUsableValue", "timestamp": "2025-08-18T14:13:20Z", "state": "Running",
        },
    }  # fmt: skip
    assert all(message.retain for message in said)
    assert not any(message.retain for message in teller(desk).data(Reduced.values(changes), True, START))


def test_a_template_without_tag_makes_one_message_of_a_twin(desk: Desk) -> None:
    changes = Readings.concat([desk.reading("Speed", 1.0, 1), desk.reading("Hours", 7, 2)])
    (message,) = teller(desk, topic="site/{scope}/{twin}").data(Reduced.values(changes), False, START)
    assert message.topic == "site/asset/Pump"
    body = json.loads(message.payload)
    assert body["timestamp"] == "2025-08-18T14:13:22Z"
    assert {name: one["value"] for name, one in body["values"].items()} == {"Speed": 1.0, "Hours": 7}


def test_on_connecting_all_known_values_are_sent_and_whether_it_is_there(desk: Desk) -> None:
    desk.table.commit(desk.reading("Speed", 900.0))
    one = teller(desk)
    assert [message.topic for message in one.birth(START)] == ["Hall/$online", "Hall/Loop/Pump/Speed"]
    will = one.will()
    assert will is not None
    assert (will.topic, will.payload, will.retain) == ("Hall/$online", b"false", True)


@pytest.mark.parametrize(("payload", "value"), [(b"1500", 1500), (b'{"value": 1500.5}', 1500.5)])
def test_an_order_is_a_bare_value_or_an_object_with_one(desk: Desk, payload: bytes, value: float) -> None:
    one = teller(desk, commands=True)
    assert one.subscriptions() == [("Hall/Loop/Pump/Setpoint/set", 1)]
    _, orders = one.received(Received("Hall/Loop/Pump/Setpoint/set", payload), START)
    assert [(order.path, order.value, order.user) for order in orders] == [("Loop/Pump/Setpoint", value, "MQTT")]
    (answer,) = one.answer(orders[0], Status.BadInvalidState, "Tank is empty")
    assert answer.topic == "Hall/Loop/Pump/Setpoint/set/result"
    assert json.loads(answer.payload) == {
        "status": "BadInvalidState",
        "code": int(Status.BadInvalidState),
        "value": value,
        "reason": "Tank is empty",
    }


def test_an_mqtt_5_client_gets_its_answer_where_it_asked_for_it(desk: Desk) -> None:
    """MQTT 5, 4.10: response topic and correlation data."""
    one = teller(desk, commands=True)
    asked = Received("Hall/Loop/Pump/Setpoint/set", b"1", properties={"response_topic": "me", "correlation_data": b"7"})
    _, orders = one.received(asked, START)
    (answer,) = one.answer(orders[0], Status.Good, "")
    assert (answer.topic, answer.properties["correlation_data"], answer.retain) == ("me", b"7", False)


@pytest.mark.parametrize(("payload", "retain"), [(b"fast", False), (b"{}", False), (b"null", False), (b"5", True)])
def test_an_order_that_cannot_be_understood_is_answered_and_counted(desk: Desk, payload: bytes, retain: bool) -> None:
    one = teller(desk, commands=True)
    answers, orders = one.received(Received("Hall/Loop/Pump/Setpoint/set", payload, retain), START)
    assert not orders
    assert json.loads(answers[0].payload)["status"] == "BadTypeMismatch"
    assert one.malformed == 1


def test_commands_are_off_unless_asked_for(desk: Desk) -> None:
    assert teller(desk).subscriptions() == []
    assert teller(desk).received(Received("Hall/Loop/Pump/Setpoint/set", b"1"), START) == ((), ())
