"""The models of a system with everything that feeds them, ready to be put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from analytics.simulation.kinds import KINDS
from analytics.simulation.model import MachineModel, Port
from analytics.simulation.wiring import ModelUse, Source, Term


class Stepper(Protocol):
    """A model that keeps its state to itself and goes on by steps only: an FMU for co-simulation."""

    def begin(self, inputs: Mapping[str, float]) -> dict[str, float]:
        """Start anew at time 0; the outputs there."""
        ...

    def step(self, t: float, dt: float, inputs: Mapping[str, float]) -> dict[str, float]:
        """Go from t to t + dt with these inputs; the outputs there."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A model in its place. twin: path. inputs: of every input port. outputs: those that are tags. stepper: of one that
    goes on by steps, whose model then only says which ports there are."""

    twin: str
    name: str
    model: MachineModel
    parameters: Mapping[str, float]
    inputs: Mapping[str, Source]
    outputs: Mapping[str, Term]
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    stepper: Stepper | None = None

    @property
    def dynamic(self) -> bool:
        """Whether it has states that are integrated."""
        return self.model.derivatives is not None

    @property
    def input_ports(self) -> tuple[Port, ...]:
        """With the validity that holds here."""
        return tuple(replace(one, range=self.ranges.get(one.name, one.range)) for one in self.model.inputs)

    def with_parameters(self, values: Mapping[str, float]) -> Part:
        """The same machine with other parameters; those not named stay."""
        return replace(self, parameters={**self.parameters, **values})


def part_of(use: ModelUse) -> Part:
    """The part that a model of a known kind is; see `loading.load` for files."""
    model = KINDS[use.kind]
    return wired(use, model, {**model.defaults(), **use.parameters})


def wired(use: ModelUse, model: MachineModel, parameters: Mapping[str, float], stepper: Any = None) -> Part:
    """A model in the place that the plant file gives it; inputs that it does not feed have their default."""
    inputs = {port.name: use.inputs.get(port.name, Source((), port.default or 0.0)) for port in model.inputs}
    return Part(use.twin, use.name, model, parameters, inputs, use.outputs, use.ranges, stepper)


def port_names(parts: Sequence[Part]) -> dict[tuple[int, str], str]:
    """What each port of each part is called where it is no tag: "path:port", and "path:model.port" where several models
    of a twin have such a port."""
    count: dict[tuple[str, str], int] = {}
    ports = [(at, part, port.name) for at, part in enumerate(parts) for port in (*part.model.inputs, *part.model.given)]
    for _, part, port in ports:
        count[part.twin, port] = count.get((part.twin, port), 0) + 1
    return {
        (at, port): f"{part.twin}:{port}" if count[part.twin, port] == 1 else f"{part.twin}:{part.name}.{port}"
        for at, part, port in ports
    }


def state_names(parts: Sequence[Part]) -> frozenset[str]:
    """What their states are called: by tag, where they are one, and by port."""
    names = port_names(parts)
    ports = [(at, part, port.name) for at, part in enumerate(parts) for port in part.model.states]
    tags = {part.outputs[port].path for _, part, port in ports if port in part.outputs}
    return frozenset(tags | {names[at, port] for at, _, port in ports})
