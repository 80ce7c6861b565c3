"""What an FMU says of itself: modelDescription.xml of FMI 2 and 3, read without loading its code."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
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
_LARGEST: Final = 32 << 20
T = TypeVar("T")


class FmuError(Exception):
    """A file that is no FMU, or none that can be used here; the message says why."""


@dataclass(frozen=True, slots=True)
class FmuDescription:
    """version: "2.0" or "3.0". units of ports are the text in the FMU, not codes. start of an input is its default."""

    version: str
    name: str
    description: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    parameters: tuple[Parameter, ...]


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
    if root.find("CoSimulation") is None:
        raise FmuError("it has no CoSimulation; export it for co-simulation, so that it brings its own solver")
    ports: dict[str, list[Port]] = {"input": [], "output": []}
    parameters = []
    for causality, port in _variables(root):
        if causality in ports:
            ports[causality].append(port)
        elif causality == "parameter" and port.default is not None:
            parameters.append(Parameter(port.name, port.default, *port.range, port.unit, port.description))
    name = root.get("modelName", Path(file).stem)
    text = root.get("description", "")
    return FmuDescription(version, name, text, tuple(ports["input"]), tuple(ports["output"]), tuple(parameters))


def _variables(root: Element) -> Iterator[tuple[str, Port]]:
    """Causality and port of all variables that are one number."""
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
            variable.get("causality", "local"),
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
