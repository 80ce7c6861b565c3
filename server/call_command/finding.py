"""Twins, methods and variables by the names that people write: any case, the last parts of a path are enough."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from asyncua import ua

from server.call_command.desk import Desk, Held
from server.config.errors import did_you_mean

TWINS: Final = "Twins"
COMMANDS: Final = "Commands"
_FOLDERS: Final = (COMMANDS, "Analytics")
_WITH_VARIABLES: Final = ("Telemetry", "Commands", "Analytics", "Diagnostics")
_DOWN: Final = (ua.ObjectIds.Organizes, ua.ObjectIds.HasComponent)
"""Other hierarchical references, such as Controls, lead across."""
_MOST_TOLD: Final = 8


class NotThere(Exception):
    """A name that nothing has; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a twin. owner: path of the object it is called on."""

    path: str
    owner: str
    name: str
    description: str
    inputs: tuple[ua.Argument, ...] = ()
    outputs: tuple[ua.Argument, ...] = ()

    @property
    def is_command(self) -> bool:
        """Whether it commands devices, rather than to compute."""
        return self.owner.endswith(f"/{COMMANDS}")


@dataclass(slots=True)
class Tree:
    """The twins, looked up level by level as needed."""

    desk: Desk
    _known: dict[str, list[str]] = field(default_factory=dict)

    async def children(self, path: str) -> list[str]:
        """Paths of the twins directly below a twin, or of those at the top for ""; also what stands in other objects of
        the bridge, such as the scenarios and what each copies."""
        if path not in self._known:
            found = await self.desk.below(path or TWINS, ua.ObjectIds.HierarchicalReferences, ua.NodeClass.Object)
            down = [one for one in found if one.ReferenceTypeId.Identifier in _DOWN]
            own = [one for one in down if one.BrowseName.NamespaceIndex == self.desk.namespace]
            self._known[path] = list(dict.fromkeys(str(one.NodeId.Identifier) for one in own))
        return self._known[path]

    async def _beside(self) -> list[str]:
        """What stands beside the twins under Objects: Scenarios, Rules, ..."""
        found = await self.desk.below("", ua.ObjectIds.Organizes, ua.NodeClass.Object)
        own = [str(one.NodeId.Identifier) for one in found if one.NodeId.NamespaceIndex == self.desk.namespace]
        return [one for one in own if one != TWINS]

    async def all_below(self, path: str = "") -> list[str]:
        """Every twin below, parents first."""
        level, found = await self.children(path), []
        while level:
            found += level
            level = [one for below in await asyncio.gather(*map(self.children, level)) for one in below]
        return found

    async def find(self, words: str) -> str:
        """The path of the twin that is meant, or of an object beside the twins. Raises NotThere."""
        at = ""
        for part in words.strip("/").split("/"):
            nodes = await self.children(at)
            if not at and part.lower() not in (one.lower() for one in nodes):
                nodes = [*nodes, *await self._beside()]
            below = {one.rpartition("/")[2].lower(): one for one in nodes}
            if part.lower() not in below:
                return await self._by_its_end(words, at, part, below.values())
            at = below[part.lower()]
        return at

    async def _by_its_end(self, words: str, at: str, part: str, below: Iterable[str]) -> str:
        wanted = f"/{words.strip('/').lower()}"
        found = [one for one in await self.all_below() if one.lower().endswith(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise NotThere(f"several twins end with {words}: {_some(found)}")
        names = [one.rpartition("/")[2] for one in below]
        if at:
            known = did_you_mean(part, names, "it has no twins below")
            raise NotThere(f"{at} has no twin {part}{known}")
        last = words.strip("/").rpartition("/")[2]
        everywhere = [one.rpartition("/")[2] for one in await self.all_below()]
        raise NotThere(f"there is no twin {words}{did_you_mean(last, dict.fromkeys([*names, *everywhere]))}")


async def methods_of(desk: Desk, twin: str) -> list[Method]:
    """The command methods and analytics methods of a twin, or those of another object, with their arguments."""
    found: list[Method] = []
    for owner in (*(f"{twin}/{folder}" for folder in _FOLDERS), twin):
        for one in await desk.below(owner, ua.ObjectIds.HasComponent, ua.NodeClass.Method):
            found.append(Method(str(one.NodeId.Identifier), owner, str(one.BrowseName.Name), ""))
    if not found:
        return []
    paths = [one.path for one in found]
    about = await desk.read(paths, ua.AttributeIds.Description)
    inputs = await desk.read([f"{path}.InputArguments" for path in paths])
    outputs = await desk.read([f"{path}.OutputArguments" for path in paths])
    return [
        Method(one.path, one.owner, one.name, _text(text), _arguments(given), _arguments(told))
        for one, text, given, told in zip(found, about, inputs, outputs, strict=True)
    ]


def pick(methods: Sequence[Method], name: str, twin: str) -> Method:
    """The method of that name. Raises NotThere."""
    for one in methods:
        if one.name.lower() == name.lower():
            return one
    names = [one.name for one in methods]
    raise NotThere(f"{twin} has no method {name}{did_you_mean(name, names, 'it has none at all')}")


async def find_variable(desk: Desk, tree: Tree, words: str) -> str:
    """The path of a variable: a twin, or an object beside the twins, and one of its values. Raises NotThere."""
    above, _, name = words.strip("/").rpartition("/")
    if not above:
        raise NotThere(f"{words}: give the twin and its variable, such as Pump1/Speed")
    twin = await tree.find(above)
    paths = [*(f"{twin}/{folder}" for folder in _WITH_VARIABLES), twin]
    kinds = (ua.ObjectIds.HasComponent, ua.NodeClass.Variable)
    found = [one for part in await asyncio.gather(*(desk.below(path, *kinds) for path in paths)) for one in part]
    names = {str(one.BrowseName.Name).lower(): one for one in found}
    if name.lower() not in names:
        known = did_you_mean(name, [str(one.BrowseName.Name) for one in found], "it has none")
        raise NotThere(f"{twin} has no variable {name}{known}")
    return str(names[name.lower()].NodeId.Identifier)


def _text(held: Held) -> str:
    return str(held.value.Text or "") if held.value is not None else ""


def _arguments(held: Held) -> tuple[ua.Argument, ...]:
    return tuple(held.value or ()) if held.good else ()


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:_MOST_TOLD]) + (", ..." if len(paths) > _MOST_TOLD else "")
