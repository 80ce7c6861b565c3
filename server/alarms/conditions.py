"""Conditions: what the rules find and what operators do, put to the state machine, told to listeners, and kept.

Callers are on the event loop; `run` keeps the shelving times and the file.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from drivers.readings import now_ticks
from server.alarms.definitions import AlarmDefinition, AlarmType, Level, Transitions
from server.alarms.event_ids import EventIds
from server.alarms.machine import Happening, Refusal, Told, Traits, happening_of, step
from server.alarms.state import Acking, ConditionState
from server.alarms.state_file import StateFile, StateFileError

_log = logging.getLogger(__name__)
_LOOK_EVERY_S: Final = 1.0
_TICKS_PER_S: Final = 10_000_000
LONGEST_COMMENT: Final = 4096
DISCRETE: Final = (AlarmType.off_normal, AlarmType.system_off_normal)
_BY_EVENT: Final = {
    Happening.acknowledge: Refusal.BadConditionBranchAlreadyAcked,
    Happening.confirm: Refusal.BadConditionBranchAlreadyConfirmed,
    Happening.comment: None,
}
"""What names an event, and the refusal where that event is of a state that is over."""

Listener = Callable[[AlarmDefinition, ConditionState], None]


class Conditions:
    """The conditions of a plant, numbered as their definitions are. clock: ticks of now, UTC."""

    def __init__(self, definitions: Sequence[AlarmDefinition] = (), clock: Callable[[], int] = now_ticks) -> None:
        self._file: StateFile | None = None
        self._clock = clock
        self._kept: dict[tuple[str, str], ConditionState] = {}
        self._event_ids = EventIds()
        self._listeners: list[Listener] = []
        self._watchers: list[Callable[[], None]] = []
        self._switches: list[Callable[[str, bool], None]] = []
        self._dirty: dict[tuple[str, str], ConditionState] = {}
        self._shelved: set[int] = set()
        self._last_error = ""
        self.definitions: tuple[AlarmDefinition, ...] = ()
        self.states: list[ConditionState] = []
        self._index: dict[str, int] = {}
        self._of_owner: dict[str, list[AlarmDefinition]] = {}
        self._traits: list[Traits] = []
        self.adopt(definitions)

    def restore(self, file: StateFile) -> None:
        """Go on from the states in a file, and keep them there. Once, before anything happens."""
        self._kept, self._event_ids = file.load(), file.event_ids()
        definitions, self.definitions, self.states = self.definitions, (), []
        self._file = file
        self.adopt(definitions)

    def adopt(self, definitions: Sequence[AlarmDefinition]) -> None:
        """Have these from now on. What was there before under the same path and with the same type keeps its state;
        what is no longer there is told to be of no interest any more."""
        known = {_key(one): (one, state) for one, state in zip(self.definitions, self.states, strict=True)}
        self._kept |= {key: state for key, (_, state) in known.items()}
        self.definitions = tuple(definitions)
        self._index = {one.path: number for number, one in enumerate(self.definitions)}
        self._of_owner = {}
        for one in self.definitions:
            self._of_owner.setdefault(one.owner, []).append(one)
        self._traits = [Traits(one.needs_confirm, one.severities) for one in self.definitions]
        before = {one.path: one.enabled for one, _ in known.values()}
        self.states = [
            _fitted(one, self._kept.pop(_key(one), None), before.get(one.path, one.enabled)) for one in self.definitions
        ]
        here = {_key(one) for one in self.definitions}
        for key, (one, state) in known.items():
            if key not in here and state.retain:
                now = self._clock()
                self._tell(one, step(Traits(False, {}), state, Happening.disable, Told(now, now)).state)
        self._shelved = {number for number, state in enumerate(self.states) if state.shelving}
        for watcher in list(self._watchers):
            watcher()

    # -- looking ----------------------------------------------------------------------------------------------------

    def find(self, path: str) -> int | None:
        """The number of the condition with that path."""
        return self._index.get(path)

    def of_owner(self, path: str) -> Sequence[AlarmDefinition]:
        """The conditions of a twin or a connection."""
        return self._of_owner.get(path, ())

    def state(self, path: str) -> ConditionState:
        """How the condition with that path is doing. Raises KeyError where there is none."""
        return self.states[self._index[path]]

    def event_id(self, path: str, state: ConditionState) -> bytes:
        """The EventId of the last event that told of this state."""
        return self._event_ids.make(path, state.event)

    def retained(self) -> list[tuple[AlarmDefinition, ConditionState]]:
        """All that a client which synchronises has to know of (Part 9, 4.5)."""
        return [(one, state) for one, state in zip(self.definitions, self.states, strict=True) if state.retain]

    def levels(self) -> dict[str, int]:
        """Levels that are violated by what is known, by path, where any are. What evaluates the rules assumes them
        after a restart, so that it tells what has changed meanwhile."""
        pairs = zip(self.definitions, self.states, strict=True)
        return {one.path: state.level for one, state in pairs if state.level}

    def switched(self) -> dict[str, bool]:
        """Which conditions somebody has enabled (True) or disabled against what their definition says, by path."""
        pairs = zip(self.definitions, self.states, strict=True)
        return {one.path: state.enabled for one, state in pairs if state.enabled != one.enabled}

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call listener(definition, state) for each change that clients are to be told of; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call watcher() when there are other conditions than before; returns how to stop that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def on_enable(self, switch: Callable[[str, bool], None]) -> None:
        """Call switch(path, enabled) whenever a condition is enabled or disabled. What evaluates it begins anew with
        one that is enabled: with no level violated."""
        self._switches.append(switch)

    # -- what happens -----------------------------------------------------------------------------------------------

    def apply(self, transitions: Transitions, definitions: Sequence[AlarmDefinition | None]) -> None:
        """Take over what the rules have found. definitions: what the transitions number."""
        now = self._clock()
        columns = (
            transitions.alarm,
            transitions.level,
            transitions.quality,
            transitions.source_ticks,
            transitions.value,
        )
        for number, level, quality, ticks, value in zip(*(column.tolist() for column in columns), strict=True):
            definition = definitions[number]
            own = self._index.get(definition.path) if definition is not None else None
            if own is not None:
                happening = happening_of(self.states[own].level, level)
                self._step(own, happening, Told(now, ticks or now, level, quality, value))

    def act(
        self,
        number: int,
        happening: Happening,
        user: str,
        *,
        comment: tuple[str, str] = ("", ""),
        event_id: bytes | None = None,
        shelve_s: float = 0.0,
    ) -> int:
        """Do what a user's method asks for; the StatusCode of Part 9. comment: text and locale, both empty to leave the
        one there is. event_id: of the event that is acknowledged, confirmed or commented on."""
        definition, state = self.definitions[number], self.states[number]
        if len(comment[0]) > LONGEST_COMMENT:
            return Refusal.BadInvalidArgument
        if happening in _BY_EVENT and state.enabled:
            refusal = self._check_event(definition, state, happening, event_id or b"")
            if refusal is not None:
                return refusal
        shelves = {Happening.shelve: shelve_s, Happening.shelve_once: definition.longest_shelve_s}
        if happening is Happening.shelve and not 0 < shelve_s <= definition.longest_shelve_s and state.enabled:
            return Refusal.BadShelvingTimeOutOfRange
        now = self._clock()
        until = now + int(shelves[happening] * _TICKS_PER_S) if happening in shelves else 0
        told = Told(now, now, user=user, comment=comment if any(comment) else None, unshelve_ticks=until)
        return self._step(number, happening, told)

    def _check_event(
        self, definition: AlarmDefinition, state: ConditionState, happening: Happening, event_id: bytes
    ) -> Refusal | None:
        event = self._event_ids.read(definition.path, event_id)
        if event is None or event > state.event:
            return Refusal.BadEventIdUnknown
        return _BY_EVENT[happening] if event < state.raised else None

    def _step(self, number: int, happening: Happening, told: Told) -> int:
        definition = self.definitions[number]
        outcome = step(self._traits[number], self.states[number], happening, told)
        before = self.states[number]
        if outcome.state is not before:
            self.states[number] = self._dirty[_key(definition)] = outcome.state
            (self._shelved.add if outcome.state.shelving else self._shelved.discard)(number)
            if outcome.state.enabled != before.enabled:
                for switch in list(self._switches):
                    switch(definition.path, outcome.state.enabled)
            if outcome.notify:
                self._tell(definition, outcome.state)
        return outcome.status

    def _tell(self, definition: AlarmDefinition, state: ConditionState) -> None:
        for listener in list(self._listeners):
            listener(definition, state)

    # -- time and the file ------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """End shelving when its time is over and keep the file, until cancelled; what is not written yet is then."""
        try:
            while True:
                due_s = self.end_shelving()
                await self.save()
                await asyncio.sleep(min(due_s, _LOOK_EVERY_S))
        finally:
            self.close()

    def end_shelving(self) -> float:
        """Unshelve what has been shelved long enough; seconds until there is more to do, infinity for never."""
        now, due_s = self._clock(), float("inf")
        for number in list(self._shelved):
            left = self.states[number].unshelve_ticks - now
            if left <= 0:
                self._step(number, Happening.shelving_over, Told(now, now))
            else:
                due_s = min(due_s, left / _TICKS_PER_S)
        return due_s

    async def save(self) -> None:
        """Write what has changed since the last time, in a thread."""
        if self._file is None or not self._dirty:
            return
        dirty, self._dirty = self._dirty, {}
        try:
            await asyncio.to_thread(self._file.save, dirty)
            self._last_error = ""
        except StateFileError as error:
            self._could_not(error)
            self._dirty = dirty | self._dirty

    def close(self) -> None:
        """Write what is not written yet, at once."""
        if self._file is None or not self._dirty:
            return
        try:
            self._file.save(self._dirty)
            self._dirty = {}
        except StateFileError as error:
            self._could_not(error)

    def _could_not(self, error: StateFileError) -> None:
        if str(error) != self._last_error:  # once, not every second
            _log.error("%s", error)
        self._last_error = str(error)


def _key(definition: AlarmDefinition) -> tuple[str, str]:
    return definition.path, definition.type.value


def _fitted(definition: AlarmDefinition, kept: ConditionState | None, enabled_before: bool) -> ConditionState:
    """The kept state, without what the definition no longer has. enabled_before: by the definition it had."""
    if kept is None:
        severity = min(definition.severities.values(), default=1)
        return ConditionState(enabled=definition.enabled, severity=severity)
    levels = Level.active if definition.type in DISCRETE else sum(definition.limits)
    if definition.enabled != enabled_before:
        kept = replace(kept, enabled=definition.enabled, level=0, active=False)
    if kept.level & ~levels:
        kept = replace(kept, level=0, active=False)
    if kept.acking is Acking.unconfirmed and not definition.needs_confirm:
        kept = replace(kept, acking=Acking.settled)
    return kept
