"""What an optimisation is told in words: objectives, constraints and variables, and what is wrong with them."""

from __future__ import annotations

import math

import pytest

from analytics.simulation.constraints import Constraint, constraint_of
from analytics.simulation.electric import totals
from analytics.simulation.objective import Objective, Part, UnknownName, Unreadable, parsed
from analytics.simulation.parts import part_of
from analytics.simulation.system import System
from analytics.simulation.vocabulary import Vocabulary, vocabulary
from analytics.simulation.wiring import ModelUse, Source, Term

WORDS = Vocabulary(
    frozenset({"Power", "Pump-1/Power", "Pump/Flow", "2nd/Flow", "Pump:head"}),
    frozenset({"Speed"}),
    frozenset({"Energy(Power)", "Mean(Power)", "Energy(Pump-1/Power)", "cop(Chiller)", "Mean(Pump/Flow)"}),
)


@pytest.mark.parametrize(
    ("text", "sign", "parts"),
    [
        ("min Energy(Power)", 1.0, [(1.0, "Energy(Power)")]),
        ("  MAX cop(Chiller) ", -1.0, [(1.0, "cop(Chiller)")]),
        ("min 0.25*Energy(Power) - 0.02*Pump/Flow", 1.0, [(0.25, "Energy(Power)"), (-0.02, "Mean(Pump/Flow)")]),
        ("min -Power + 2 * 3e-1 * Energy(Pump-1/Power)", 1.0, [(-1.0, "Mean(Power)"), (0.6, "Energy(Pump-1/Power)")]),
        ("min Power*.5-Pump-1/Power", 1.0, [(0.5, "Mean(Power)"), (-1.0, "Mean(Pump-1/Power)")]),
        ("max 2*2nd/Flow+Pump:head", -1.0, [(2.0, "Mean(2nd/Flow)"), (1.0, "Mean(Pump:head)")]),
    ],
)
def test_an_objective_is_a_sum_of_figures_with_factors(text: str, sign: float, parts: list[tuple[float, str]]) -> None:
    found = parsed(text, WORDS)
    assert found.sign == sign
    assert [(pytest.approx(one.factor), one.figure) for one in found.parts] == parts


def test_an_empty_objective_leaves_the_choice() -> None:
    assert parsed("  ", WORDS) == Objective(1.0, ())
    assert Part(1.0, "x") not in parsed("", WORDS).parts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Energy(Power)", "begins with min or max"),
        ("min", "ends where a name is needed"),
        ("min 2", "a number alone changes nothing"),
        ("min 2*", "ends where a name is needed"),
        ("min Power Power", "at character 11 of the objective: + or - is needed"),
        ("min Power*Power", "only numbers can be factors"),
        ("min (Power)", '"(" has no place'),
        ("min Power / 2", "+ or - is needed"),
        ("min Speed", "none gives it"),
        ("min __import__('os')", "nothing is called"),
        ("min Enrgy(Power)", "did you mean Energy(Power)"),
        ("min Energy(Powr)", "did you mean Energy(Power)"),
        ("min 0.5*Pump/Flwo", "at character 9 of the objective: nothing is called"),
    ],
)
def test_what_is_wrong_with_an_objective_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=r".") as error:
        parsed(text, WORDS)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("Power <= 9", -math.inf, 9.0),
        ("Power>=-1.5e1", -15.0, math.inf),
        ("Pump/Flow 15..19", 15.0, 19.0),
        (" Pump/Flow  -2.5 .. 3 ", -2.5, 3.0),
        ("cop(Chiller) => 4", 4.0, math.inf),
        ("Speed < 2000", -math.inf, 2000.0),
    ],
)
def test_a_constraint_has_a_lower_or_an_upper_bound_or_both(text: str, low: float, high: float) -> None:
    found = constraint_of(text, WORDS)
    assert (found.low, found.high) == (low, high)
    assert constraint_of(found.text, WORDS) == found, "as it is shown it can be given"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Power", "is no constraint"),
        ("Power <= nine", "is no constraint"),
        ("Power <= 9 kW", "without a unit"),
        ("Power = 9", "is no constraint"),
        ("Power 19..15", "can never hold"),
        ("Pwer <= 9", "did you mean Power"),
        ("", "is no constraint"),
    ],
)
def test_what_is_wrong_with_a_constraint_is_said(text: str, said: str) -> None:
    with pytest.raises(Unreadable) as error:
        constraint_of(text, WORDS)
    assert said in str(error.value)
    assert isinstance(error.value, UnknownName) == ("mean" in said)


def test_a_margin_never_takes_more_than_the_middle() -> None:
    assert Constraint("Power", 1.0, 2.0).with_margin(3.0).margin == 0.5


def _pump(name: str) -> ModelUse:
    inputs = {"speed": Source((Term(f"Hall/{name}/Speed"),))}
    return ModelUse(f"Hall/{name}", "pump", "pump", {}, inputs, {"power": Term(f"Hall/{name}/Power", "", 0.001)})


def test_no_electric_power_counts_twice() -> None:
    """A meter over two pumps replaces them; a third pump counts beside it; heat and shaft power never do."""
    both = Source((Term("Hall/A/Power", "", 0.001), Term("Hall/B/Power", "", 0.001)), 4.0)
    total = ModelUse("Hall", "sum", "sum", {}, {"value": both}, {"total": Term("Hall/Power")})
    chiller = ModelUse("Hall/C", "chiller", "chiller", {}, {}, {"cooling": Term("Hall/C/Cooling")})
    heat = Source((Term("Hall/C/Cooling"),))
    load = ModelUse("Hall", "load", "sum", {}, {"value": heat}, {"total": Term("Hall/Load")})
    uses = [total, load, _pump("A"), _pump("B"), _pump("D"), chiller]
    system = System([part_of(use) for use in uses])
    units: dict[str, str | None] = {one.name: one.port.unit for one in system.signals}
    units |= {"Hall/Power": "KWT", "Hall/Load": "KWT"} | {f"Hall/{one}/Power": "WTT" for one in "ABD"}
    assert {one.name for one in totals(system, units)} == {"Hall/Power", "Hall/D/Power", "Hall/C:power"}
    words = vocabulary(uses, "Hall", units)
    assert {"Energy(Power)", "Mean(A/Power)", "cop(C)", "Energy(C:power)", "specific_energy(A)"} <= words.figures
    assert "A/Speed" in words.inputs
