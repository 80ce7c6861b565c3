"""Parameters in text."""

from __future__ import annotations

import pytest

from server.config.templates import Template, TemplateError, parse, parse_payload

VALUES = {"n": 7, "base": 100, "name": "V1", "on": True, "ratio": 1.5}


def fill(text: str) -> object:
    template = parse(text)
    return template.fill(VALUES) if isinstance(template, Template) else template


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{n}", 7),
        ("{base + n * 10}", 170),
        ("{(base - n) // 2 % 10}", 6),
        ("{-n}", -7),
        ("SN-{n}", "SN-7"),
        ("{n:03}", "007"),
        ("P{n:02}/{name}", "P07/V1"),
        ("{name}", "V1"),
        ("{on}", True),
        ("{ratio}", 1.5),
        ("is {on}", "is true"),
        ("{{n}}", "{n}"),
        ("{{{n}}}", "{7}"),
        ("plain", "plain"),
    ],
)
def test_a_template_gives_its_value_and_alone_keeps_its_type(text: str, value: object) -> None:
    filled = fill(text)
    assert filled == value
    assert type(filled) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "{", "a}", "{}", "{n.real}", "{n ** 2}", "{n / 2}", "{f(n)}", "{n[0]}", '{"on": 1}', "{n +}", "{1.5}", "{n:x}",
        "{n if n else 1}",
    ],
)  # fmt: skip
def test_only_whole_number_arithmetic_can_be_written(text: str) -> None:
    with pytest.raises(TemplateError):
        parse(text)


@pytest.mark.parametrize(
    "text", ["{name + 1}", "{on + 1}", "{ratio * 2}", "{n // (base - 100)}", "{n % 0}", "{name:03}"]
)
def test_arithmetic_with_anything_but_whole_numbers_says_so(text: str) -> None:
    with pytest.raises(TemplateError):
        fill(text)


def test_in_a_payload_only_the_parameters_are_filled() -> None:
    template = parse_payload('{"id": "p{n}", "set": {"v": {value}}}', frozenset({"n"}))
    assert isinstance(template, Template)
    assert template.fill(VALUES) == '{"id": "p7", "set": {"v": {value}}}'
    assert parse_payload('{"v": {value}}', frozenset({"n"})) == '{"v": {value}}'
