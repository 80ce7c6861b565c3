"""Methods under the folders of `Plant.services`: what can be done to parts of the bridge itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from analytics.function import Access, ArgumentType
from drivers.data_types import DataType
from server.address_space.method_views import ONE_DIMENSION, Argument, MethodView
from server.config.diagnostics import RULES, SCENARIOS

_RULE: Final = "YAML as in the section rules of the plant file: HighLoad: {input: Hall/Motor1/Load, high: 90}"
_REASON: Final = Argument("Reason", DataType.String, description="Why not; empty where it was done")
_ADD: Final = MethodView(
    "AddRule",
    "Evaluate a rule from now on, also after a restart",
    (Argument("Rule", DataType.String, description=_RULE),),
    (Argument("Paths", DataType.String, ONE_DIMENSION, "NodeIds of the alarms it makes"), _REASON),
    Access.engineer,
)
_TEST: Final = MethodView(
    "TestRule",
    "What a rule would have done in the past; nothing is changed",
    (
        Argument("Rule", DataType.String, description=f"The path of an alarm, or {_RULE}"),
        Argument("Start", DataType.DateTime, description="From when on"),
        Argument("End", DataType.DateTime, description="Until when"),
    ),
    (
        Argument("Alarms", DataType.UInt32, description="How often an alarm would have become active"),
        Argument("AlarmsPerDay", DataType.Double, description="On the average"),
        Argument("ActiveTime", DataType.Double, description="How long in all", unit="SEC"),
        Argument("LongestTime", DataType.Double, description="How long at most", unit="SEC"),
        Argument("Readings", DataType.UInt32, description="How many there are in that time"),
        _REASON,
    ),
    Access.engineer,
)
_REMOVE: Final = MethodView(
    "RemoveRule",
    "Evaluate a rule that was added no more",
    (Argument("Rule", DataType.String, description="Its name, or the path of one of its alarms"),),
    (_REASON,),
    Access.engineer,
)
_LIST: Final = MethodView(
    "ListRules",
    "All alarms",
    (),
    (
        Argument("Paths", DataType.String, ONE_DIMENSION, "Their NodeIds"),
        Argument("Conditions", DataType.String, ONE_DIMENSION, "When each becomes active"),
        Argument("Added", DataType.Boolean, ONE_DIMENSION, "Whether its rule was added while running"),
    ),
)
_ID: Final = Argument("ScenarioId", DataType.String, description="Name of the scenario")
_NAMES: Final = Argument(
    "Names",
    DataType.String,
    ONE_DIMENSION,
    "Inputs that are held: tags, commands and ports as for Simulate; the tag of a state says where it begins",
)
_VALUES: Final = Argument("Values", DataType.Double, ONE_DIMENSION, "Of each, in the unit of the tag or port")
_SPEED: Final = Argument(
    "Speed", DataType.Double, description="Simulated seconds in a second; 1: real time, 0: it is paused"
)
_CREATE: Final = MethodView(
    "CreateScenario",
    "Copy a twin or the whole plant; the copy is fed by its models, and nothing that is done to it reaches the plant",
    (
        Argument("Twin", DataType.String, description="Path or NodeId of the twin; empty: the whole plant"),
        Argument("Name", DataType.String, description="Of the scenario; empty: a number"),
        _NAMES,
        _VALUES,
        _SPEED,
        Argument(
            "MaxAge",
            DataType.Double,
            description="After that long it is deleted; 0: as the plant file says",
            unit="SEC",
        ),
    ),
    (
        _ID,
        Argument("Scenario", ArgumentType.NodeId, description="Its node; null where none was made"),
        Argument("Models", DataType.String, ONE_DIMENSION, "The models that feed it, with kind and fidelity"),
        Argument("Reason", DataType.String, description="Why none was made, or what is to be kept in mind"),
    ),
    Access.operate,
)
_DELETE: Final = MethodView("DeleteScenario", "Remove a scenario with all its nodes", (_ID,), (), Access.operate)
_SET_SPEED: Final = MethodView("SetSpeed", "Let a scenario go faster or slower", (_ID, _SPEED), (), Access.operate)
_SET_INPUTS: Final = MethodView(
    "SetInputs", "Hold inputs of a scenario at other values", (_ID, _NAMES, _VALUES), (), Access.operate
)
_LIST_SCENARIOS: Final = MethodView(
    "ListScenarios",
    "All scenarios, oldest first",
    (),
    (
        Argument("ScenarioIds", DataType.String, ONE_DIMENSION, "Their names"),
        Argument("Scenarios", ArgumentType.NodeId, ONE_DIMENSION, "Their nodes"),
        Argument("Twins", DataType.String, ONE_DIMENSION, "What was copied; empty: the whole plant"),
        Argument("States", DataType.String, ONE_DIMENSION, "Running, Paused or Failed"),
        Argument("SimulatedTimes", DataType.DateTime, ONE_DIMENSION, "The time in each"),
        Argument("ExpiresAt", DataType.DateTime, ONE_DIMENSION, "When each will be deleted"),
    ),
)
SERVICE_METHODS: Final[Mapping[str, tuple[MethodView, ...]]] = {
    RULES: (_ADD, _TEST, _REMOVE, _LIST),
    SCENARIOS: (_CREATE, _DELETE, _SET_SPEED, _SET_INPUTS, _LIST_SCENARIOS),
}
"""By the folder they stand in."""


def service_method(path: str) -> MethodView | None:
    """The method with that path; None where there is none."""
    folder, _, name = path.rpartition("/")
    return next((view for view in SERVICE_METHODS.get(folder, ()) if view.name == name), None)
