"""What may be written at all."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.data_types import DataType, value_range
from drivers.status import Status
from server.commands.limits import CommandRefused, accept
from server.config.plant import CommandRules, Tag


def tag(data_type: DataType, **rest: object) -> Tag:
    return Tag(0, "X", "Pump/X", data_type, **rest)  # type: ignore[arg-type]


def rules(limits: tuple[float, float] | None = None, clamp: bool = False) -> CommandRules:
    return CommandRules(limits, clamp, "acknowledge", 0.0, 1.0)


def refusal(data_type: DataType, value: object, **rest: object) -> Status:
    limits = rest.pop("limits", None)
    with pytest.raises(CommandRefused) as caught:
        accept(tag(data_type, **rest), rules(limits), value)  # type: ignore[arg-type]
    return caught.value.status


WRONG_TYPES = [
    (DataType.Boolean, 1),
    (DataType.Boolean, "true"),
    (DataType.Int32, True),
    (DataType.Int32, 1.0),
    (DataType.Int32, "1"),
    (DataType.Double, True),
    (DataType.Double, "1.0"),
    (DataType.Double, None),
    (DataType.Double, [1.0]),
    (DataType.String, 5),
    (DataType.String, b"on"),
    (DataType.ByteString, "on"),
    (DataType.DateTime, 1.5),
]


@pytest.mark.parametrize(("data_type", "value"), WRONG_TYPES)
def test_a_value_of_another_type_is_a_type_mismatch(data_type, value):
    assert refusal(data_type, value) is Status.BadTypeMismatch


@pytest.mark.parametrize("data_type", [DataType.Float, DataType.Double])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_out_of_range_and_not_clamped(data_type, value):
    assert refusal(data_type, value) is Status.BadOutOfRange
    with pytest.raises(CommandRefused):
        accept(tag(data_type), rules((0, 10), clamp=True), value)


@pytest.mark.parametrize("data_type", [kind for kind in DataType if value_range(kind)])
def test_what_the_type_cannot_hold_is_out_of_range_and_its_ends_are_not(data_type):
    lowest, highest = value_range(data_type)
    assert accept(tag(data_type), rules(), lowest) == (lowest, Status.Good)
    assert accept(tag(data_type), rules(), highest) == (highest, Status.Good)
    beyond = highest * 1.001 if isinstance(highest, float) else highest + 1
    assert refusal(data_type, beyond) is Status.BadOutOfRange


@given(st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers_pass_unchanged(value):
    assert accept(tag(DataType.Int64), rules(), value) == (value, Status.Good)
    assert accept(tag(DataType.Int64), rules(), np.int64(value)) == (value, Status.Good)


def test_a_state_that_does_not_exist_is_out_of_range():
    states = ("Off", "Manual", "Automatic")
    assert accept(tag(DataType.UInt16, states=states), rules(), 2) == (2, Status.Good)
    assert refusal(DataType.UInt16, 3, states=states) is Status.BadOutOfRange
    assert refusal(DataType.Int16, -1, states=states) is Status.BadOutOfRange


def test_limits_belong_to_what_is_allowed():
    for value in (0.0, 3000.0, 12):
        assert accept(tag(DataType.Float), rules((0.0, 3000.0)), value) == (value, Status.Good)
    assert refusal(DataType.Float, 3000.5, limits=(0.0, 3000.0)) is Status.BadOutOfRange
    assert refusal(DataType.Float, -0.5, limits=(0.0, 3000.0)) is Status.BadOutOfRange


def test_a_single_precision_value_at_a_limit_is_not_beyond_it():
    limit = 0.1
    written = float(np.float32(0.1))
    assert written > limit
    assert accept(tag(DataType.Float), rules((0.0, limit)), written) == (written, Status.Good)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_a_clamped_value_lies_within_the_limits_and_says_so(value, lowest, width):
    highest = lowest + width
    accepted, status = accept(tag(DataType.Double), rules((lowest, highest), clamp=True), value)
    assert lowest <= accepted <= highest
    assert status is (Status.Good if lowest <= value <= highest else Status.GoodClamped)
    assert accepted == value or status is Status.GoodClamped


def test_a_whole_number_is_clamped_to_a_whole_number_within():
    assert accept(tag(DataType.Int16), rules((0.5, 10.5), clamp=True), 50) == (10, Status.GoodClamped)
    assert accept(tag(DataType.Int16), rules((0.5, 10.5), clamp=True), 0) == (1, Status.GoodClamped)


def test_arrays_are_checked_element_by_element():
    curve = tag(DataType.Float, array_length=3)
    accepted, status = accept(curve, rules((0.0, 10.0), clamp=True), [1, 20.0, 3])
    assert (accepted.tolist(), accepted.dtype, status) == ([1, 10, 3], np.float32, Status.GoodClamped)
    assert refusal(DataType.Float, [1.0, 2.0], array_length=3) is Status.BadOutOfRange
    assert refusal(DataType.Float, 1.0, array_length=3) is Status.BadTypeMismatch
    assert refusal(DataType.Float, "abc", array_length=3) is Status.BadTypeMismatch
    assert refusal(DataType.Int16, np.array([1.0, 2.0, 3.0]), array_length=3) is Status.BadTypeMismatch
    assert accept(tag(DataType.String, array_length=2), rules(), ["a", "b"]) == (["a", "b"], Status.Good)
