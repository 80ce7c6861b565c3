"""Whatever a plant file says about tags comes back after export and import, and 10,000 tags do so in seconds."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.modbus.address import locate
from server.config.load import load_plant
from server.config.plant import Connection, Plant, Tag
from server.interchange.columns import read_tag_list
from server.interchange.drafts import PlantDraft, TagDraft
from server.interchange.settling import settle
from server.interchange.tag_list_export import export_tags
from server.interchange.tag_lists import ListOptions, read_drafts
from server.interchange.writing import write_plant

WORDS = st.text("abcdefghijklmnopqrstuvwxyzÄ°µ 0123456789_-+:#'\"{}[],&*!|>%@`?", min_size=1, max_size=12)
NAMES = WORDS.map(str.strip).filter(lambda text: text and text not in ("Alarms",))
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 4))
SCALES = st.sampled_from([1, 0.1, 0.01, 2, -1, 1e-3, 3.7])
KINDS = {
    "Boolean": (None,),
    "Int16": (None, "int16", "uint16", "bcd16", "int32"),
    "UInt16": (None, "uint16", "bcd16"),
    "Int32": (None, "int32", "uint16"),
    "UInt32": (None, "uint32", "bcd32"),
    "Int64": (None,),
    "UInt64": (None,),
    "Float": (None, "float32", "int16", "uint16", "bcd16", "float16"),
    "Double": (None, "float64", "float32", "int32", "bcd32"),
}


@st.composite
def _meanings(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"rate_s": draw(st.sampled_from([0.05, 0.5, 1, 7.25, 60]))}
    if draw(st.booleans()):
        spec["description"] = draw(WORDS.map(str.strip))
    if kind in ("Float", "Double"):
        spec |= (
            {"unit": draw(st.sampled_from(["CEL", "BAR", "RPM", "P1", "C62", "KWH"]))} if draw(st.booleans()) else {}
        )
        low, high = sorted(draw(st.tuples(NUMBERS, NUMBERS)))
        spec |= {"range": [low, high]} if low < high else {}
    elif kind == "Boolean" and draw(st.booleans()):
        spec["states"] = draw(st.lists(WORDS, min_size=2, max_size=2, unique=True))
    return spec


@st.composite
def modbus_tags(draw: st.DrawFn, index: int) -> TagDraft:
    kind = draw(st.sampled_from([*KINDS, "String"]))
    table = draw(st.sampled_from(["coil", "discrete"] if kind == "Boolean" else ["holding", "input"]))
    command = draw(st.booleans()) and table in ("coil", "holding")
    point: dict[str, Any] = {"table": table, "address": 20 * index + draw(st.integers(0, 4))}
    spec = {"type": kind} | draw(_meanings(kind))
    if kind == "String":
        point |= {"length": draw(st.integers(1, 10)), "byte_order": draw(st.sampled_from(["big", "little"]))}
    elif kind == "Boolean" and draw(st.booleans()):
        table = point["table"] = "holding"
        point["bit"] = draw(st.integers(0, 15))
    elif kind != "Boolean":
        raw = draw(st.sampled_from(KINDS[kind]))
        point |= {"type": raw} if raw else {}
        if kind in ("Float", "Double"):
            point |= {"scale": draw(SCALES), "offset": draw(st.sampled_from([0, -273.15, 100]))}
        elif draw(st.booleans()):
            spec["array_length"] = draw(st.integers(1, 4))
        point |= {"word_order": "little"} if draw(st.booleans()) else {}
        point |= {"no_data": 17} if draw(st.booleans()) and raw in ("int16", "uint16") else {}
    if draw(st.booleans()):
        point["unit"] = draw(st.integers(1, 247))
    twin = tuple(draw(st.lists(NAMES, min_size=1, max_size=3)))
    return TagDraft("", tuple(f"T{part}" for part in twin), f"V{index} {draw(NAMES)}", command, spec | {"point": point})


@st.composite
def topic_tags(draw: st.DrawFn, index: int, driver: str) -> TagDraft:
    kind = draw(st.sampled_from(["Boolean", "Int32", "Double", "String", "Byte", "DateTime"]))
    command = draw(st.booleans())
    path = f"/{draw(st.text('abc/', min_size=1, max_size=8)).strip('/') or 'x'}{index}".replace("//", "/")
    point: dict[str, Any] = {"topic": path[1:]} if driver == "mqtt" else {"path": path.replace("//", "/")}
    if draw(st.booleans()):
        point |= {"format": "json", "value": draw(st.sampled_from(["$.a", "$['b c'].d[0]"]))}
    if kind == "Double":
        point |= {"scale": draw(SCALES)}
    if command and driver == "mqtt":
        point |= {"write_topic": "down/" + path[1:], "write_template": '{"set": {value}}', "write_qos": 2}
        if draw(st.booleans()):
            point = {key: value for key, value in point.items() if key not in ("topic", "value")}
    elif command and draw(st.booleans()):
        point |= {"write_path": "/down", "write_query": "a=1"} if draw(st.booleans()) else {"read": False}
    spec = {"type": kind} | draw(_meanings(kind)) | {"point": point}
    return TagDraft("", ("T",), f"V{index}", command, spec)


def _draft(driver: str, tags: list[TagDraft], **connection: Any) -> PlantDraft:
    return PlantDraft("P", {"c": {"driver": driver, "host": "h"} | connection}, tags)


def _loaded(text: str) -> Plant:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plant.yaml"
        path.write_text(text, "utf-8")
        return load_plant(path)


def _round_trip(draft: PlantDraft) -> tuple[Connection, Connection]:
    before = _loaded(write_plant(draft).text).connections["c"]
    text, _ = export_tags(before)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tags.csv"
        path.write_text(text, "utf-8")
        again, findings = read_drafts(read_tag_list(path), ListOptions("c", draft.connections["c"], "P"))
        plant, findings = settle(again, findings, ())
    assert [finding for finding in findings if finding.skipped] == []
    return before, _loaded(plant).connections["c"]


def _point(tag: Tag, connection: Connection) -> dict[str, Any]:
    point = tag.point
    if connection.driver != "modbus":
        return dict(point.model_dump()) | {"scale": pytest.approx(point.scale), "offset": pytest.approx(point.offset)}
    keys = dataclasses.asdict(point)
    keys["table"], keys["address"] = locate(connection.settings.addresses, point.table, point.address)
    keys["type"] = keys["type"] if point.bit is None else None
    suggested = {"Int16": "int16", "UInt16": "uint16", "Int32": "int32", "UInt32": "uint32", "Float": "float32"}
    if keys["type"] in (suggested.get(tag.data_type.name), "float64" if tag.data_type.name == "Double" else None):
        keys["type"] = None
    if tag.data_type.name == "String":
        keys["byte_order"] = keys["byte_order"] or "big"
    return keys | {"scale": pytest.approx(point.scale), "offset": pytest.approx(point.offset, abs=1e-9)}


def _same(before: Connection, after: Connection) -> None:
    found = {tag.path: tag for tag in after.tags}
    assert set(found) == {tag.path for tag in before.tags}
    for tag in before.tags:
        other = found[tag.path]
        for key in ("data_type", "array_length", "unit", "range", "states", "description", "rate_s"):
            assert getattr(other, key) == getattr(tag, key), (tag.path, key)
        assert (other.command is None) == (tag.command is None), tag.path
        assert _point(other, after) == _point(tag, before), tag.path


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data(), st.sampled_from(["zero_based", "one_based", "modicon"]))
def test_modbus_tags_come_back(data: st.DataObject, notation: str) -> None:
    tags = [data.draw(modbus_tags(index + 1)) for index in range(data.draw(st.integers(1, 5)))]
    if notation == "modicon":
        first = {"coil": 1, "discrete": 100001, "input": 300001, "holding": 400001}
        for tag in tags:
            tag.spec["point"]["address"] += first[tag.spec["point"]["table"]]
    elif notation == "one_based":
        for tag in tags:
            tag.spec["point"]["address"] += 1
    before, after = _round_trip(_draft("modbus", tags, addresses=notation))
    _same(before, after)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(["mqtt", "coap"]))
def test_mqtt_and_coap_tags_come_back(data: st.DataObject, driver: str) -> None:
    tags = [data.draw(topic_tags(index, driver)) for index in range(data.draw(st.integers(1, 5)))]
    before, after = _round_trip(_draft(driver, tags))
    _same(before, after)


def test_ten_thousand_tags_take_seconds() -> None:
    tags = [
        TagDraft("", (f"Machine{n // 50}",), f"Value{n % 50}", False,
                 {"type": "Float", "unit": "CEL", "rate_s": 1, "point": {"table": "holding", "address": 2 * n}})
        for n in range(10_000)
    ]  # fmt: skip
    began = time.monotonic()
    _, after = _round_trip(_draft("modbus", tags))
    assert len(after.tags) == 10_000
    assert time.monotonic() - began < 30
