"""What node-opcua's alarm client sees and does; the cases are in alarms.mjs."""

from __future__ import annotations

from typing import Any


def test_an_alarm_appears_in_the_alarm_list(seen: Any) -> None:
    """Part 9, 5.5.2, 5.8.2 and 5.8.19: an exclusive alarm, then its worse limit."""
    first, second, condition = seen
    assert first == {
        "active": True, "acked": False, "confirmed": True, "retain": True, "severity": 500,
        "message": "Level is 91.5 %, limit 90", "effective": "Active | High", "comment": None, "user": "",
        "shelved": False,
    }  # fmt: skip
    assert (second["severity"], second["effective"]) == (800, "Active | HighHigh")
    assert second["message"] == "Level is 97 %, limit 95"
    assert condition == "ns=3;s=Cooling/Loop1/Tank/LevelLimits"


def test_an_alarm_list_that_comes_later_is_filled_by_a_refresh(seen: Any) -> None:
    """Part 9, 4.5 and 5.5.7."""
    assert seen == ["LevelLimits", "Tripped"]


def test_an_operator_acknowledges_confirms_and_comments(seen: Any) -> None:
    """Part 9, 5.5.6, 5.7.3, 5.7.4 and 5.13."""
    codes, acked, over = seen
    assert codes == ["Good", "BadConditionBranchAlreadyAcked", "Good", "Good"]
    assert (acked["acked"], acked["confirmed"], acked["comment"], acked["user"]) == (True, False, "seen it", "operator")
    assert (over["active"], over["confirmed"], over["retain"], over["comment"]) == (False, True, False, "done")


def test_an_operator_shelves_and_unshelves(seen: Any) -> None:
    """Part 9, 5.8.17."""
    codes, state, counts_down = seen
    assert codes == ["Good", "BadConditionAlreadyShelved", "Good", "BadConditionNotShelved"]
    assert state == "TimedShelved"
    assert counts_down


def test_all_that_waits_is_acknowledged_at_once(seen: Any) -> None:
    """Part 9, 5.5.3 and 5.7.3: a refresh gives the EventIds that are to be acknowledged."""
    assert seen == [[False, False], [True, True]]


def test_a_refresh_starts_and_ends_whatever_the_filter_is(seen: Any) -> None:
    """Part 9, 5.5.7, 5.11.2 and 5.11.3."""
    assert seen == ["Good", ["ns=0;i=2787", "ns=0;i=2788"]]
