"""AlarmEngine: which alarms have become active and which inactive, for all rules at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from server.alarms.definitions import AlarmDefinition, AlarmType, Transitions
from server.alarms.groups import Numbered, RowOf, channels_of, groups_of
from server.alarms.levels import Levels
from server.alarms.measures import Group, Heard, Qualities, Ticks
from server.alarms.timers import Events, Timers
from server.tags.table import TagTable


class AlarmEngine:
    """Evaluates alarms against the current values of a table.

    An alarm keeps its index for as long as the engine lives, also when it is removed and comes back; `definitions` has
    None where there is none now. Alarms whose tags are not there wait until they are.
    """

    def __init__(
        self,
        definitions: Iterable[AlarmDefinition],
        table: TagTable,
        row_of: RowOf,
        qualities: Qualities | None = None,
    ) -> None:
        self._table = table
        self._row_of = row_of
        self._qualities = qualities
        self._index: dict[str, int] = {}
        self._definitions: list[AlarmDefinition | None] = []
        self._groups: list[Group] = []
        self._seen = np.empty(0, np.int64)
        self._enabled = np.empty(0, np.bool_)
        self._levels = Levels(np.empty(0, np.bool_))
        self._timers = Timers(channels_of([]), 0)
        self.adopt(definitions, row_of)

    @property
    def definitions(self) -> Sequence[AlarmDefinition | None]:
        """By index."""
        return self._definitions

    def index(self, path: str) -> int:
        """The index of an alarm; raises KeyError where there is none with that path."""
        index = self._index[path]
        if self._definitions[index] is None:
            raise KeyError(path)
        return index

    def adopt(self, definitions: Iterable[AlarmDefinition], row_of: RowOf) -> None:
        """Have these alarms from now on. One whose definition is the same goes on where it stood, with its timers; of
        one that changed only what is active stays."""
        self._row_of = row_of
        wanted: dict[str, AlarmDefinition] = {definition.path: definition for definition in definitions}
        for path in wanted:
            if path not in self._index:
                self._index[path] = len(self._definitions)
                self._definitions.append(None)
        before = list(self._definitions)
        self._definitions = [wanted.get(path) for path in self._index]
        self._lay_out(before)

    def add(self, definitions: Iterable[AlarmDefinition]) -> None:
        """Have these as well; one whose path is known replaces that."""
        self.adopt([*self._known(), *definitions], self._row_of)

    def remove(self, path: str) -> None:
        """Have that one no more; raises KeyError where there is none."""
        self.index(path)
        self.adopt([one for one in self._known() if one.path != path], self._row_of)

    def enable(self, path: str, enabled: bool) -> None:
        """Evaluate an alarm, or leave it alone; one that is enabled again begins anew. Raises KeyError."""
        index = self.index(path)
        if bool(self._enabled[index]) != enabled:
            self._enabled[index] = enabled
            self._begin_anew(index)

    def assume(self, levels: Mapping[str, int]) -> None:
        """What was active before a restart, by path: it stays so until values tell otherwise. Unknown paths do not
        count."""
        for path, level in levels.items():
            index = self._index.get(path)
            if index is not None:
                self._timers.assume(index, level)
                self._levels.passed[index] = level

    def levels(self) -> dict[str, int]:
        """The Levels that are active, by path."""
        every = np.arange(len(self._definitions))
        levels = self._levels.level(every, self._levels.passed).tolist()
        pairs = zip(self._definitions, levels, strict=True)
        return {one.path: level for one, level in pairs if one is not None}

    def evaluate(self, now_ticks: int) -> Transitions:
        """What changed since the last time. now_ticks: the server's clock, as of the table's server_ticks."""
        heard = [group.heard(self._table, self._seen, self._enabled, now_ticks) for group in self._groups]
        news = Heard.concat(heard) if heard else _NOTHING
        events = [self._timers.take(news)] if len(news) else []
        events.append(self._timers.due(now_ticks, self._enabled))
        return self._levels.told(self._timers.settings, Events.concat(events), news)

    def _known(self) -> list[AlarmDefinition]:
        return [one for one in self._definitions if one is not None]

    def _lay_out(self, before: Sequence[AlarmDefinition | None]) -> None:
        count, known = len(self._definitions), len(self._seen)
        pairs = zip(self._definitions, before, strict=True)
        same = np.array([one is not None and one == was for one, was in pairs], np.bool_)
        same[known:] = False
        numbered: Numbered = [(index, one) for index, one in enumerate(self._definitions) if one is not None]
        levels = Levels(np.array([_is_exclusive(one) for one in self._definitions], np.bool_))
        levels.take_over(self._levels)
        timers = Timers(channels_of(numbered), count)
        timers.take_over(self._timers, same)
        enabled = np.array([one is not None and one.enabled for one in self._definitions], np.bool_)
        enabled[:known] = np.where(same[:known], self._enabled, enabled[:known])
        seen = np.full(count, -1, np.int64)
        groups = groups_of(numbered, self._row_of, self._qualities)
        self._carry_over(groups, seen, same)
        levels.correct(timers.settings, timers.active, np.flatnonzero(~same[:known]))
        self._groups, self._levels, self._timers = groups, levels, timers
        self._seen, self._enabled = seen, enabled

    def _carry_over(self, groups: list[Group], seen: Ticks, same: npt.NDArray[np.bool_]) -> None:
        """What groups remember, and which versions they have seen: rows keep their numbers over a reload."""
        known = len(self._seen)
        seen[:known] = np.where(same[:known], self._seen, -1)
        for group in groups:
            for old in self._groups:
                if type(old) is type(group):
                    group.take_over(old)

    def _begin_anew(self, index: int) -> None:
        self._timers.forget(index)
        self._levels.passed[index] = 0
        self._seen[index] = -1
        for group in self._groups:
            group.forget(index)


def _is_exclusive(definition: AlarmDefinition | None) -> bool:
    return definition is not None and definition.type is not AlarmType.non_exclusive_level


_NONE = np.empty(0)
_NOTHING = Heard(
    _NONE.astype(np.intp),
    _NONE,
    _NONE,
    _NONE.astype(np.uint32),
    _NONE.astype(np.bool_),
    _NONE.astype(np.int64),
    _NONE.astype(np.int64),
)
