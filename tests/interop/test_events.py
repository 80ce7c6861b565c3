"""What node-opcua sees of events; the cases are in events.mjs. Where clauses are asked for three events: "minor"
(Severity 100), "major" (800), and "a write" (500) of a type with an AttributeId, which is 13."""

from __future__ import annotations

from typing import Any

MINOR, MAJOR, WRITE = "minor", "major", "a write"


def test_events_reach_every_notifier_above(seen: Any) -> None:
    """Part 3, 4.7 and 7.17: the twin whose tag it is, those above it, the folder Twins and the Server object; neither
    those below nor those beside it."""
    assert seen["made"] == ["Good"] * 7
    assert seen["heard"] == [1, 2, 3, 4, 5]
    assert seen["fields"] == ["too fast", "Speed", 700]


def test_the_base_fields_are_filled(seen: Any) -> None:
    """Part 5, 6.4.2: BaseEventType."""
    assert seen == [
        True, "ns=0;i=2130", "ns=3;s=Cooling/Loop1/Pump1", "Pump1", True, True, "it happened", 300,
    ]  # fmt: skip


def test_fields_an_event_does_not_have_are_null(seen: Any) -> None:
    """Part 4, 7.22.3: select clauses over subtypes."""
    assert seen == ["Good", [["plain", None, None], ["write", 13, None]]]


def test_a_filter_is_checked_clause_by_clause(seen: Any) -> None:
    """Part 4, 7.22.3 and 7.7.2: EventFilterResult; an item with a wrong where clause is not made, one with some wrong
    select clauses is. InView and RelatedTo are not offered: BadFilterOperatorUnsupported."""
    select, none, count, operand, view, self_, beyond, related = seen
    assert select == [
        "Good", ["Good", "BadNodeIdUnknown", "BadTypeDefinitionInvalid", "BadAttributeIdInvalid"], [],
    ]  # fmt: skip
    assert none[0] == "BadEventFilterInvalid"
    assert [one[0] for one in seen[2:]] == ["BadEventFilterInvalid"] * 6
    assert count[2] == ["BadFilterOperandCountMismatch"]
    assert operand[2] == self_[2] == beyond[2] == ["BadFilterOperandInvalid"]
    assert view[2] == related[2] == ["BadFilterOperatorUnsupported"]


def test_equals(seen: Any) -> None:
    """Part 4, 7.7.3: Equals."""
    assert seen == [[MAJOR], [WRITE]]


def test_is_null(seen: Any) -> None:
    """Part 4, 7.7.3: IsNull."""
    assert seen == [MINOR, MAJOR]


def test_greater_and_less(seen: Any) -> None:
    """Part 4, 7.7.3: GreaterThan, LessThan, GreaterThanOrEqual, LessThanOrEqual."""
    assert seen == [[MAJOR], [MINOR], [MAJOR, WRITE], [MINOR, WRITE]]


def test_like(seen: Any) -> None:
    """Part 4, 7.7.3: Like, with wildcards and sets."""
    assert seen == [[MINOR, MAJOR], [MAJOR], [WRITE], [MINOR, MAJOR]]


def test_not(seen: Any) -> None:
    """Part 4, 7.7.3: Not; of what is null, it is null, and the event does not pass."""
    assert seen == [[MINOR, WRITE], []]


def test_between(seen: Any) -> None:
    """Part 4, 7.7.3: Between, both ends included."""
    assert seen == [MINOR, WRITE]


def test_in_list(seen: Any) -> None:
    """Part 4, 7.7.3: InList."""
    assert seen == [MINOR, MAJOR]


def test_and_or(seen: Any) -> None:
    """Part 4, 7.7.3: And, Or over ElementOperands."""
    assert seen == [[WRITE], [MINOR, MAJOR, WRITE]]


def test_of_type(seen: Any) -> None:
    """Part 4, 7.7.3: OfType, subtypes included."""
    assert seen == [[MINOR, MAJOR], [WRITE], [MINOR, MAJOR, WRITE]]


def test_cast(seen: Any) -> None:
    """Part 4, 7.7.3: Cast."""
    assert seen == [MAJOR]


def test_bitwise(seen: Any) -> None:
    """Part 4, 7.7.3: BitwiseAnd, BitwiseOr."""
    assert seen == [[WRITE], [MAJOR]]


def test_a_full_queue_says_that_events_are_lost(seen: Any) -> None:
    """Part 4, 5.12.1.5: EventQueueOverflowEventType, in front of the oldest kept or behind the last."""
    assert seen == [["overflow", "event 3", "event 4"], ["event 0", "event 1", "overflow"]]


def test_what_is_no_notifier_is_refused(seen: Any) -> None:
    """Part 4, 5.12.2.4: no such node, no such attribute, a node without events, no filter."""
    assert seen == ["BadNodeIdUnknown", "BadAttributeIdInvalid", "BadNotSupported", "BadEventFilterInvalid"]
