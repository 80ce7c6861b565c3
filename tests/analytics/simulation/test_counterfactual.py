"""What would be taken with other setpoints, and whether models follow the plant."""

from __future__ import annotations

import pytest

from analytics.errors import NotAvailable
from analytics.simulation.counterfactual import run
from analytics.simulation.following import drifted
from analytics.simulation.misfit import Misfit
from analytics.simulation.wiring import ModelUse, Source, Term

PUMPS = tuple(
    ModelUse(
        f"Hall/{name}",
        "pump",
        "pump",
        {"shutoff": 52.0, "rated_speed": 3000.0},
        {"speed": Source((Term(f"Hall/{name}/Speed", command=f"Hall/{name}/Setpoint"),))},
        {"power": Term(f"Hall/{name}/Power")},
    )
    for name in "AB"
)
TOTAL = ModelUse(
    "Hall",
    "sum",
    "sum",
    inputs={"value": Source(tuple(Term(f"Hall/{name}/Power") for name in "AB"), 1.0)},
    outputs={"total": Term("Hall/Total")},
)
PRESENT = {"Hall/A/Speed": 1000.0, "Hall/B/Speed": 2000.0}
UNITS = {"Hall/A/Power": "KWT", "Hall/B/Power": "KWT", "Hall/Total": "KWT"}
SPEED = "Hall/A/Speed"


def asked(before: float, now: float, **more: object) -> tuple[float, float]:
    given = {"uses": (TOTAL, *PUMPS), "present": PRESENT, "units": UNITS} | more
    power_before, power_now, _, valid, reason = run(
        {}, None, 0, twin="Hall", before={SPEED: before}, now={SPEED: now}, **given  # type: ignore[arg-type]
    )  # fmt: skip
    assert (valid, reason) == (True, "")
    return power_before, power_now


def test_power_is_counted_once_though_a_meter_adds_it_up() -> None:
    before, now = asked(2000.0, 1000.0)
    alone = asked(2000.0, 1000.0, uses=PUMPS)
    assert before - now == pytest.approx(alone[0] - alone[1])
    assert before == pytest.approx(alone[0] + 1.0), "the meter has a kilowatt of its own"
    assert asked(1500.0, 1500.0)[0] == pytest.approx(asked(1500.0, 1500.0)[1])


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"present": {SPEED: 1000.0}}, "no Good value of B/Speed"),
        ({"before_speed": 400.0}, "beyond their validity: A/Speed"),
    ],
)
def test_it_says_why_it_cannot_be_known(more: dict[str, object], why: str) -> None:
    before = float(str(more.pop("before_speed", 2000.0)))
    with pytest.raises(NotAvailable, match=why):
        asked(before, 1000.0, **more)


@pytest.mark.parametrize(
    ("rmse", "bias", "persistence", "mean", "lost"),
    [
        (0.5, 0.4, 0.1, 10.0, False),
        (1.5, -1.2, 2.0, 10.0, True),
        (1.5, 0.2, 1.0, 10.0, True),
        (1.5, 0.2, 2.0, 10.0, False),
        (0.3, 0.3, 0.0, 0.0, False),
        (2.0, 2.0, 0.0, 0.0, True),
    ],
)
def test_a_model_is_lost_by_the_size_of_its_error(
    rmse: float, bias: float, persistence: float, mean: float, lost: bool
) -> None:
    """The range is 100, so that an error below 1 is none at all."""
    assert bool(drifted("Power", Misfit(rmse, bias, persistence, mean, 100), 100.0)) is lost
