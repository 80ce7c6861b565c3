"""What node-opcua sees of the View Service Set; the cases are in view.mjs."""

from __future__ import annotations

from typing import Any


def test_the_plant_is_found_by_browsing(seen: Any) -> None:
    """Part 4, 5.8.2."""
    objects, pump = seen
    assert {"Server", "Twins", "Connections"} <= set(objects)
    assert {"Telemetry", "Commands", "Analytics", "DriveEndBearing"} <= set(pump)


def test_pages_give_every_reference_once(seen: Any) -> None:
    """Part 4, 5.8.2.2 and 5.8.3: requestedMaxReferencesPerNode holds for each page."""
    assert all(0 < len(page) <= 3 for page in seen["paged"])
    assert [name for page in seen["paged"] for name in page] == seen["whole"]


def test_continuation_points_end(seen: Any) -> None:
    """Part 4, 5.8.3 and 7.9: with their use, with their release, and at the borders of their session."""
    invalid = ["BadContinuationPointInvalid"]
    assert (seen["used"], seen["released"], seen["other"]) == (invalid, invalid, invalid)
    assert seen["release"] == ["Good"]
    assert seen["empty"]["fault"] == "BadNothingToDo"


def test_continuation_points_are_limited(seen: Any) -> None:
    """Part 4, 7.9 and Part 5, 6.3.2: MaxBrowseContinuationPoints; the nodes beyond it get BadNoContinuationPoints."""
    limit = seen["limit"]
    assert seen["statuses"] == ["Good"] * limit + ["BadNoContinuationPoints"] * (60 - limit)


def test_filters_and_masks_are_obeyed(seen: Any) -> None:
    """Part 4, 5.8.2.2: browseDirection, referenceTypeId with and without subtypes, nodeClassMask, resultMask."""
    assert seen["classes"] == [1]
    assert seen["inverse"]
    assert not any(seen["inverse"])
    assert (seen["typed"], seen["none"]) == (1, 0)
    assert {(name, text, kind) for name, text, kind in seen["bare"]} == {(None, None, 0)}


def test_wrong_descriptions_have_their_own_status(seen: Any) -> None:
    """Part 4, 5.8.2.4."""
    assert seen == ["Good", "BadNodeIdUnknown", "BadReferenceTypeIdInvalid", "BadReferenceTypeIdInvalid"]


def test_views_nothing_and_too_much_are_faults(seen: Any) -> None:
    """Part 4, 5.8.2.3: Views are not offered: BadViewIdUnknown."""
    assert seen == ["BadNothingToDo", "BadViewIdUnknown", "BadTooManyOperations"]


def test_browse_paths_lead_to_nodes(seen: Any) -> None:
    """Part 4, 5.8.4."""
    assert seen == [["Good", "ns=0;i=2259"], ["Good", "ns=3;s=Cooling/Loop1/Pump1/Speed"]]


def test_browse_paths_that_lead_nowhere_say_why(seen: Any) -> None:
    """Part 4, 5.8.4.3 and 5.8.4.4: also inverse, and without subtypes."""
    assert seen["statuses"] == [
        "Good", "BadNoMatch", "BadNodeIdUnknown", "BadNothingToDo", "BadBrowseNameInvalid", "Good", "BadNoMatch",
    ]  # fmt: skip
    assert seen["nothing"] == "BadNothingToDo"


def test_registered_nodes_read_as_before(seen: Any) -> None:
    """Part 4, 5.8.5 and 5.8.6: a handle stands for its node until it is given back; unknown NodeIds are handed back."""
    assert seen["after"] == seen["before"]
    assert seen["shorter"]
    assert seen["gone"] == "BadNodeIdUnknown"
    assert seen["nothing"] == "BadNothingToDo"
