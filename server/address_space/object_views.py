"""Objects under Analytics that come and go while the server runs: models and jobs, as they stand at a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from server.address_space.method_views import SCALAR
from server.config.plant import Twin

FOLDERS: Final[Mapping[str, str]] = {"Models": "What has been learned of it", "Jobs": "Calls that take their time"}
"""The folders under Analytics that hold them, with what they are."""
PROPERTY: Final = "PropertyType"


@dataclass(frozen=True, slots=True)
class ValueView:
    """A Variable of such an object. data_type: numeric id of a built-in type; value: Python values, DateTimes in ticks,
    NodeIds as paths or numbers of namespace 0. kind: its VariableType. standard: whether its BrowseName is of the OPC
    Foundation's types."""

    name: str
    data_type: int
    value: object
    description: str = ""
    value_rank: int = SCALAR
    kind: str = "BaseDataVariableType"
    standard: bool = False
    properties: tuple[ValueView, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionView:
    """A method of such an object, without arguments."""

    name: str
    description: str
    standard: bool = False


@dataclass(frozen=True, slots=True)
class ObjectView:
    """kind: its ObjectType, one of ours or of namespace 0. changed_ticks: when it last changed."""

    name: str
    kind: str
    description: str
    changed_ticks: int
    values: tuple[ValueView, ...] = ()
    objects: tuple[ObjectView, ...] = ()
    actions: tuple[ActionView, ...] = ()


Item = ObjectView | ValueView | ActionView


class Objects(Protocol):
    """Where they come from."""

    def names(self, twin: Twin, folder: str) -> Sequence[str]:
        """What a twin has in a folder; names hold no slash and no dot."""
        ...

    def view(self, twin: Twin, folder: str, name: str) -> ObjectView | None:
        """One of them; None when it has gone."""
        ...


class NoObjects:
    """None at all."""

    def names(self, twin: Twin, folder: str) -> Sequence[str]:
        """No names."""
        return ()

    def view(self, twin: Twin, folder: str, name: str) -> ObjectView | None:
        """No view."""
        return None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands: suffix from the object's path on, that of its parent, and the item itself."""

    suffix: str
    above: str
    item: Item


def places(view: ObjectView, suffix: str = "") -> Iterator[Place]:
    """All items of an object, parents first: components behind a slash, properties behind a dot."""
    for value in view.values:
        own = f"{suffix}{'.' if value.kind == PROPERTY else '/'}{value.name}"
        yield Place(own, suffix, value)
        yield from (Place(f"{own}.{one.name}", own, one) for one in value.properties)
    for action in view.actions:
        yield Place(f"{suffix}/{action.name}", suffix, action)
    for inner in view.objects:
        yield Place(f"{suffix}/{inner.name}", suffix, inner)
        yield from places(inner, f"{suffix}/{inner.name}")
