"""Ties what a plant file says of a twin's optimisation to commands that models take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from analytics.simulation.aim import Aim
from analytics.simulation.constraints import NUMBER, constraint_of
from analytics.simulation.naming import shown
from analytics.simulation.objective import Unreadable, parsed
from analytics.simulation.vocabulary import vocabulary
from analytics.simulation.wiring import ModelUse
from server.config.build import Builder
from server.config.drafts import Draft
from server.config.errors import Place, Problems, did_you_mean
from server.config.names import absolute
from server.config.optimization import Limit, Mode, Optimization, commands_of
from server.config.optimization_parts import OptimizationDraft
from server.config.plant import Twin

_VARIABLE: Final = re.compile(rf"(?P<name>\S.*?)(?:\s+(?P<low>{NUMBER})\s*\.\.\s*(?P<high>{NUMBER}))?")


class OptimizationWiring:
    """Makes the Optimization of a twin; what is wrong is reported."""

    def __init__(self, built: Builder, problems: Problems) -> None:
        self._built = built
        self._problems = problems

    def of(self, draft: Draft, twin: Twin) -> Optimization | None:
        """What is to be reached on a twin whose children stand already; None where nothing is said of it."""
        if not draft.optimization:
            return None
        below = [one for one in draft.walk() if one.models]
        uses = [use for one in twin.walk() for use in one.models]
        lost = self._built.incomplete or len(uses) < sum(len(one.models) for one in below)
        return _Reading(self._built, self._problems, draft, uses, lost).optimization()


class _Reading:
    """The texts about one twin, those of its type first; what stands in a later one counts. lost: some models are
    missing for another error, so that nothing can be said of a command that none of the others takes."""

    def __init__(self, built: Builder, problems: Problems, draft: Draft, uses: list[ModelUse], lost: bool) -> None:
        self._built = built
        self._problems = problems
        self._draft = draft
        self._lost = lost
        self._uses = uses
        self._bounds: dict[str, tuple[float, float]] = {}
        self._commands = commands_of(uses)
        self._of = {key: one for one in draft.optimization for key in one.spec.model_fields_set}
        self._last = draft.optimization[-1]

    def optimization(self) -> Optimization:
        """All of it."""
        mode = Mode(self._get("mode"))
        variables = dict(self._variables())
        limits = dict(self._limits(variables))
        self._check_words()
        if not self._commands and not self._lost:
            self._add(self._last.raw.place, "no model takes a command, so that there is nothing to optimise; bind one")
        if mode is Mode.autonomous:
            self._check_autonomous(variables, limits)
        named = tuple(variables.values()) or tuple(shown(path, self._draft.path) for path in limits)
        aim = Aim(self._get("objective"), named, self._get("constraints"), float(self._get("horizon_s")))
        return Optimization(mode, aim, float(self._get("every_s")), limits)

    def _get(self, key: str) -> Any:
        return getattr(self._from(key).spec, key)

    def _from(self, key: str) -> OptimizationDraft:
        return self._of.get(key, self._last)

    def _add(self, place: Place, message: str) -> None:
        self._problems.add(place, message, self._draft.label, "optimization" if self._draft.label else "")

    def _variables(self) -> Iterator[tuple[str, str]]:
        """Paths of commands, to the variables in the words of OptimizeSetpoints."""
        seen: set[str] = set()
        for number, text in enumerate(self._get("variables")):
            place = self._from("variables").place("variables", number)
            match = _VARIABLE.fullmatch(text.strip())
            path = self._command(match["name"], place) if match else None
            if match is None or path is None:
                continue
            if path in seen:
                self._add(place, f"{match['name']} is given twice; each once")
            seen.add(path)
            bounds = f" {match['low']}..{match['high']}" if match["low"] else ""
            if bounds:
                self._bounds[path] = float(match["low"]), float(match["high"])
            if bounds and not float(match["low"]) < float(match["high"]):
                self._add(place, f"{match['low']}..{match['high']} is upside down; the lower value comes first")
            yield path, f"{shown(path, self._draft.path)}{bounds}"

    def _check_words(self) -> None:
        """Objective and constraints, by what the models give."""
        if self._lost or not self._uses:
            return
        rows = {path: self._built.rows[path] for use in self._uses for path in use.tags}
        units = {path: tag.unit for path, row in rows.items() if (tag := self._built.tags[row]) is not None}
        words = vocabulary(self._uses, self._draft.path, units)
        for number, text in enumerate(self._get("constraints")):
            try:
                constraint_of(text, words)
            except Unreadable as error:
                self._add(self._from("constraints").place("constraints", number), str(error))
        try:
            parsed(self._get("objective"), words)
        except Unreadable as error:
            self._add(self._from("objective").place("objective"), str(error))

    def _limits(self, variables: Mapping[str, str]) -> Iterator[tuple[str, Limit]]:
        for text, spec in self._get("limits").items():
            place = self._from("limits").key_place("limits", text)
            path = self._command(text, place)
            if path is None:
                continue
            if variables and path not in variables:
                self._add(place, f"{text} has limits and is none of the variables; add it there, or leave it out")
            self._check_range(path, text, spec.low, spec.high)
            low, high = self._bounds.get(path, (spec.low, spec.high))
            if not max(low, spec.low) < min(high, spec.high) and low < high and spec.low < spec.high:
                self._add(
                    place, f"{text} is from {low:g} to {high:g} among the variables, which is outside these limits"
                )
            yield path, Limit(max(low, spec.low), min(high, spec.high), spec.step)

    def _check_range(self, path: str, text: str, low: float, high: float) -> None:
        tag = self._built.tags[self._built.rows[path]]
        allowed = tag.command.limits if tag is not None and tag.command is not None else None
        if allowed is not None and not allowed[0] <= low <= high <= allowed[1] and low < high:
            own = f"{allowed[0]:g} to {allowed[1]:g}"
            message = f"from {low:g} to {high:g} is beyond what the command allows; it has {own}"
            self._add(self._from("limits").place("limits", text), message)

    def _check_autonomous(self, variables: Mapping[str, str], limits: Mapping[str, Limit]) -> None:
        wanted = variables if self._get("variables") else limits or self._commands
        wrong = len(self._get("limits")) > len(limits)  # that was reported
        lacking = [] if wrong else [shown(path, self._draft.path) for path in wanted if path not in limits]
        place = self._from("mode").place("mode")
        if lacking:
            named = ", ".join(lacking[:5])
            self._add(place, f"autonomous needs limits of each variable; give limits: {{low, high, step}} of {named}")
        if not self._get("every_s"):
            self._add(place, "autonomous needs every_s: how often the server itself asks, in seconds")

    def _command(self, text: str, place: Place) -> str | None:
        """The path of a command that some model takes."""
        path = absolute(self._draft.path, text)
        if path is not None and path in self._commands:
            return path
        if self._lost:
            return None
        row = self._built.rows.get(path or "")
        tag = self._built.tags[row] if row is not None else None
        setting = next((command for command, tag_path in self._commands.items() if tag_path == path), None)
        if setting is not None:
            cure = f"; give the command that sets it, {shown(setting, self._draft.path)}"
            self._add(place, f"{text} is no command{cure}")
        elif tag is not None and tag.command is not None:
            message = f"no model of the twin or below it takes the command {text}"
            self._add(place, f"{message}; name it in the inputs of one: {{tag: ..., command: {tag.name}}}")
        else:
            names = [shown(one, self._draft.path) for one in self._commands]
            nearest = did_you_mean(text, names, "no model takes any")
            self._add(place, f"there is no command {text} that a model takes{nearest}")
        return None
