"""FMUs as parts: FMI 2.0 and 3.0 units for co-simulation, by FMPy. Native code: in a worker process only."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any, Final

from analytics.errors import NotAvailable
from analytics.simulation.fmu_description import FmuError, describe_fmu
from analytics.simulation.model import EXTERNAL, MachineModel
from analytics.simulation.parts import Part, wired
from analytics.simulation.system import ModelError
from analytics.simulation.wiring import ModelUse

_WHOLE: Final = ("Integer", "Enumeration", "Int", "UInt")


def load_fmu(use: ModelUse) -> Part:
    """The part that an FMU is; its code is not loaded before it begins. Raises NotAvailable."""
    try:
        said = describe_fmu(use.file)
    except FmuError as error:
        raise NotAvailable(f"{use.name} of {use.twin}: {error}") from None
    try:
        import fmpy  # noqa: F401, only whether it is there
    except ImportError:
        raise NotAvailable(
            f"{use.name} of {use.twin} is an FMU, for which FMPy is missing: install the extra fmi"
        ) from None
    model = MachineModel(
        use.kind,
        use.description or said.description or said.name,
        EXTERNAL,
        use.input_ports or said.inputs,
        use.output_ports or said.outputs,
        said.parameters,
        _never,
    )
    return wired(use, model, dict(use.parameters), FmuStepper(use))


def _never(_t: float, _x: Any, _u: Any, _p: Any) -> dict[str, Any]:
    raise ModelError("an FMU is not computed, it goes on by steps")


class FmuStepper:
    """An FMU at work: unpacked when it begins, gone when it is closed."""

    def __init__(self, use: ModelUse) -> None:
        self._use = use
        self._folder = ""
        self._fmu: Any = None
        self._variables: dict[str, Any] = {}
        self._outputs = [port.name for port in use.output_ports] or [one.name for one in describe_fmu(use.file).outputs]

    def begin(self, inputs: Mapping[str, float]) -> dict[str, float]:
        """Raises ModelError when it cannot be loaded or fails."""
        from fmpy.fmi1 import FMICallException

        self.close()
        try:
            self._load()
            if self._three:
                self._fmu.instantiate()
                self._fmu.enterInitializationMode(startTime=0.0)
            else:
                self._fmu.instantiate()
                self._fmu.setupExperiment(startTime=0.0)
                self._fmu.enterInitializationMode()
            self._set({**self._use.parameters, **inputs})
            self._fmu.exitInitializationMode()
            return self._get()
        except (FMICallException, OSError) as error:
            raise ModelError(f"the FMU {self._title} does not start: {error}") from None

    def step(self, t: float, dt: float, inputs: Mapping[str, float]) -> dict[str, float]:
        """Raises ModelError when it refuses."""
        from fmpy.fmi1 import FMICallException

        try:
            self._set(inputs)
            self._fmu.doStep(currentCommunicationPoint=t, communicationStepSize=dt)
            return self._get()
        except FMICallException as error:
            raise ModelError(f"the FMU {self._title} refuses the step from {t:g} s on: {error}") from None

    def close(self) -> None:
        """End the instance and remove what was unpacked."""
        if self._fmu is not None:
            from fmpy.fmi1 import FMICallException

            for end in (self._fmu.terminate, self._fmu.freeInstance):
                with contextlib.suppress(FMICallException):  # it may have failed before
                    end()
            self._fmu = None
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    @property
    def _title(self) -> str:
        return f"{self._use.name} of {self._use.twin}"

    @property
    def _three(self) -> bool:
        return bool(self._description.fmiVersion.startswith("3"))

    def _load(self) -> None:
        from fmpy import extract, platform, platform_tuple, read_model_description, sharedLibraryExtension
        from fmpy.fmi2 import FMU2Slave
        from fmpy.fmi3 import FMU3Slave

        self._description = read_model_description(self._use.file, validate=False)
        self._variables = {one.name: one for one in self._description.modelVariables}
        self._folder = tempfile.mkdtemp(prefix="uatwin-fmu-")
        extract(self._use.file, self._folder)
        identifier = self._description.coSimulation.modelIdentifier
        system = platform_tuple if self._three else platform
        library = os.path.join(self._folder, "binaries", system, identifier + sharedLibraryExtension)
        if not os.path.isfile(library):
            raise ModelError(f"the FMU {self._title} has no binary for {system}; export it for this computer")
        try:
            self._fmu = (FMU3Slave if self._three else FMU2Slave)(
                guid=self._description.guid,
                modelIdentifier=identifier,
                unzipDirectory=self._folder,
                instanceName=self._use.name,
            )
        except AttributeError as error:
            raise ModelError(f"the FMU {self._title} lacks a function that FMI demands: {error}") from None

    def _set(self, values: Mapping[str, float]) -> None:
        for (kind, number), value in self._by_kind(values, values).items():
            getattr(self._fmu, f"set{kind}")([number], [value])

    def _get(self) -> dict[str, float]:
        found = {}
        for name in self._outputs:
            one = self._variables[name]
            (value,) = getattr(self._fmu, f"get{_type(one)}")([one.valueReference])
            found[name] = float(value)
        return found

    def _by_kind(self, names: Iterable[str], values: Mapping[str, float]) -> dict[tuple[str, int], Any]:
        found: dict[tuple[str, int], Any] = {}
        for name in names:
            one = self._variables[name]
            kind, value = _type(one), float(values[name])
            if kind == "Boolean":
                found[kind, one.valueReference] = value > 0.5
            else:
                found[kind, one.valueReference] = round(value) if kind.startswith(_WHOLE) else value
        return found


def _type(variable: Any) -> str:
    """The word in the names of the functions that get and set it."""
    kind = str(variable.type)
    return "Integer" if kind == "Enumeration" else kind
