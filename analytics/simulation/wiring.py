"""What the plant file says of a twin's models: which they are, and which tags or ports feed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from analytics.simulation.model import Port


@dataclass(frozen=True, slots=True)
class Term:
    """factor x a tag (its path) or, where `port` is given, x a port of a model of the twin with that path; factor and
    offset also bring the tag's unit to the port's: port value = factor x tag + offset. command: path of the command
    that sets this tag, in the tag's unit; "": none."""

    path: str
    port: str = ""
    factor: float = 1.0
    offset: float = 0.0
    command: str = ""

    @property
    def name(self) -> str:
        """As people write it: "Loop/Pump1/Speed", "Loop/Pump1:head"."""
        return f"{self.path}:{self.port}" if self.port else self.path


@dataclass(frozen=True, slots=True)
class Source:
    """What feeds an input: the sum of terms and a constant."""

    terms: tuple[Term, ...] = ()
    constant: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model of a twin. twin: path. name: among the models of the twin. kind: one of `kinds.KINDS`, "fmu" or "onnx",
    then file is an absolute path. parameters: those that differ from the default. inputs: by port; those not named have
    their default. outputs: port to Term (tag = (port - offset) / factor). ranges: validity by port where it is another
    than the model's. ports: of an FMU or ONNX file, as far as they are known without loading it. cost_s: as told in the
    plant file, NaN where not. calibrations: for people, "<path of twin>/<id>" of the models in the Library that its
    parameters are from instead of the plant file."""

    twin: str
    name: str
    kind: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    inputs: Mapping[str, Source] = field(default_factory=dict)
    outputs: Mapping[str, Term] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    file: str = ""
    fidelity: int = 0
    description: str = ""
    input_ports: tuple[Port, ...] = ()
    output_ports: tuple[Port, ...] = ()
    cost_s: float = float("nan")
    calibrations: tuple[str, ...] = ()

    @property
    def tags(self) -> tuple[str, ...]:
        """Paths of all tags that it is bound to, inputs first."""
        fed = [term.path for source in self.inputs.values() for term in source.terms if not term.port]
        return tuple(dict.fromkeys((*fed, *(term.path for term in self.outputs.values()))))

    @property
    def commands(self) -> dict[str, str]:
        """Paths of commands to those of the tags that they set."""
        terms = [term for source in self.inputs.values() for term in source.terms]
        return {term.command: term.path for term in terms if term.command}
