"""Methods under the folders of `Plant.services`: what can be done to parts of the bridge itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from analytics.function import Access
from drivers.data_types import DataType
from server.address_space.method_views import ONE_DIMENSION, Argument, MethodView
from server.config.diagnostics import RULES

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
SERVICE_METHODS: Final[Mapping[str, tuple[MethodView, ...]]] = {RULES: (_ADD, _TEST, _REMOVE, _LIST)}
"""By the folder they stand in."""


def service_method(path: str) -> MethodView | None:
    """The method with that path; None where there is none."""
    folder, _, name = path.rpartition("/")
    return next((view for view in SERVICE_METHODS.get(folder, ()) if view.name == name), None)
