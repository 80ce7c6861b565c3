"""An FMU unpacked, loaded and instantiated by FMPy, until it is closed. Native code: in a worker process only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from analytics.simulation.system import ModelError
from analytics.simulation.wiring import ModelUse

_WHOLE: Final = ("Int", "UInt")
_INSTANTIATE: Final = ("fmi2Instantiate", "fmi3InstantiateCoSimulation", "fmi3InstantiateModelExchange")


class FmuInstance:
    """exchange: for model exchange, else for co-simulation. Raises ModelError, OSError where it cannot be loaded."""

    def __init__(self, use: ModelUse, exchange: bool) -> None:
        from fmpy import read_model_description

        self.title = title(use)
        self.description = read_model_description(use.file, validate=False)
        self.three = self.description.fmiVersion.startswith("3")
        self._variables = {one.name: one for one in self.description.modelVariables}
        self._begun = False
        self._folder = tempfile.mkdtemp(prefix="uatwin-fmu-")
        try:
            self.fmu = self._loaded(use, exchange)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def begin(self, values: Mapping[str, float]) -> None:
        """Instantiate and initialize it at time 0 with these values. Raises ModelError, FMICallException."""
        self.fmu.instantiate()
        self._begun = True
        if self.three:
            self.fmu.enterInitializationMode(startTime=0.0)
        else:
            self.fmu.setupExperiment(startTime=0.0)
            self.fmu.enterInitializationMode()
        self.set(values)
        self.fmu.exitInitializationMode()

    def set(self, values: Mapping[str, float]) -> None:
        """By name. Raises FMICallException."""
        for kind, names in self._by_kind(values):
            numbers = [self._variables[name].valueReference for name in names]
            getattr(self.fmu, f"set{kind}")(numbers, [_as(kind, float(values[name])) for name in names])

    def get(self, names: Iterable[str]) -> dict[str, float]:
        """By name. Raises FMICallException."""
        found: dict[str, float] = {}
        for kind, some in self._by_kind(names):
            numbers = [self._variables[name].valueReference for name in some]
            found.update(zip(some, map(float, getattr(self.fmu, f"get{kind}")(numbers)), strict=True))
        return found

    def close(self) -> None:
        """End the instance and remove what was unpacked."""
        from fmpy.fmi1 import FMICallException

        for end in (self.fmu.terminate, self.fmu.freeInstance) if self._begun else (self.fmu.freeLibrary,):
            with contextlib.suppress(FMICallException):  # it may have failed before
                end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _loaded(self, use: ModelUse, exchange: bool) -> Any:
        from fmpy import extract, platform, platform_tuple, sharedLibraryExtension
        from fmpy.fmi2 import FMU2Model, FMU2Slave
        from fmpy.fmi3 import FMU3Model, FMU3Slave

        extract(use.file, self._folder)
        interface = self.description.modelExchange if exchange else self.description.coSimulation
        system = platform_tuple if self.three else platform
        library = os.path.join(self._folder, "binaries", system, interface.modelIdentifier + sharedLibraryExtension)
        if not os.path.isfile(library):
            raise ModelError(f"the FMU {self.title} has no binary for {system}; export it for this computer")
        ctypes.CDLL(library)  # says what is missing, where FMPy raises a bare Exception
        kinds = {(False, False): FMU2Slave, (False, True): FMU2Model, (True, False): FMU3Slave, (True, True): FMU3Model}
        try:
            fmu = kinds[self.three, exchange](
                guid=self.description.guid,
                modelIdentifier=interface.modelIdentifier,
                unzipDirectory=self._folder,
                instanceName=use.name,
            )
        except AttributeError as error:
            raise ModelError(f"the FMU {self.title} lacks a function that FMI demands: {error}") from None
        for name in _INSTANTIATE:
            if hasattr(fmu, name):
                setattr(fmu, name, self._instantiating(getattr(fmu, name)))
        return fmu

    def _instantiating(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """FMPy raises a bare Exception for an FMU that gives no instance."""

        def instantiate(*arguments: Any) -> Any:
            instance = call(*arguments)
            if not instance:
                raise ModelError(f"the FMU {self.title} refuses to start; does it need its tool, a licence or files?")
            return instance

        return instantiate

    def _by_kind(self, names: Iterable[str]) -> Iterable[tuple[str, list[str]]]:
        found: dict[str, list[str]] = {}
        for name in names:
            found.setdefault(self._kind(name), []).append(name)
        return found.items()

    def _kind(self, name: str) -> str:
        """The word in the names of the functions that get and set it; in FMI 3.0 enumerations are Int64."""
        kind = str(self._variables[name].type)
        return ("Int64" if self.three else "Integer") if kind == "Enumeration" else kind


def title(use: ModelUse) -> str:
    """What it is called in messages."""
    return f"{use.name} of {use.twin}"


@contextlib.contextmanager
def telling(what: str) -> Iterator[None]:
    """Tell people of what the FMU refuses: what says which FMU, and at what. Raises ModelError."""
    from fmpy.fmi1 import FMICallException

    try:
        yield
    except (FMICallException, OSError) as error:
        raise ModelError(f"{what}: {error}") from None


def _as(kind: str, value: float) -> Any:
    if kind == "Boolean":
        return value > 0.5
    return round(value) if kind.startswith(_WHOLE) else value
