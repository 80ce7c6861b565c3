"""What node-opcua sees of the Method Service Set; the cases are in methods.mjs."""

from __future__ import annotations

from typing import Any


def test_a_method_computes(seen: Any) -> None:
    """Part 4, 5.11.2."""
    assert seen == ["Good", 4.0, "Double"]


def test_each_call_has_its_own_status(seen: Any) -> None:
    """Part 4, 5.11.2.4: object, method, number and types of arguments, rights; inputArgumentResults only for
    BadInvalidArgument."""
    assert seen["statuses"] == [
        "Good", "BadArgumentsMissing", "BadTooManyArguments", "BadInvalidArgument", "BadNodeIdUnknown",
        "BadMethodInvalid", "BadMethodInvalid", "BadMethodInvalid", "BadUserAccessDenied",
    ]  # fmt: skip
    assert seen["arguments"] == [[], [], [], ["BadTypeMismatch", "BadTypeMismatch"], [], [], [], [], []]
    assert (seen["nothing"], seen["many"]) == ("BadNothingToDo", "BadTooManyOperations")


def test_a_command_is_for_operators(seen: Any) -> None:
    """Part 3, 5.7: UserExecutable is enforced by Call."""
    assert seen["statuses"] == ["Good"]
    assert seen["commands"] == [["Start", [], "operator"]]


def test_arguments_are_described(seen: Any) -> None:
    """Part 3, 5.7: InputArguments and OutputArguments."""
    assert seen == [[["Numbers", "ns=0;i=11", 1], ["Scale", "ns=0;i=11", -1]], [["Mean", "ns=0;i=11", -1]]]


def test_a_slow_call_delays_nobody(seen: Any) -> None:
    """Part 4, 5.11.2.1: other requests of the same client are answered while a method runs."""
    assert seen == ["Good", "Good", False, ["Good"]]
