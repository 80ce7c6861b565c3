"""Rules that clients add while the bridge runs: read like those of the plant file, tried on the past, and kept."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml

from analytics.series import Series
from server.alarms.alarms import Alarms, of_plant, tags_of
from server.alarms.backtest import BackTest, back_test, merged
from server.alarms.definitions import AlarmDefinition
from server.config.alarm_rules import RuleReader
from server.config.checking import describe
from server.config.errors import Problems
from server.config.plant import Plant
from server.config.sections import Known
from server.config.yaml_source import Map, parse

_log = logging.getLogger(__name__)
Past = Callable[[Sequence[int], int, int], Awaitable[Mapping[int, Series]]]
"""The course of rows from start to end (ticks), both inclusive."""
_HEAD: Final = "# Rules that were added while the bridge ran, by AddRule; RemoveRule takes them out again.\n"
LONGEST: Final = 65_536
"""Characters of the text of a rule."""
_MOST_ALARMS: Final = 1000
"""Alarms of one rule that are tried on the past at a time."""


class RuleError(Exception):
    """A rule that is not taken; the message says where, what, and what would be right."""


class RuleBook:
    """The rules added at run time. plant: what they may refer to; file: where they are kept."""

    def __init__(self, alarms: Alarms, plant: Callable[[], Plant], past: Past, file: Path) -> None:
        self._alarms = alarms
        self._plant = plant
        self._past = past
        self._file = file
        self._rules: dict[str, dict[str, Any]] = {}
        self._paths: dict[str, list[str]] = {}
        self._turn = asyncio.Lock()

    @property
    def rules(self) -> Mapping[str, Mapping[str, Any]]:
        """The rules by name, as they were given."""
        return self._rules

    async def open(self) -> None:
        """Take up the rules of the file; one that fits the plant no more is told and left in the file."""
        try:
            text = await asyncio.to_thread(self._file.read_bytes)
        except FileNotFoundError:
            return
        except OSError as error:
            _log.error("%s: %s; the rules added at run time are not evaluated", self._file, error.strerror)
            return
        data = parse(self._file, Problems(), text)
        if not isinstance(data, Map):
            _log.error("%s holds no rules; those added at run time are not evaluated", self._file)
            return
        self._rules = _plain(data)
        self._alarms.add(self.alarms_of(self._plant()))

    def alarms_of(self, plant: Plant) -> list[AlarmDefinition]:
        """The alarms that the rules make in a plant; a rule that does not fit it is told, and makes none."""
        taken = [one.path for one in of_plant(plant)]
        found: list[AlarmDefinition] = []
        self._paths = {}
        for name, data in self._rules.items():
            try:
                made = _read(_section(yaml.safe_dump({name: data})), plant, [*taken, *(one.path for one in found)])
            except RuleError as error:
                _log.warning("the rule %s, which was added at run time, is not evaluated: %s", name, error)
                continue
            self._paths[name] = [one.path for one in made]
            found += made
        return found

    async def add(self, text: str) -> list[str]:
        """Evaluate the rules of a text, in the form of the section `rules`, from now on; the paths of their alarms.
        Raises RuleError, and takes none, when something is wrong with one."""
        async with self._turn:
            section = _section(text)
            for name in section:
                if name in self._rules:
                    raise RuleError(f"there is a rule {name} already; remove it first, or choose another name")
            found = _read(section, self._plant(), [one.path for one in self._alarms.definitions])
            await self._keep({**self._rules, **{name: _plain(raw) for name, raw in section.items()}})
            for name in section:
                self._paths[name] = [one.path for one in found if one.origin == name]
            self._alarms.add(found)
            return [one.path for one in found]

    async def remove(self, wanted: str) -> None:
        """Evaluate a rule no more. wanted: its name, or the path of one of its alarms. Raises RuleError."""
        async with self._turn:
            name = next((one for one, paths in self._paths.items() if wanted in paths), wanted)
            if name not in self._rules:
                raise RuleError(self._why_not(wanted))
            await self._keep({one: data for one, data in self._rules.items() if one != name})
            self._alarms.remove(self._paths.pop(name, ()))

    async def test(self, text: str, start: int, end: int) -> BackTest:
        """What a rule would have done from start to end (ticks). text: as for `add`, or the path of an alarm that there
        is. Raises RuleError."""
        if end <= start:
            raise RuleError("End is not after Start; give a time span in the past")
        known = next((one for one in self._alarms.definitions if one.path == text.strip()), None)
        definitions = [known] if known is not None else _read(_section(text), self._plant(), ())
        if len(definitions) > _MOST_ALARMS:
            raise RuleError(f"these are {len(definitions)} alarms, more than {_MOST_ALARMS}; narrow the pattern")
        rows = {tag.path: tag.row for tag in tags_of(self._plant())}
        paths = dict.fromkeys(path for one in definitions for path in one.tags)
        course = await self._past([rows[path] for path in paths], start, end)
        past = {path: course[rows[path]] for path in paths}
        try:
            tests = await asyncio.to_thread(lambda: [back_test(one, past, start, end) for one in definitions])
        except ValueError as error:
            raise RuleError(str(error)) from None
        return merged(tests)

    async def _keep(self, rules: dict[str, dict[str, Any]]) -> None:
        text = _HEAD + yaml.safe_dump(rules, sort_keys=False, allow_unicode=True)
        try:
            await asyncio.to_thread(_write, self._file, text)
        except OSError as error:
            raise RuleError(f"{self._file} cannot be written ({error.strerror}); nothing was changed") from None
        self._rules = rules

    def _why_not(self, wanted: str) -> str:
        if any(one.path == wanted for one in self._alarms.definitions):
            return f"{wanted} comes from the plant file; change it there, and uatwin reload"
        names = ", ".join(self._rules) or "none"
        return (
            f"no rule that was added at run time is called {wanted} or makes an alarm of that path; there are {names}"
        )


def _read(section: _Section, plant: Plant, taken: Iterable[str]) -> list[AlarmDefinition]:
    """The alarms of the rules of a section. taken: paths that they cannot have."""
    known = Known(tuple(tags_of(plant)), plant.twins, plant.connections, Path())
    found = list(RuleReader(known, section.problems, taken).of_section(section))
    _refuse(section.problems)
    return [replace(one, at_run_time=True) for one in found]


class _Section(Map):
    """The rules of a text, with what is wrong with it so far."""

    __slots__ = ("problems",)

    def __init__(self, data: Map, problems: Problems) -> None:
        super().__init__(data.place)
        for name in data:
            self.put(name, data[name], data.key_at[name], data.value_at[name])
        self.problems = problems


def _section(text: str) -> _Section:
    if len(text) > LONGEST:
        raise RuleError(f"the text has {len(text)} characters, more than {LONGEST}; add fewer rules at a time")
    problems = Problems()
    data = parse(Path("Rule"), problems, text.encode())
    _refuse(problems)
    if not isinstance(data, Map) or not data:
        raise RuleError(
            f"the text is {describe(data)}; it must be like HighLoad: {{input: Hall/Motor1/Load, high: 90}}"
        )
    return _Section(data, problems)


def _refuse(problems: Problems) -> None:
    if len(problems):
        raise RuleError("\n".join(map(str, problems.errors())))


def _plain(raw: Any) -> Any:
    """Data without positions."""
    if isinstance(raw, dict):
        return {key: _plain(value) for key, value in raw.items()}
    return [_plain(value) for value in raw] if isinstance(raw, list) else raw


def _write(file: Path, text: str) -> None:
    """Whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    with new.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)
