"""What `model` and `models` of a type or twin may hold: models that simulate it, and the tags that feed them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, Strict

from analytics.simulation.kinds import FMU, KINDS, ONNX
from analytics.simulation.model import MachineModel
from server.config.checking import Loc
from server.config.errors import did_you_mean
from server.config.spec import Spec

Number = Annotated[float, Field(allow_inf_nan=False)]
_KINDS: Final = ", ".join(KINDS)


class BindingSpec(Spec):
    """A port and the tag it belongs to: port = scale x tag + offset."""

    tag: str = Field(min_length=1, description="Path of a tag, or twin:port for a port of another model.")
    scale: Number | None = Field(default=None, description="Default: as the units of tag and port demand.")
    offset: Number = Field(default=0.0, description="Added after scale.")
    command: str | None = Field(
        default=None, min_length=1, description="Command that sets this tag, for what-if and proposals."
    )


Bound = str | Number | BindingSpec
Fed = Bound | Annotated[tuple[Bound, ...], Strict(False)]
Given = str | BindingSpec
Span = Annotated[tuple[Number, Number], Strict(False)]


class ModelSpec(Spec):
    """A model of a twin: one of the common machines, an FMU, or an ONNX file."""

    kind: str | None = Field(default=None, description=f"One of {_KINDS}.")
    fmu: Annotated[Path, Strict(False)] | None = Field(
        default=None, description="FMI 2 or 3 unit for co-simulation or model exchange, relative to the plant file."
    )
    onnx: Annotated[Path, Strict(False)] | None = Field(
        default=None, description="ONNX model from inputs to outputs, relative to the plant file."
    )
    description: str = Field(default="", description="What it is.")
    parameters: dict[str, Number] = Field(default_factory=dict, description="Those that differ from the default.")
    inputs: dict[str, Fed] | Annotated[tuple[Fed, ...], Strict(False)] = Field(
        default_factory=dict,
        description="Port to what feeds it: a tag, a number, twin:port, {tag, scale, offset, command}, or a list, "
        "which is added up. For ONNX also a list of tags, in the order of its columns.",
    )
    outputs: dict[str, Given] | Annotated[tuple[Given, ...], Strict(False)] = Field(
        default_factory=dict,
        description="Port to the tag that it is. For ONNX also a list, in the order of its columns.",
    )
    ranges: dict[str, Span] = Field(default_factory=dict, description="Where it holds, by port: [lowest, highest].")
    fidelity: int | None = Field(
        default=None, ge=0, le=9, description="0 steady, 1 dynamic, 2 from outside; the lowest that answers is used."
    )
    cost_s: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="Processor seconds for a simulated hour, where known."
    )

    @property
    def what(self) -> str:
        """Its kind; fmu and onnx for files."""
        return FMU if self.fmu is not None else ONNX if self.onnx is not None else self.kind or ""

    @property
    def fed(self) -> dict[str, Fed]:
        """The inputs by port; those of a list by number."""
        return self.inputs if isinstance(self.inputs, dict) else {f"in{n}": one for n, one in enumerate(self.inputs, 1)}

    @property
    def given(self) -> dict[str, Given]:
        """The outputs by port; those of a list by number."""
        if isinstance(self.outputs, dict):
            return self.outputs
        return {f"out{number}": one for number, one in enumerate(self.outputs, 1)}


def model_rules(spec: ModelSpec) -> Iterator[tuple[Loc, str]]:
    """Where a model contradicts itself, or what is known of its kind."""
    named = [key for key in ("kind", "fmu", "onnx") if getattr(spec, key) is not None]
    if len(named) != 1:
        which = f"{' and '.join(named)} both say" if named else "nothing says"
        yield (), f"{which} what the model is; give one of kind: ({_KINDS}), fmu: file, onnx: file"
        return
    lists = [key for key in ("inputs", "outputs") if not isinstance(getattr(spec, key), dict)]
    if spec.onnx is None:
        for key in lists:
            yield (key,), f"{key} is a list, which has no names; give port: tag"
    elif spec.parameters:
        yield ("parameters",), "an ONNX model has no parameters; leave them out"
    if spec.onnx is not None and not (spec.inputs and spec.outputs):
        yield ("onnx",), "an ONNX model needs inputs and outputs, in the order of its columns or by its names"
    if spec.kind is not None and not lists:
        yield from _kind_rules(spec, spec.kind)


def _kind_rules(spec: ModelSpec, kind: str) -> Iterator[tuple[Loc, str]]:
    model = KINDS.get(kind)
    if model is None:
        yield ("kind",), f"there is no kind of model {kind}{did_you_mean(kind, KINDS)}"
        return
    bounds = {one.name: (one.low, one.high) for one in model.parameters}
    yield from _unknown(spec.parameters, bounds, "parameters", f"{kind} has no parameter")
    for name, value in spec.parameters.items():
        low, high = bounds.get(name, (value, value))
        if not low <= value <= high:
            yield ("parameters", name), f"{name} is {value:g}; right is from {low:g} to {high:g}"
    yield from _unknown(spec.fed, (one.name for one in model.inputs), "inputs", f"{kind} has no input")
    yield from _unknown(spec.given, (one.name for one in model.given), "outputs", f"{kind} has no output")
    ports = [one.name for one in (*model.inputs, *model.given)]
    yield from _unknown(spec.ranges, ports, "ranges", f"{kind} has no port")
    yield from _missing(spec, model)


def _missing(spec: ModelSpec, model: MachineModel) -> Iterator[tuple[Loc, str]]:
    lacking = [one for one in model.inputs if one.default is None and one.name not in spec.fed]
    for one in lacking:
        about = one.description[0].lower() + one.description[1:]
        yield (
            ("inputs",),
            f"the input {one.name} of {model.kind} is missing; give {one.name}: a tag or number ({about})",
        )


def _unknown(given: Iterable[str], known: Iterable[str], key: str, what: str) -> Iterator[tuple[Loc, str]]:
    choices = list(known)
    for name in given:
        if name not in choices:
            yield (key, name), f"{what} {name}{did_you_mean(name, choices)}"
