"""Topic filters: which are valid, and what they match."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.topic import TopicTable, filter_problem, topic_problem


def matches(topic_filter: str, topic: str) -> bool:
    table: TopicTable[str] = TopicTable()
    table.add(topic_filter, topic_filter)
    return table.match(topic) == [topic_filter]


@pytest.mark.parametrize(
    "valid", ["a", "/", "a/b", "+", "#", "a/+/b", "a/#", "+/+/#", "/a", "a//b", "$SYS/#", "ä ö", "$share/g/a/+/#"]
)
def test_valid_filters_have_no_problem(valid: str) -> None:
    assert filter_problem(valid) == ""


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("", "empty"),
        ("a/#/b", "last level"),
        ("a#", "last level"),
        ("##", "last level"),
        ("a/b+", "whole level"),
        ("++/a", "whole level"),
        ("a\0b", "null"),
        ("x" * 65_536, "65535 bytes"),
        ("$share/group", "like"),
        ("$share/g+/a", "like"),
        ("$share//a", "like"),
        ("$share/g/a/#/b", "last level"),
    ],
)
def test_wrong_filters_are_told_why(wrong: str, says: str) -> None:
    assert says in filter_problem(wrong)


@pytest.mark.parametrize("wrong", ["", "a/+", "#", "a+b", "a\0"])
def test_wrong_topics_to_publish_to_are_told_why(wrong: str) -> None:
    assert topic_problem(wrong)
    assert topic_problem("a/b") == ""


@pytest.mark.parametrize(  # examples of MQTT 5, 4.7
    ("topic_filter", "topic", "match"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/tennis/player1/#", "sport/tennis/player2", False),
        ("sport/#", "sport", True),
        ("sport/tennis/+", "sport/tennis/player1", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/monitor", False),
        ("+/monitor", "$SYS/monitor", False),
        ("$SYS/#", "$SYS/monitor", True),
        ("$SYS/+", "$SYS/monitor", True),
        ("ACCOUNTS", "accounts", False),
        ("a/b", "a/b", True),
        ("a/b", "a/b/", False),
    ],
)
def test_the_examples_of_the_standard(topic_filter: str, topic: str, match: bool) -> None:
    assert matches(topic_filter, topic) is match


_LEVEL = st.sampled_from(["", "a", "b", "$x"])


@given(st.lists(_LEVEL, min_size=1, max_size=4), st.lists(st.one_of(_LEVEL, st.just("+")), max_size=4), st.booleans())
def test_the_trie_says_what_the_rules_say(topic: list[str], levels: list[str], rest: bool) -> None:
    pattern = [*levels, "#"] if rest or not levels else levels
    prefix = pattern[:-1] if pattern[-1] == "#" else pattern
    expected = len(topic) >= len(prefix) if pattern[-1] == "#" else len(topic) == len(prefix)
    expected = expected and all(want in ("+", is_) for want, is_ in zip(prefix, topic, strict=False))
    expected = expected and not (topic[0].startswith("$") and pattern[0] in ("+", "#"))
    assert matches("/".join(pattern), "/".join(topic)) is expected


def test_all_items_of_all_matching_filters_are_found() -> None:
    table: TopicTable[int] = TopicTable()
    for item, topic_filter in enumerate(["a/b", "a/b", "a/+", "#", "+/b", "a/b/#", "c"]):
        table.add(topic_filter, item)
    assert sorted(table.match("a/b")) == [0, 1, 2, 3, 4, 5]
    assert table.match("nowhere/at/all") == [3]


def test_matching_does_not_slow_down_with_the_number_of_filters() -> None:
    def cost(filters: int) -> float:
        table: TopicTable[int] = TopicTable()
        for item in range(filters):
            table.add(f"plant/{item}/+/value", item)
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            for item in range(200):
                assert table.match(f"plant/{item % filters}/x/value") == [item % filters]
            best = min(best, time.perf_counter() - start)
        return best

    assert cost(20_000) < 5 * cost(20)
