"""History as node-opcua meets it; the cases are in history.mjs."""

from __future__ import annotations

from typing import Any

from analytics.aggregates import AGGREGATES

INTERPOLATED = 2


def test_raw_values_are_drawn_with_their_bounds(seen: Any) -> None:
    """Part 11, 4.6 and 6.5.3.2: forward with bounds, backward without, and GoodNoData; a Bad value is null."""
    forward, backward, none = seen
    assert forward == [
        ["05:00:00", 0, "Good"], ["05:02:00", 2, "Good"], ["05:03:00", None, "BadNoCommunication"],
        ["05:04:00", 4, "Good"], ["05:06:00", 6, "Good"],
    ]  # fmt: skip
    assert backward == ["05:04:00", "05:03:00", "05:02:00"]
    assert none == "GoodNoData"


def test_pages_follow_each_other(seen: Any) -> None:
    """Part 11, 6.3: continuation points."""
    assert seen == [["05:00:00", "05:02:00"], ["05:03:00", "05:04:00"], ["05:06:00"]]


def test_values_at_times(seen: Any) -> None:
    """Part 11, 6.5.5.2: in between, Interpolated; at a stored value, Raw."""
    assert seen == [["05:01:00", 1, INTERPOLATED], ["05:02:00", 2, 0], ["05:05:00", 5, INTERPOLATED]]


def test_aggregates(seen: Any) -> None:
    """Part 11, 6.5.4.2; Part 13, 5.4.3: intervals, several aggregates of one node, and what is refused."""
    assert seen["average"] == [["05:00:00", 0], ["05:02:00", 2], ["05:04:00", 4]]
    count, percent = seen["both"]
    assert count == 3
    assert 80 < percent < 90, "one minute of six is Bad"
    assert (seen["unknown"], seen["text"]) == ("BadAggregateNotSupported", "BadHistoryOperationUnsupported")


def test_engineers_change_the_past(seen: Any) -> None:
    """Part 11, 6.9.2, 6.9.5 and 6.5.3.3."""
    inserted, again, replaced = seen["seen"]
    assert inserted == ["GoodEntryInserted"] * 2
    assert (again, replaced) == (["BadEntryExists"], ["GoodEntryReplaced", "BadNoEntryExists"])
    assert [1, 2, "engineer"] in seen["old"]
    assert (seen["deleted"], seen["left"]) == ("Good", [["07:01:00", 2]])


def test_others_do_not(seen: Any) -> None:
    """Part 3, 8.57: HistoryWrite is for engineers and administrators."""
    assert seen == "BadUserAccessDenied"


def test_past_events(seen: Any) -> None:
    """Part 11, 6.5.2: the latest first, at the twin they happened at."""
    assert seen == [["past two", "Pump1"], ["past one", "Pump1"]]


def test_what_is_kept_is_found_by_browsing(seen: Any) -> None:
    """Part 11, 5.2.2 to 5.2.4 and 5.3.2: HA Configuration, Stepped, AggregateFunctions; HistoryRead and Historizing."""
    assert seen["name"] == "HA Configuration"
    assert {"Stepped", "AggregateConfiguration", "AggregateFunctions", "StartOfArchive"} <= set(seen["parts"])
    assert seen["values"] == [False, True]
    assert (seen["functions"], seen["average"]) == (len(AGGREGATES), True)
    assert seen["bits"] == [0b1101, 0b0101, True]


def test_capabilities_are_told(seen: Any) -> None:
    """Part 11, 5.6: HistoryServerCapabilities, true and false as they are, and every aggregate."""
    assert seen == [True, True, True, False, 100_000, len(AGGREGATES)]
