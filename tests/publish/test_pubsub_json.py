"""OPC UA PubSub JSON messages as the standard lays them out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from drivers.readings import TICKS_PER_SECOND, Readings
from drivers.status import Status
from server.publish.contract import Message
from server.publish.datasets import writer_ids
from server.publish.pubsub_json import PubSubJson, PubSubSettings, Shape
from server.publish.pubsub_metadata import Description
from server.publish.reduced import Aspect, Reduced
from tests.publish.conftest import START, Desk


def publisher(desk: Desk, shape: Shape = Shape.full, **rest: Any) -> PubSubJson:
    described = Description("urn:edge:uatwin", "uatwin", ("opc.tcp://edge:4840",), "cloud", "edge1", desk.sets)
    return PubSubJson(PubSubSettings("edge1", shape, **rest), desk.layout, desk.table, described)


def bodies(messages: Any) -> dict[str, Any]:
    return {message.topic: json.loads(message.payload) for message in messages}


def by_kind(messages: Any, kind: str) -> list[tuple[Message, Any]]:
    read = [(message, json.loads(message.payload)) for message in messages]
    return [(message, body) for message, body in read if body["MessageType"] == kind]


def test_a_delta_frame_holds_what_changed_with_type_time_and_a_status_that_is_not_good(desk: Desk) -> None:
    """Part 14, 7.2.5.3 and 7.2.5.4; Part 6, 5.4.2.18: Good is left out, 64-bit numbers are text."""
    changes = Readings.concat(
        [
            desk.reading("Speed", 1480.1, 0.25),
            desk.reading("Hours", 2**60, 1),
            desk.reading("Note", "ok", 2, Status.UncertainLastUsableValue),
            desk.reading("State", 0, 3, Status.BadTimeout),
        ]
    )
    (message,) = publisher(desk).data(Reduced.values(changes), False, START)
    body = json.loads(message.payload)
    assert message.topic == "opcua/json/data/edge1/Line/Loop.Pump"
    assert (body["MessageType"], body["PublisherId"], len(body["MessageId"])) == ("ua-data", "edge1", 36)
    (frame,) = body["Messages"]
    assert (frame["MessageType"], frame["SequenceNumber"]) == ("ua-deltaframe", 0)
    assert frame["Payload"] == {
        "Speed": {"UaType": 10, "Value": 1480.1, "SourceTimestamp": "2025-08-18T14:13:20.250Z"},
        "Hours": {"UaType": 9, "Value": str(2**60), "SourceTimestamp": "2025-08-18T14:13:21.000Z"},
        "Note": {
            "UaType": 12,
            "Value": "ok",
            "Status": {"Code": Status.UncertainLastUsableValue, "Symbol": "UncertainLastUsableValue"},
            "SourceTimestamp": "2025-08-18T14:13:22.000Z",
        },
        "State": {
            "UaType": 3,
            "Value": None,
            "Status": {"Code": Status.BadTimeout, "Symbol": "BadTimeout"},
            "SourceTimestamp": "2025-08-18T14:13:23.000Z",
        },
    }


def test_on_connecting_status_metadata_and_a_key_frame_of_each_data_set_are_sent(desk: Desk) -> None:
    """Part 14, 7.3.4.7: status, application, connection and metadata are retained; 7.2.5.5.5: the will has no time."""
    desk.table.commit(desk.reading("Speed", 900.0))
    teller = publisher(desk)
    said = teller.birth(START)
    kinds = [json.loads(message.payload)["MessageType"] for message in said]
    assert kinds == ["ua-status", "ua-application", "ua-connection", *["ua-metadata"] * 2, *["ua-data"] * 2]
    assert [message.retain for message in said] == [True] * 5 + [False] * 2
    (_, status), (_, pump) = by_kind(said, "ua-status")[0], by_kind(said, "ua-metadata")[0]
    assert (status["Status"], status["IsCyclic"], "Timestamp" in status) == (2, False, False)
    speed = pump["MetaData"]["Fields"][0]
    assert (speed["Name"], speed["BuiltInType"], speed["DataType"], speed["ValueRank"]) == ("Speed", 10, "i=10", -1)
    assert [entry["Key"]["Name"] for entry in speed["Properties"]] == ["EngineeringUnits", "EURange"]
    keyframe = by_kind(said, "ua-data")[0][1]["Messages"][0]
    assert list(keyframe["Payload"]) == ["Speed", "Hours", "State", "Note", "Setpoint"]
    assert keyframe["Payload"]["Speed"]["Value"] == 900.0
    assert keyframe["MetaDataVersion"] == pump["MetaData"]["ConfigurationVersion"]
    assert json.loads(teller.will().payload)["Status"] == 3
    assert json.loads(teller.death(START)[0].payload)["Status"] == 1


def test_a_silent_data_set_keeps_alive_and_a_key_frame_comes_when_it_is_due(desk: Desk) -> None:
    teller = publisher(desk, key_frame_s=60.0, keep_alive_s=20.0)
    teller.birth(START)
    assert teller.due(START + 19 * TICKS_PER_SECOND) == []
    alive = teller.due(START + 21 * TICKS_PER_SECOND)
    frames = [body["Messages"][0] for body in bodies(alive).values()]
    assert [(frame["MessageType"], frame["Payload"], frame["SequenceNumber"]) for frame in frames] == [
        ("ua-keepalive", {}, 1)
    ] * 2
    late = teller.due(START + 61 * TICKS_PER_SECOND)
    assert {json.loads(one.payload)["Messages"][0]["MessageType"] for one in late} == {"ua-keyframe"}


@pytest.mark.parametrize("shape", [Shape.raw, Shape.minimal])
def test_bare_values_for_those_who_do_not_know_opc_ua(desk: Desk, shape: Shape) -> None:
    """Part 14, A.3.2: one DataSetMessage, no headers, RawData."""
    reading = Readings.concat([desk.reading("Speed", 21.3), desk.reading("State", 1)])
    (message,) = publisher(desk, shape).data(Reduced.values(reading), False, START)
    body = json.loads(message.payload)
    assert (body if shape is Shape.minimal else body["Messages"][0]["Payload"]) == {"Speed": 21.3, "State": 1}
    if shape is Shape.minimal:
        assert [one.topic.split("/")[2] for one in publisher(desk, shape).birth(START)] == ["status", "data", "data"]


def test_variants_tell_type_and_value(desk: Desk) -> None:
    """Part 14, 7.2.5.4.2: field encoding Variant."""
    (message,) = publisher(desk, Shape.variant).data(Reduced.values(desk.reading("Hours", 7)), False, START)
    assert json.loads(message.payload)["Messages"][0]["Payload"] == {"Hours": {"UaType": 9, "Value": "7"}}


def test_a_field_that_comes_twice_takes_two_frames(desk: Desk) -> None:
    twice = [desk.reading("Speed", 1.0, 1), desk.reading("State", 1, 1), desk.reading("Speed", 2.0, 2)]
    said = publisher(desk).data(Reduced.values(Readings.concat(twice)), True, START)
    frames = [json.loads(message.payload)["Messages"][0] for message in said]
    told = [(frame["SequenceNumber"], list(frame["Payload"])) for frame in frames]
    assert told == [(0, ["Speed", "State"]), (1, ["Speed"])]


def test_figures_of_periods_are_fields_of_their_own(desk: Desk) -> None:
    teller = publisher(desk)
    metadata = by_kind(teller.birth(START), "ua-metadata")[1][1]["MetaData"]
    names = [field["Name"] for field in metadata["Fields"]]
    assert names == ["Vibration", *(f"Vibration.{one}" for one in ("Mean", "Minimum", "Maximum", "Last", "Count"))]
    reading = desk.reading("Vibration", 7.0)
    figures = Reduced(Readings.concat([reading, reading]), np.array([Aspect.mean, Aspect.count], np.uint8))
    (message,) = teller.data(figures, False, START)
    payload = json.loads(message.payload)["Messages"][0]["Payload"]
    assert {name: field["Value"] for name, field in payload.items()} == {"Vibration.Mean": 7.0, "Vibration.Count": 7}


def test_what_is_no_number_in_json_is_text(desk: Desk) -> None:
    """Part 6, 5.4.2.4."""
    for value, text in ((float("nan"), "NaN"), (float("-inf"), "-Infinity")):
        (message,) = publisher(desk).data(Reduced.values(desk.reading("Speed", value)), False, START)
        assert json.loads(message.payload)["Messages"][0]["Payload"]["Speed"]["Value"] == text


def test_writer_ids_stay_when_others_come_and_differ_always() -> None:
    few = [f"Line/Pump{number}" for number in range(50)]
    many = [f"Line/Pump{number}" for number in range(2000)]
    assert len(set(writer_ids(many))) == 2000
    assert sum(a == b for a, b in zip(writer_ids(few), writer_ids(many), strict=False)) >= 44
    assert max(writer_ids(many)) <= 0x7FFF
