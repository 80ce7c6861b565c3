"""What node-opcua sees of the MonitoredItem Service Set; the cases are in monitored_items.mjs."""

from __future__ import annotations

from typing import Any


def test_each_item_has_its_own_status(seen: Any) -> None:
    """Part 4, 5.12.2.4 and 7.22; Part 8, 6.2: node, attribute, filter, IndexRange. AggregateFilters
    are not offered: BadMonitoredItemFilterUnsupported."""
    assert seen == [
        "Good", "BadNodeIdUnknown", "BadAttributeIdInvalid", "BadAttributeIdInvalid", "BadDeadbandFilterInvalid",
        "BadDeadbandFilterInvalid", "BadFilterNotAllowed", "BadFilterNotAllowed", "BadFilterNotAllowed",
        "BadFilterNotAllowed", "BadMonitoredItemFilterUnsupported", "BadIndexRangeInvalid",
    ]  # fmt: skip


def test_requests_that_are_wrong_as_a_whole_are_faults(seen: Any) -> None:
    """Part 4, 5.12.2.3, 5.12.3.3, 5.12.4.3, 5.12.5.3 and 5.12.6.3."""
    assert seen == ["BadNothingToDo", "BadSubscriptionIdInvalid", *["BadNothingToDo"] * 4]


def test_intervals_and_queues_are_revised(seen: Any) -> None:
    """Part 4, 7.21: -1 is the publishing interval, 0 the fastest; a queue of 0 is one of 1; both within limits."""
    assert seen[0] == [500, 1]
    assert seen[1] == [10, 1]
    assert 123 <= seen[2][0] <= 200
    assert seen[2][1] == 10
    assert seen[3] == [24 * 3_600_000, 1_000]


def test_a_deadband_holds_against_the_last_reported_value(seen: Any) -> None:
    """Part 4, 7.22.2: more than the deadband away from what was reported, however slowly it went there."""
    assert seen == [10, 12.1, 10]


def test_a_percent_deadband_is_of_the_eu_range(seen: Any) -> None:
    """Part 8, 6.2: 5 % of 0 to 100."""
    assert seen == [10, 15.1, 20.2]


def test_the_trigger_decides_what_is_a_change(seen: Any) -> None:
    """Part 4, 7.10: Status, StatusValue, StatusValueTimestamp."""
    after = ["2 Uncertain", "- Bad", "2 Good"]
    assert seen == [
        ["1 Good", *after],
        ["1 Good", "2 Good", *after],
        ["1 Good", "1 Good", "2 Good", *after],
    ]


def test_a_full_queue_loses_by_its_policy_and_says_so(seen: Any) -> None:
    """Part 4, 5.12.1.5 and 7.39.1: discardOldest, and the Overflow bit, which a queue of one never shows."""
    assert seen == [
        [[3, True], [4, False], [5, False]],
        [[0, False], [1, False], [5, True]],
        [[5, False]],
    ]


def test_monitoring_modes(seen: Any) -> None:
    """Part 4, 5.12.1.3 and 5.12.4: disabled, sampling, reporting."""
    assert seen["first"] == [3]
    assert seen["set"] == [["Good", "BadMonitoredItemIdInvalid"], ["Good", "Good"]]
    assert sorted(seen["second"]) == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_a_triggered_item_reports_when_its_trigger_does(seen: Any) -> None:
    """Part 4, 5.12.1.6 and 5.12.5: SetTriggering."""
    assert seen["added"] == ["Good", "BadMonitoredItemIdInvalid"]
    assert sorted(seen["both"]) == [2, 50]
    assert seen["removed"] == ["Good", "BadMonitoredItemIdInvalid"]
    assert seen["one"] == [3]
    assert seen["unknown"] == "BadMonitoredItemIdInvalid"


def test_a_modified_item_takes_its_new_settings(seen: Any) -> None:
    """Part 4, 5.12.3: client handle, sampling interval, filter, queue and timestamps."""
    assert seen["revised"] == [20, 5]
    assert seen["told"] == [42, 7, False, False]
    assert seen["unknown"] == ["BadMonitoredItemIdInvalid"]
    assert seen["wrong"] == ["BadDeadbandFilterInvalid"]


def test_deleted_items_say_nothing_more(seen: Any) -> None:
    """Part 4, 5.12.6."""
    assert seen == [["Good", "BadMonitoredItemIdInvalid"], 0]


def test_several_attributes_of_one_node_are_monitored(seen: Any) -> None:
    """Part 4, 5.12.1.2: any attribute of any node."""
    assert seen == [1, "Level", 1, 2]


def test_what_cannot_be_read_now_is_told_in_the_notification(seen: Any) -> None:
    """Part 4, 5.12.2.1: missing rights and an IndexRange without data do not refuse the item."""
    assert seen == [["Good", "Good", "Good"], ["BadUserAccessDenied", "BadIndexRangeNoData", "Good"]]


def test_a_bad_value_is_null_and_keeps_its_status(seen: Any) -> None:
    """Part 4, 7.11."""
    assert seen == [None, "BadTimeout", True]


def test_fifty_thousand_items_are_made_in_calls_of_a_thousand(seen: Any) -> None:
    """Part 4, 5.12.2: in under 3 s altogether, node-opcua's own work included, and each reports; times
    in which one of both waited for a processor that other work had do not count."""
    assert (seen["good"], seen["told"]) == (50_000, 50_000)
    assert seen["took"] < 3_000
