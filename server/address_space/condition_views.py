"""Looks at conditions: which one a path belongs to, and everything its fields need to be read off its state."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from drivers.readings import now_ticks
from nodesets.units import unit
from server.address_space.condition_field import Seen
from server.address_space.condition_fields import LEVELS, level_name
from server.address_space.condition_parts import PARTS_BY_SUFFIX, Part
from server.address_space.heads import Heads
from server.alarms.conditions import Conditions
from server.alarms.definitions import AlarmDefinition
from server.alarms.state import ConditionState
from server.config.plant import Tag

_DEEPEST: Final = 4
"""How many names the path of a node below a condition has beyond that of the condition."""


class ConditionViews:
    """conditions: those there are at the time they are looked at. tag: the tag with a path."""

    def __init__(self, conditions: Conditions, heads: Heads, tag: Callable[[str], Tag | None]) -> None:
        self.conditions = conditions
        self._heads = heads
        self._tag = tag

    def find(self, path: str) -> tuple[AlarmDefinition, str] | None:
        """The condition that a node belongs to and the rest of the node's path; None for any other path."""
        stem = path
        for _ in range(_DEEPEST):
            number = self.conditions.find(stem)
            if number is not None:
                return self.conditions.definitions[number], path[len(stem) :]
            stem = stem[: max(stem.rfind("/"), stem.rfind("."), 0)]
        return None

    def part(self, path: str) -> tuple[AlarmDefinition, Part] | None:
        """The part of a condition that has this path."""
        found = self.find(path)
        part = PARTS_BY_SUFFIX.get(found[1]) if found is not None else None
        return (found[0], part) if found is not None and part is not None and part.has(found[0]) else None

    def seen_now(self, path: str) -> Seen:
        """The condition with that path, as it is. Raises KeyError where it is no more."""
        number = self.conditions.find(path)
        if number is None:
            raise KeyError(path)
        return self.seen(self.conditions.definitions[number], self.conditions.states[number])

    def seen(self, definition: AlarmDefinition, state: ConditionState) -> Seen:
        """A condition in a state it is or was in."""
        tag = self._tag(definition.input_path)
        code = tag.unit if tag is not None else None
        event_id = self.conditions.event_id(definition.path, state)
        return Seen(
            definition, state, self._heads.node_id, event_id, _message(definition, state, code), code, now_ticks()
        )


def _message(definition: AlarmDefinition, state: ConditionState, unit_code: str | None) -> str:
    """What operators are shown: what the rule says with the figures of its last change, or that it is over."""
    if not state.active:
        return f"{definition.name}: {'back to normal' if state.active_ticks else 'normal'}"
    name = level_name(state.level)
    symbol = unit(unit_code).symbol if unit_code else ""
    limit = definition.limits.get(LEVELS[name], math.nan) if name else math.nan
    if definition.message:
        figures = {"{value}": _figure(state.value), "{limit}": _figure(limit), "{unit}": symbol}
        shown = definition.message
        for placeholder, figure in figures.items():
            shown = shown.replace(placeholder, figure)
        return shown
    if not name:
        return definition.name
    return f"{definition.name}: {name}, {_figure(state.value)} {symbol} (limit {_figure(limit)})".replace("  ", " ")


def _figure(value: float) -> str:
    return "?" if math.isnan(value) else f"{value:.6g}"
