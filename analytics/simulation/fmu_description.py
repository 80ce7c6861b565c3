"""What an FMU says of itself: modelDescription.xml of FMI 2 and 3, read without loading its code."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeVar
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from analytics.simulation.model import Parameter, Port

_NUMBERS: Final = frozenset(
    {"Real", "Integer", "Boolean", "Enumeration", "Float32", "Float64"}
    | {f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
)
"""Elements of FMI 2.0 (2.2.7) and FMI 3.0 (2.4.7) whose values are one number."""
_OTHERS: Final = {"String": "text", "Binary": "binary data", "Clock": "a clock"}
_WORDS: Final = {
    "input": "an input",
    "output": "an output",
    "parameter": "a parameter",
    "calculatedParameter": "worked out from the parameters",
    "structuralParameter": "the size of an array, which stays as the file says",
    "independent": "the time",
}
_LARGEST: Final = 32 << 20
T = TypeVar("T")


class FmuError(Exception):
    """A file that is no FMU, or none that can be used here; the message says why."""


@dataclass(frozen=True, slots=True)
class FmuDescription:
    """version: "2.0" or "3.0". units of ports are the text in the FMU, not codes. start of an input is its default.
    parameters: also the start values of what has `initial="exact"`, such as states. words: what each of its variables
    is. co_simulation: whether it brings a solver; if not, it is for model exchange."""

    version: str
    name: str
    description: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    parameters: tuple[Parameter, ...]
    words: Mapping[str, str]
    co_simulation: bool


def describe_fmu(file: str) -> FmuDescription:
    """Read it. Raises FmuError."""
    path = Path(file)
    try:
        return _read(file, path.stat().st_mtime_ns)
    except FileNotFoundError:
        raise FmuError(f"there is no file {path}") from None
    except (OSError, zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
        raise FmuError(f"{path.name} is no FMU: {error}") from None


@lru_cache(maxsize=64)
def _read(file: str, _changed: int) -> FmuDescription:
    with zipfile.ZipFile(file) as archive:
        if archive.getinfo("modelDescription.xml").file_size > _LARGEST:
            raise FmuError(f"its modelDescription.xml has more than {_LARGEST >> 20} MB")
        root = ElementTree.fromstring(archive.read("modelDescription.xml"))
    version = root.get("fmiVersion", "")
    if version != "2.0" and not version.startswith("3."):
        raise FmuError(f"it is of FMI {version or 'without a version'}; FMI 2.0 and 3.0 can be used")
    co_simulation = root.find("CoSimulation") is not None
    if not co_simulation:
        _check_exchange(root)
    ports: dict[str, list[Port]] = {"input": [], "output": []}
    parameters = []
    for variable, port in _variables(root):
        causality = variable.get("causality", "local")
        if causality in ports:
            ports[causality].append(port)
        if port.default is not None and (causality == "parameter" or _starts(variable, causality)):
            parameters.append(Parameter(port.name, port.default, *port.range, port.unit, port.description))
    return FmuDescription(
        version,
        root.get("modelName", Path(file).stem),
        root.get("description", ""),
        tuple(ports["input"]),
        tuple(ports["output"]),
        tuple(parameters),
        {variable.get("name", ""): _word(variable) for variable in root.iterfind("ModelVariables/*")},
        co_simulation,
    )


def _check_exchange(root: Element) -> None:
    """Raises FmuError where it cannot be used for model exchange either."""
    if root.find("ModelExchange") is None:
        raise FmuError("it has neither CoSimulation nor ModelExchange; export it for co-simulation")
    for clock in root.iterfind("ModelVariables/Clock"):
        if clock.get("causality") == "input":
            raise FmuError(
                f"it has the clock {clock.get('name')}, which would have to be ticked from outside; "
                "export it for co-simulation"
            )


def _starts(variable: Element, causality: str) -> bool:
    """Whether it is a variable whose start value can be set (FMI 2.0, 2.2.7 and FMI 3.0, 2.4.7: initial)."""
    moves = variable.get("variability") not in ("constant", "fixed")
    return causality in ("local", "output") and moves and variable.get("initial") == "exact"


def _word(variable: Element) -> str:
    """What a variable is, for people."""
    kind = next((one.tag for one in variable if one.tag in _NUMBERS or one.tag in _OTHERS), variable.tag)
    if kind in _OTHERS:
        return _OTHERS[kind]
    if variable.find("Dimension") is not None:
        return "an array, and a port is one number"
    return _WORDS.get(variable.get("causality", "local"), "an inner variable")


def _variables(root: Element) -> Iterator[tuple[Element, Port]]:
    """All variables that are one number, with their ports."""
    kinds = {kind.get("name"): kind[0] for kind in root.iterfind("TypeDefinitions/SimpleType") if len(kind)}
    kinds |= {kind.get("name"): kind for kind in root.iterfind("TypeDefinitions/*") if kind.tag != "SimpleType"}
    for variable in root.iterfind("ModelVariables/*"):
        own = next((one for one in variable if one.tag in _NUMBERS), variable)  # FMI 2.0 has the type inside
        if own.tag not in _NUMBERS or variable.find("Dimension") is not None:
            continue
        declared = kinds.get(own.get("declaredType"), own)

        def told(key: str, own: Element = own, declared: Element = declared) -> str | None:
            return own.get(key, declared.get(key))

        yield (
            variable,
            Port(
                variable.get("name", ""),
                told("unit"),
                variable.get("description", ""),
                (_number(told("min"), float("-inf")), _number(told("max"), float("inf"))),
                _number(own.get("start"), None),
            ),
        )


def _number(text: str | None, otherwise: T) -> float | T:
    if text is None:
        return otherwise
    if text in ("true", "false"):
        return float(text == "true")
    try:
        return float(text)
    except ValueError:
        raise FmuError(f"its modelDescription.xml has {text!r} where a number stands") from None
