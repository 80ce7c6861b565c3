"""check and report: what cannot work, and what the rest costs, without touching the network."""

from __future__ import annotations

from typing import Any

import pytest

from drivers import coap
from drivers.data_types import DataType
from drivers.driver import DriverType
from drivers.registry import driver_names, driver_type
from tests.drivers.coap.helpers import Bind

CONNECTION = coap.connection_model(host="10.0.0.9")


def test_the_driver_is_found_by_its_entry_point() -> None:
    assert "coap" in driver_names()
    driver: DriverType = driver_type("coap")
    assert driver.point_model is coap.point_model


@pytest.mark.parametrize(
    ("data_type", "settings", "key", "word"),
    [
        (DataType.Boolean, {"scale": 2}, "scale", "Boolean"),
        (DataType.String, {"offset": 1}, "offset", "String"),
        (DataType.Double, {"format": "raw"}, "format", "raw bytes"),
        (DataType.Double, {"format": "senml_json", "array_length": 3}, "format", "array"),
        (DataType.Double, {"write_path": "/set"}, "write_path", "commands"),
        (DataType.Double, {"write_method": "POST"}, "write_method", "commands"),
        (DataType.Double, {"read": False}, "read", "neither"),
        (DataType.Double, {"write_format": "raw", "writable": True}, "write_format", "raw"),
        (DataType.Double, {"write_words": ["a", "b"], "writable": True}, "write_words", "Boolean"),
        (DataType.Float, {"write_format": "senml_cbor", "array_length": 2, "writable": True}, "write_format", "array"),
        (
            DataType.Double,
            {"write_format": "cbor", "write_template": "x$value", "writable": True},
            "write_template",
            "cannot be written",
        ),
    ],
)
def test_a_tag_that_cannot_work_is_a_problem(
    bind: Bind, data_type: DataType, settings: dict[str, Any], key: str, word: str
) -> None:
    problems = coap.check(CONNECTION, [bind(0, "/fine"), bind(1, "/w", data_type, **settings)])
    assert [(problem.binding, problem.key) for problem in problems] == [(1, key)]
    assert word in problems[0].message


def test_two_tags_of_one_value_are_a_problem_but_a_command_and_its_reading_are_not(bind: Bind) -> None:
    tags = [
        bind(0, "/w", value="$.a"),
        bind(1, "/w", value="$.b"),
        bind(2, "/w", value="$.a"),
        bind(3, "/w", value="$.a", writable=True),
        bind(4, "/w", value="$.a", query="n=2"),
    ]
    (problem,) = coap.check(CONNECTION, tags)
    assert (problem.binding, problem.key) == (2, "value")
    assert "Twin/Tag0" in problem.message


def test_every_kind_of_command_that_works_has_no_problem(bind: Bind) -> None:
    tags = [
        bind(0, "/a", writable=True),
        bind(1, "/b", DataType.Boolean, writable=True, write_words=["OFF", "ON"]),
        bind(2, "/c", DataType.String, writable=True, format="json", value="$.mode"),
        bind(3, "/d", DataType.Double, writable=True, format="senml_cbor", name="sp"),
        bind(4, "/e", DataType.Float, writable=True, format="json", array_length=3),
        bind(5, "/f", DataType.ByteString, writable=True, format="raw"),
        bind(6, "/g", DataType.Int32, writable=True, write_template={"set": "$value"}, read=False),
    ]
    assert coap.check(CONNECTION, tags) == []


def test_the_report_counts_requests_and_pushed_tags(bind: Bind) -> None:
    tags = [
        bind(0, "/w", observe=False, value="$.a"),
        bind(1, "/w", observe=False, value="$.b"),
        bind(2, "/slow", observe=False, rate_s=4.0),
        bind(3, "/seen", rate_s=10.0),
    ]
    report = coap.report(CONNECTION, tags)
    assert [(line.what, line.rate_s, line.tags) for line in report.requests] == [
        ("GET /w", 1.0, 2),
        ("GET /slow", 4.0, 1),
        ("Observe /seen", 10.0, 1),
    ]
    assert (report.requests_per_s, report.pushed_tags, report.load) == (1.25, 1, None)
    assert 100 < report.bytes_per_s < 200
