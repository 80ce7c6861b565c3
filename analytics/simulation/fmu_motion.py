"""The states of an FMU for model exchange on their way through time and events, by scipy's LSODA."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.simulation.fmu_instance import FmuInstance
from analytics.simulation.system import ModelError

Line = npt.NDArray[np.float64]
_RELATIVE: Final = 1e-7
_ABSOLUTE: Final = 1e-8
"""Of the nominal value of each state."""
_MOST_EVENTS: Final = 10_000
_MOST_ROUNDS: Final = 100
_MOST_LOOKS: Final = 100_000
"""Within one step."""


class Motion:
    """Where an initialized FMU stands. FMI 2.0, 3.2 and FMI 3.0, 3.2: continuous time between events; an event is the
    change of an input, a time that the FMU names, an event indicator that changes its sign (to be > 0 or not), or the
    FMU's wish after a step. Raises ModelError, FMICallException."""

    def __init__(self, instance: FmuInstance) -> None:
        self._instance = instance
        fmu = self._fmu = instance.fmu
        about = instance.description
        if instance.three:
            states, indicators = fmu.getNumberOfContinuousStates(), fmu.getNumberOfEventIndicators()
            self._rates, self._update = fmu.getContinuousStateDerivatives, fmu.updateDiscreteStates
        else:
            states, indicators = about.numberOfContinuousStates, about.numberOfEventIndicators
            self._rates, self._update = fmu.getDerivatives, fmu.newDiscreteStates
        self._completes = bool(about.modelExchange.needsCompletedIntegratorStep)
        self._x, self._dx, self._z = np.zeros(states), np.zeros(states), np.zeros(indicators)
        self._nominal = np.ones(states)
        self._looks = 0
        self._settle(0.0)

    def change(self, t: float, inputs: Mapping[str, float]) -> None:
        """Other inputs from now on."""
        self._fmu.setTime(t)
        self._fmu.enterEventMode()
        self._instance.set(inputs)
        self._settle(t)

    def go(self, t: float, end: float) -> None:
        """From t, where it stands, to the end."""
        self._looks = 0
        for _ in range(_MOST_EVENTS):
            t, happened = self._integrate(t, min(end, self._next))
            if happened or t >= self._next:
                self._fmu.enterEventMode()
                self._settle(t)
            elif t >= end:
                return
        raise ModelError(f"the FMU {self._instance.title} has event after event at {t:g} s")

    def _integrate(self, t: float, until: float) -> tuple[float, bool]:
        """To that time, or just behind the first event; whether there was one."""
        if t >= until:
            return t, False
        from scipy.integrate import LSODA  # in a worker only

        start = self._x if len(self._x) else np.zeros(1)  # without states the time alone goes on
        tolerance = _ABSOLUTE * (self._nominal if len(self._x) else 1.0)
        signs = self._signs(t, start)
        solver = LSODA(self._derivatives, t, start.copy(), until, rtol=_RELATIVE, atol=tolerance)
        while solver.status == "running":
            trouble = solver.step()
            if solver.status == "failed":
                raise ModelError(f"the FMU {self._instance.title} cannot be followed beyond {solver.t:g} s: {trouble}")
            crossed = bool((self._signs(solver.t, solver.y) != signs).any())
            now = self._crossing(solver, signs) if crossed else float(solver.t)
            if self._completed(now) or crossed:
                return now, True
        return until, False

    def _crossing(self, solver: Any, before: npt.NDArray[np.bool_]) -> float:
        """The time just behind the first change of a sign within the last step; the FMU stands there."""
        course = solver.dense_output()
        low, high = float(solver.t_old), float(solver.t)
        enough = max(1e-9 * (high - low), 4.0 * float(np.spacing(abs(high))))
        while high - low > enough:
            middle = 0.5 * (low + high)
            if (self._signs(middle, course(middle)) != before).any():
                high = middle
            else:
                low = middle
        self._stand(high, course(high))
        return high

    def _completed(self, t: float) -> bool:
        """Tell it that a step is done; whether it wants an event."""
        if not self._completes:
            return False
        wants, ends = self._fmu.completedIntegratorStep()
        if ends:
            raise self._ended(t)
        return bool(wants)

    def _settle(self, t: float) -> None:
        """From event mode, in which it is, back to continuous time."""
        for _ in range(_MOST_ROUNDS):
            again, ends, _nominals, _values, defined, moment = self._update()
            if ends:
                raise self._ended(t)
            if not again:
                break
        else:
            raise ModelError(f"the events of the FMU {self._instance.title} do not come to rest at {t:g} s")
        self._next = float(moment) if defined else math.inf
        self._fmu.enterContinuousTimeMode()
        if len(self._x):
            self._fmu.getContinuousStates(_pointer(self._x), len(self._x))
            self._fmu.getNominalsOfContinuousStates(_pointer(self._nominal), len(self._x))
            self._nominal = np.where(self._nominal > 0.0, self._nominal, 1.0)

    def _stand(self, t: float, x: Line) -> None:
        self._fmu.setTime(t)
        if len(self._x):
            self._x[:] = x
            self._fmu.setContinuousStates(_pointer(self._x), len(self._x))

    def _signs(self, t: float, x: Line) -> npt.NDArray[np.bool_]:
        """Of the event indicators there."""
        self._stand(t, x)
        if len(self._z):
            self._fmu.getEventIndicators(_pointer(self._z), len(self._z))
        return self._z > 0.0

    def _derivatives(self, t: float, x: Line) -> Line:
        self._looks += 1
        if self._looks > _MOST_LOOKS:
            raise ModelError(f"the FMU {self._instance.title} moves too fast to be followed beyond {t:g} s")
        self._stand(t, x)
        if not len(self._x):
            return np.zeros(1)
        self._rates(_pointer(self._dx), len(self._dx))
        if not np.isfinite(self._dx).all():
            raise ModelError(f"the FMU {self._instance.title} has derivatives that are no numbers at {t:g} s")
        return self._dx.copy()

    def _ended(self, t: float) -> ModelError:
        return ModelError(f"the FMU {self._instance.title} ends the simulation at {t:g} s")


def _pointer(values: Line) -> Any:
    return values.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
