"""What stands below a condition: its Variables, sub-state machines and methods, by what follows its path in a NodeId.

Properties append `.X` and components `/X`: `Pump3/HighVibration.Retain`, `Pump3/HighVibration/AckedState.Id`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from asyncua import ua

from server.address_space.condition_field import Field
from server.address_space.condition_fields import FIELDS, NORMAL_VALUE, is_exclusive
from server.address_space.condition_methods import METHODS, ConditionMethod
from server.alarms.definitions import AlarmDefinition

_OBJECTS: Final = {"ShelvingState": "ShelvedStateMachineType", "LimitState": "ExclusiveLimitStateMachineType"}
_ENABLED_SUBSTATES: Final = (
    *("AckedState", "ConfirmedState", "ActiveState", "SuppressedState", "OutOfServiceState", "ShelvingState"),
)
_ACTIVE_SUBSTATES: Final = ("LimitState", "HighHighState", "HighState", "LowState", "LowLowState")
SUBSTATES: Final = {"/EnabledState": _ENABLED_SUBSTATES, "/ActiveState": _ACTIVE_SUBSTATES}
"""HasTrueSubState references of a condition (Part 9, 5.4.2)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One node below a condition. suffix: of its path; above: that of the node it belongs to, "" for the condition
    itself. type_definition: by its standard name, "" for methods."""

    suffix: str
    above: str
    name: str
    node_class: ua.NodeClass
    type_definition: str
    has: Callable[[AlarmDefinition], bool]
    field: Field | None = None
    method: ConditionMethod | None = None

    @property
    def is_property(self) -> bool:
        """Whether it hangs by HasProperty."""
        return self.type_definition == "PropertyType"


def _suffix(name: str) -> str:
    """Where the Variable of a field stands."""
    above, _, last = name.rpartition("/")
    field = FIELDS.get(name)
    before = _suffix(above) if above else ""
    return f"{before}{'.' if field is not None and field.type_definition == 'PropertyType' else '/'}{last}"


def _of_field(field: Field) -> Part:
    above, _, last = field.name.rpartition("/")
    return Part(
        _suffix(field.name),
        _suffix(above) if above else "",
        last,
        ua.NodeClass.Variable,
        field.type_definition,
        field.has,
        field=field,
    )


def _of_method(method: ConditionMethod) -> list[Part]:
    suffix, above = method.suffix, f"/{method.within}" if method.within else ""
    parts = [Part(suffix, above, method.name, ua.NodeClass.Method, "", method.has, method=method)]
    if method.arguments:
        variable = ua.NodeClass.Variable
        name = "InputArguments"
        parts.append(Part(f"{suffix}.{name}", suffix, name, variable, "PropertyType", method.has, method=method))
    return parts


def _of_object(name: str, kind: str) -> Part:
    has = is_exclusive if name == "LimitState" else _always
    return Part(f"/{name}", "", name, ua.NodeClass.Object, kind, has)


def _always(_: AlarmDefinition) -> bool:
    return True


def _parts() -> list[Part]:
    normal = Part(
        f".{NORMAL_VALUE}",
        "",
        NORMAL_VALUE,
        ua.NodeClass.Variable,
        "PropertyType",
        lambda definition: definition.normal is not None,
    )
    return [
        *(_of_field(field) for field in FIELDS.values()),
        *(_of_object(name, kind) for name, kind in _OBJECTS.items()),
        *(part for method in METHODS for part in _of_method(method)),
        normal,
    ]


PARTS_BY_SUFFIX: Final[Mapping[str, Part]] = {part.suffix: part for part in _parts()}


def _below() -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = defaultdict(list)
    for part in PARTS_BY_SUFFIX.values():
        found[part.above].append(part)
    return found


PARTS_BELOW: Final[Mapping[str, list[Part]]] = _below()
"""The parts that belong directly to a condition ("") or to one of its parts, by its suffix."""
