"""TrainFleet: which twins, with which arguments, and what is wrong with them."""

from __future__ import annotations

import pytest

from analytics.arguments import Context, Fleet, Part
from analytics.catalog import CATALOG
from analytics.errors import BAD_NO_MATCH, BAD_TYPE_MISMATCH, ArgumentError
from tests.simulators.courses import MEASURED, NOW, SPEED

PARTS = (
    Part("Loop1", "system"),
    Part("Loop1/Pump1", "asset", "Pump"),
    Part("Loop1/Pump2", "asset", "Pump"),
    Part("Tank", "asset", "Tank"),
)
SIGNALS = tuple(f"Loop1/{pump}/{name}" for pump in ("Pump1", "Pump2") for name in (*MEASURED, SPEED))
PLANT = Context((*SIGNALS, "Tank/Level"), NOW, twin="Cooling", scope="process", parts=PARTS)


def plan(*arguments: object) -> Fleet:
    function = CATALOG["TrainFleet"]
    assert function.plan is not None
    planned = function.plan(arguments, PLANT)
    assert isinstance(planned, Fleet)
    return planned


def test_all_twins_of_a_type_are_trained_with_the_same_arguments() -> None:
    fleet = plan("Anomaly", "Pump", [], [SPEED], None, None, ["Margin=2"])
    assert fleet == Fleet(
        "TrainModel", ("Loop1/Pump1", "Loop1/Pump2"), ("Anomaly", [], [SPEED], None, None, [], ["Margin=2"])
    )


@pytest.mark.parametrize(
    ("arguments", "index", "status", "words"),
    [
        (("Anomaly", "Fan", [], [], None, None, []), 1, BAD_NO_MATCH, 'no twin of type "Fan" below; there are Pump, T'),
        (("Anomaly", 3, [], [], None, None, []), 1, BAD_TYPE_MISMATCH, "Type is text"),
        (("Anomly", "Pump", [], [], None, None, []), 0, BAD_NO_MATCH, "cannot be trained here"),
        (("Anomaly", "Pump", ["Level"], [], None, None, []), 2, BAD_NO_MATCH, "no numeric signal"),
        (("Anomaly", "Pump", [], ["Level"], None, None, []), 3, BAD_NO_MATCH, "no numeric signal"),
        (("Anomaly", "Pump", [], [], "now", None, []), 4, BAD_TYPE_MISMATCH, "DateTime"),
        (("Anomaly", "Pump", [], [], None, None, ["Colour=red"]), 6, BAD_NO_MATCH, "no option"),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple[object, ...], index: int, status: int, words: str) -> None:
    with pytest.raises(ArgumentError, match=words) as caught:
        plan(*arguments)
    assert (caught.value.index, caught.value.status) == (index, status)


def test_systems_and_processes_with_typed_twins_have_it() -> None:
    needs = CATALOG["TrainFleet"].needs
    assert needs(PLANT)
    assert not needs(Context(SIGNALS, 0, scope="asset", parts=PARTS))
    assert not needs(Context(SIGNALS, 0, scope="system", parts=PARTS[:1]))
    assert not needs(Context((), 0, scope="system", parts=PARTS))
