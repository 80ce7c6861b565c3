"""What tags and ports are called on a twin: paths from there, a leading / for what stands elsewhere, the bare name of a
port for the twin's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from analytics.errors import BAD_INVALID_ARGUMENT, BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError
from analytics.simulation.kinds import KINDS
from analytics.simulation.model import Port
from analytics.simulation.wiring import ModelUse


def shown(path: str, twin: str) -> str:
    """A path of the plant ("Loop/Pump1/Speed", "Loop/Pump1:head") as it is called on a twin."""
    if path[: len(twin)] == twin and path[len(twin) : len(twin) + 1] in ("/", ":"):
        return path[len(twin) + 1 :]
    return f"/{path}"


def input_ports(use: ModelUse) -> tuple[Port, ...]:
    """Of a model, without loading it."""
    return KINDS[use.kind].inputs if use.kind in KINDS else use.input_ports


def output_ports(use: ModelUse) -> tuple[Port, ...]:
    """Of a model, without loading it; states are among them."""
    return KINDS[use.kind].given if use.kind in KINDS else use.output_ports


def fed_by(use: ModelUse) -> list[str]:
    """The tags that feed its inputs."""
    return [term.path for source in use.inputs.values() for term in source.terms if not term.port]


def needed(use: ModelUse) -> list[str]:
    """The tags that a run starts from: those that feed inputs, and those of states."""
    fed = fed_by(use)
    states = KINDS[use.kind].states if use.kind in KINDS else ()
    return [*fed, *(use.outputs[port.name].path for port in states if port.name in use.outputs)]


def settable(uses: Iterable[ModelUse]) -> dict[str, str]:
    """What a run can be given, by path of the plant, to what it then stands for: tags that feed an input, ports that
    are inputs, states (where they begin), and commands, which stand for the tag that they set."""
    found: dict[str, str] = {}
    for use in uses:
        states = KINDS[use.kind].states if use.kind in KINDS else ()
        both = (*input_ports(use), *states)
        ports = [f"{use.twin}:{one}" for port in both for one in (port.name, f"{use.name}.{port.name}")]
        found.update({name: name for name in (*ports, *needed(use))})
        found.update(use.commands)
    return found


def overrides(names: object, values: object, uses: Sequence[ModelUse], twin: str, index: int) -> dict[str, float]:
    """The arguments Names and Values (at index and index + 1), by path of the plant. Raises ArgumentError."""
    listed = _listed(names, index, "Names", str)
    numbers = _listed(values, index + 1, "Values", (int, float))
    if len(listed) != len(numbers):
        raise ArgumentError(
            index + 1, BAD_INVALID_ARGUMENT, f"{len(listed)} Names have {len(numbers)} Values; each needs one"
        )
    known = settable(uses)
    found: dict[str, float] = {}
    for name, value in zip(listed, numbers, strict=True):
        path = next((one for one in _meant(str(name), twin) if one in known), None)
        if path is None:
            raise ArgumentError(index, BAD_NO_MATCH, _unknown(str(name), known, twin))
        if known[path] in found:
            raise ArgumentError(index, BAD_INVALID_ARGUMENT, f"{name} is given twice")
        if isinstance(value, bool) or not -1e300 < value < 1e300:
            raise ArgumentError(index + 1, BAD_OUT_OF_RANGE, f"{name} is {value}; a finite number is needed")
        found[known[path]] = float(value)
    return found


def used_title(use: ModelUse, twin: str) -> str:
    """How a model in use is told: "Pump1: pump (pump, fidelity 0)", with the calibrations that it rests on."""
    where = "" if use.twin == twin else f"{shown(use.twin, twin)}: "
    rests_on = "".join(f", {calibration_title(one, twin)}" for one in use.calibrations)
    return f"{where}{use.name} ({use.kind}, fidelity {use.fidelity}{rests_on})"


def calibration_title(calibration: str, twin: str) -> str:
    """How a calibration ("<path of twin>/<id>") is told: "Calibration-2 of Pump1"."""
    path, _, model = calibration.rpartition("/")
    return model if path == twin else f"{model} of {shown(path, twin)}"


def _listed(argument: object, index: int, name: str, of: type | tuple[type, ...]) -> Sequence[float]:
    if argument is None:
        return ()
    if isinstance(argument, str) or not isinstance(argument, Sequence):
        raise ArgumentError(index, BAD_TYPE_MISMATCH, f"{name} is an array")
    if not all(isinstance(one, of) for one in argument):
        raise ArgumentError(index, BAD_TYPE_MISMATCH, f"{name} has something that is none of its type")
    return argument


def _meant(name: str, twin: str) -> tuple[str, ...]:
    """The paths that a name may mean, the likeliest first."""
    return (name[1:],) if name.startswith("/") else (f"{twin}/{name}", f"{twin}:{name}")


def _unknown(name: str, known: Mapping[str, str], twin: str) -> str:
    names = [shown(path, twin) for path in known]
    tail = name.rpartition("/")[2].lower()
    above = name.rpartition("/")[0]
    near = (
        [one for one in names if one.rpartition("/")[2].rpartition(":")[2].lower() == tail]
        or get_close_matches(name, names, 5, 0.7)
        or [one for one in names if above and one.startswith((f"{above}/", f"{above}:"))]
    )
    return f'"{name}" is no input of the models; there are {", ".join((near or names)[:12])}'
