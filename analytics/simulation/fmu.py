"""FMUs as parts: FMI 2.0 and 3.0 units for co-simulation or model exchange. Native code: in a worker process only."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from analytics.errors import NotAvailable
from analytics.simulation.fmu_description import FmuError, describe_fmu
from analytics.simulation.fmu_instance import FmuInstance, telling, title
from analytics.simulation.fmu_motion import Motion
from analytics.simulation.model import EXTERNAL, MachineModel
from analytics.simulation.parts import Part, wired
from analytics.simulation.system import ModelError
from analytics.simulation.wiring import ModelUse


def load_fmu(use: ModelUse) -> Part:
    """The part that an FMU is; its code is not loaded before it begins. One that can do both is taken for
    co-simulation, as it was tested with its own solver. Raises NotAvailable."""
    try:
        said = describe_fmu(use.file)
    except FmuError as error:
        raise NotAvailable(f"{title(use)}: {error}") from None
    try:
        import fmpy  # noqa: F401, only whether it is there
    except ImportError:
        raise NotAvailable(f"{title(use)} is an FMU, for which FMPy is missing: install the extra fmi") from None
    model = MachineModel(
        use.kind,
        use.description or said.description or said.name,
        EXTERNAL,
        use.input_ports or said.inputs,
        use.output_ports or said.outputs,
        said.parameters,
        _never,
    )
    stepper = CoSimulation(use) if said.co_simulation else ModelExchange(use)
    return wired(use, model, dict(use.parameters), stepper)


def _never(_t: float, _x: Any, _u: Any, _p: Any) -> dict[str, Any]:
    raise ModelError("an FMU is not computed, it goes on by steps")


class _Stepper:
    """What both have in common. Unpacked when it begins, gone when it is closed."""

    exchange = False

    def __init__(self, use: ModelUse) -> None:
        self._use = use
        self._fmu: FmuInstance | None = None
        self._outputs = [port.name for port in use.output_ports] or [one.name for one in describe_fmu(use.file).outputs]

    def close(self) -> None:
        """End the instance and remove what was unpacked."""
        if self._fmu is not None:
            self._fmu.close()
            self._fmu = None

    def _begun(self, inputs: Mapping[str, float]) -> FmuInstance:
        self.close()
        self._fmu = FmuInstance(self._use, self.exchange)
        self._fmu.begin({**self._use.parameters, **inputs})
        return self._fmu

    def _starting(self) -> AbstractContextManager[None]:
        return telling(f"the FMU {title(self._use)} does not start")

    def _stepping(self, t: float) -> AbstractContextManager[None]:
        return telling(f"the FMU {title(self._use)} refuses the step from {t:g} s on")


class CoSimulation(_Stepper):
    """An FMU that brings its own solver (FMI 2.0, 4; FMI 3.0, 4)."""

    def begin(self, inputs: Mapping[str, float]) -> dict[str, float]:
        """Raises ModelError when it cannot be loaded or fails."""
        with self._starting():
            return self._begun(inputs).get(self._outputs)

    def step(self, t: float, dt: float, inputs: Mapping[str, float]) -> dict[str, float]:
        """Raises ModelError when it refuses or ends."""
        fmu = self._fmu
        assert fmu is not None
        with self._stepping(t):
            fmu.set(inputs)
            said = fmu.fmu.doStep(currentCommunicationPoint=t, communicationStepSize=dt)
            if fmu.three and said[1]:  # terminateSimulation
                raise ModelError(f"the FMU {fmu.title} ends the simulation at {said[3]:g} s")
            return fmu.get(self._outputs)


class ModelExchange(_Stepper):
    """An FMU that only has equations, solved here (FMI 2.0, 3; FMI 3.0, 3)."""

    exchange = True

    def begin(self, inputs: Mapping[str, float]) -> dict[str, float]:
        """Raises ModelError when it cannot be loaded or fails."""
        with self._starting():
            fmu = self._begun(inputs)
            self._motion = Motion(fmu)
            self._inputs = dict(inputs)
            return fmu.get(self._outputs)

    def step(self, t: float, dt: float, inputs: Mapping[str, float]) -> dict[str, float]:
        """Raises ModelError when it refuses or ends."""
        fmu = self._fmu
        assert fmu is not None
        with self._stepping(t):
            if self._inputs != inputs:
                self._motion.change(t, inputs)
                self._inputs = dict(inputs)
            self._motion.go(t, t + dt)
            return fmu.get(self._outputs)
