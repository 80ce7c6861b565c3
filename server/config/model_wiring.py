"""Ties the models of a twin to tags that exist, with the factor from the unit of each tag to that of its port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from analytics.simulation.fmu_description import FmuDescription, FmuError, describe_fmu
from analytics.simulation.kinds import FMU, KINDS, ONNX
from analytics.simulation.model import EXTERNAL, STEADY, Port
from analytics.simulation.wiring import ModelUse, Source, Term
from nodesets.conversion import conversion
from nodesets.units import known, unit
from server.config.build import Builder
from server.config.drafts import Draft
from server.config.errors import Place, Problems, did_you_mean
from server.config.model_parts import ModelDraft
from server.config.model_spec import BindingSpec, Bound, ModelSpec
from server.config.names import absolute
from server.config.plant import Tag
from server.config.yaml_source import Map, Seq

Find = Callable[..., Tag | None]
"""(draft, text, place, what) -> the tag that a text means; what is wrong is reported."""


class Wiring:
    """Makes ModelUses of drafts."""

    def __init__(self, built: Builder, problems: Problems, find: Find) -> None:
        self._built = built
        self._problems = problems
        self._find = find

    def uses(self, draft: Draft) -> tuple[ModelUse, ...]:
        """All models of a twin; what is wrong with them is reported."""
        return tuple(found for one in draft.models.values() if (found := self._use(draft, one)) is not None)

    def _use(self, draft: Draft, one: ModelDraft) -> ModelUse | None:
        spec, ports = one.spec, self._ports(draft, one)
        if ports is None:
            return None
        inputs, outputs = ports
        self._check_inputs(draft, one, inputs)
        return ModelUse(
            draft.path,
            one.name,
            spec.what,
            dict(spec.parameters),
            {port: self._source(draft, one, port, inputs.get(port)) for port in spec.fed},
            dict(self._results(draft, one, outputs)),
            dict(spec.ranges),
            str(self._file(one)) if spec.kind is None else "",
            _fidelity(spec),
            spec.description or (KINDS[spec.what].description if spec.kind else ""),
            tuple(inputs.values()) if spec.kind is None else (),
            tuple(outputs.values()) if spec.kind is None else (),
            float("nan") if spec.cost_s is None else spec.cost_s,
        )

    def _file(self, one: ModelDraft) -> Path:
        return (self._problems.path_of(one.raw.place).parent / (one.spec.fmu or one.spec.onnx or "")).resolve()

    def _ports(self, draft: Draft, one: ModelDraft) -> tuple[dict[str, Port], dict[str, Port]] | None:
        """Inputs and outputs by name."""
        spec = one.spec
        if spec.what in KINDS:
            model = KINDS[spec.what]
            return {port.name: port for port in model.inputs}, {port.name: port for port in model.given}
        if spec.what == ONNX:
            if not self._file(one).is_file():
                self._add(
                    draft, one.raw.value_at["onnx"], f"there is no file {spec.onnx}; paths are relative to this file"
                )
            ports = ({name: Port(name, None, "") for name in names} for names in (spec.fed, spec.given))
            return next(ports), next(ports)
        if spec.what != FMU:
            return None
        if not self._file(one).is_file():
            self._add(draft, one.raw.value_at["fmu"], f"there is no file {spec.fmu}; paths are relative to this file")
            return None
        try:
            said = describe_fmu(str(self._file(one)))
        except FmuError as error:
            self._add(draft, one.raw.value_at["fmu"], f"{spec.fmu}: {error}")
            return None
        self._check_names(draft, one, said)
        return {port.name: _coded(port) for port in said.inputs}, {port.name: _coded(port) for port in said.outputs}

    def _check_names(self, draft: Draft, one: ModelDraft, said: FmuDescription) -> None:
        """Of an FMU, whose ports and parameters only its file knows."""
        spec = one.spec
        for key, given, there in (
            ("inputs", spec.fed, said.inputs),
            ("outputs", spec.given, said.outputs),
            ("parameters", spec.parameters, said.parameters),
        ):
            names = [port.name for port in there]
            for name in given:
                place = one.raw[key].key_at.get(name, one.raw.value_at[key])
                if name in said.words and name not in names:
                    self._add(draft, place, f"{name} of {spec.fmu} is {said.words[name]}, not one of its {key}")
                elif name not in names:
                    nearest = did_you_mean(name, names, f"it has no {key}")
                    self._add(draft, place, f"{spec.fmu} has no {key[:-1]} {name}{nearest}")
        self._check_bounds(draft, one, said)

    def _check_bounds(self, draft: Draft, one: ModelDraft, said: FmuDescription) -> None:
        bounds = {parameter.name: (parameter.low, parameter.high) for parameter in said.parameters}
        for name, value in one.spec.parameters.items():
            low, high = bounds.get(name, (value, value))
            if not low <= value <= high:
                place = one.raw["parameters"].value_at[name]
                self._add(draft, place, f"{name} is {value:g}; right is from {low:g} to {high:g}")

    def _check_inputs(self, draft: Draft, one: ModelDraft, ports: Mapping[str, Port]) -> None:
        if one.spec.what == FMU:
            lacking = [name for name, port in ports.items() if port.default is None and name not in one.spec.fed]
            for name in lacking:
                self._add(
                    draft, one.raw.place, f"the input {name} of {one.spec.fmu} is missing; give it a tag or number"
                )

    def _source(self, draft: Draft, one: ModelDraft, port: str, about: Port | None) -> Source:
        fed = one.spec.fed[port]
        terms: list[Term] = []
        constant = 0.0
        for number, item in enumerate(fed if isinstance(fed, tuple) else (fed,)):
            if isinstance(item, (int, float)):
                constant += item
                continue
            place = _place(one.raw, "inputs", port, number if isinstance(fed, tuple) else None)
            term = self._term(draft, item, about, place, port)
            if term is not None:
                terms.append(term)
        return Source(tuple(terms), constant)

    def _results(self, draft: Draft, one: ModelDraft, ports: Mapping[str, Port]) -> Iterator[tuple[str, Term]]:
        for port, item in one.spec.given.items():
            term = self._term(draft, item, ports.get(port), _place(one.raw, "outputs", port, None), port)
            if term is not None and not term.port:
                yield port, term

    def _term(self, draft: Draft, item: Bound, about: Port | None, place: Place, port: str) -> Term | None:
        spec = item if isinstance(item, BindingSpec) else BindingSpec(tag=str(item))
        other = self._other(draft, spec.tag)
        if other is not None:
            return replace(other, factor=1.0 if spec.scale is None else spec.scale, offset=spec.offset)
        tag = self._find(draft, spec.tag, place)
        if tag is None:
            return None
        command = self._find(draft, spec.command, place) if spec.command else None
        if command is not None and command.command is None:
            self._add(draft, place, f"{spec.command} is not a command; leave command: out where none sets {tag.name}")
        if tag.array_length:
            self._add(draft, place, f"{spec.tag} is an array; a port is one number")
        factor, offset = spec.scale, spec.offset
        if factor is None:
            factor, moved = self._units(draft, tag, about, place, port)
            offset += moved
        if command is None and tag.command is not None:
            command = tag  # it sets itself
        return Term(tag.path, "", factor, offset, command.path if command is not None else "")

    def _other(self, draft: Draft, text: str) -> Term | None:
        """A port of another model: "../Chiller:condenser_leaving"; a tag of that name comes first."""
        if ":" not in text or absolute(draft.path, text) in self._built.rows:
            return None
        above, _, port = text.rpartition(":")
        path = absolute(draft.path, above)
        there = self._built.drafts.get(path or "")
        if path is None or there is None or not any(port in _given(one) for one in there.models.values()):
            return None
        return Term(path, port)

    def _units(self, draft: Draft, tag: Tag, about: Port | None, place: Place, port: str) -> tuple[float, float]:
        if about is None or about.unit is None or tag.unit is None or tag.unit in about.also:
            return 1.0, 0.0
        found = conversion(tag.unit, about.unit)
        if found is None:
            symbols = f"{unit(about.unit).symbol} ({about.unit})", f"{unit(tag.unit).symbol} ({tag.unit})"
            message = f"{port} is in {symbols[0]}, and {tag.name} in {symbols[1]}; give {{tag: ..., scale: ...}}"
            self._add(draft, place, message)
        return found or (1.0, 0.0)

    def _add(self, draft: Draft, place: Place, message: str) -> None:
        self._problems.add(place, message, draft.label, "model" if draft.label else "")


def _given(one: ModelDraft) -> frozenset[str]:
    """The outputs that a model has, as far as that is known without its file; of an FMU those that are bound and all
    others, so everything may be one."""
    spec = one.spec
    if spec.what in KINDS:
        return frozenset(port.name for port in KINDS[spec.what].given)
    return frozenset(spec.given)


def _fidelity(spec: ModelSpec) -> int:
    if spec.fidelity is not None:
        return spec.fidelity
    return KINDS[spec.what].fidelity if spec.kind else EXTERNAL if spec.what == FMU else STEADY


def _coded(port: Port) -> Port:
    """An FMU's unit is text; the code it means beyond doubt, or none."""
    return replace(port, unit=known(port.unit) if port.unit else None)


def _place(raw: Map, key: str, port: str, number: int | None) -> Place:
    """Where the binding of a port stands."""
    listed: Any = raw[key]
    if isinstance(listed, Seq):
        at = int(port.lstrip("inout")) - 1
        return listed.value_at[at]
    inside = listed[port]
    if number is not None and isinstance(inside, Seq):
        return inside.value_at[number]
    place: Place = listed.value_at[port]
    return place
