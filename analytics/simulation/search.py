"""Looks for the best setting: everywhere first, then downhill, then in steps that people make, and back to what saves
nothing. The same question has the same answer: nothing depends on chance or on the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.simulation.judge import Judged
from analytics.simulation.variables import Variable

Matrix = npt.NDArray[np.float64]
Judge = Callable[[Matrix], Judged]
_SEED: Final = 8
_GENERATIONS: Final = 80
_SPREAD: Final = 12
"""Settings in a generation for each variable."""
_NUDGE: Final = 1e-5
_ROUNDS: Final = 30
_NOTHING: Final = 0.005
"""Share of what is gained that a change must bring, else it is not made."""


@dataclass(slots=True)
class Budget:
    """How many settings may be tried, and who hears how many were. many: whether a thousand cost as much as one."""

    most: int
    many: bool
    progress: Callable[[float], None] = lambda fraction: None
    used: int = field(default=0)

    @property
    def left(self) -> int:
        """Settings that may still be tried."""
        return max(0, self.most - self.used)

    def spend(self, count: int) -> None:
        """So many were tried."""
        self.used += count
        self.progress(min(self.used / self.most, 0.99))


class Search:
    """From the present setting, for variables with their bounds and steps. judge: of settings float64[n, variables]."""

    def __init__(self, judge: Judge, variables: Sequence[Variable], budget: Budget) -> None:
        self._judge = judge
        self._variables = tuple(variables)
        self._budget = budget
        self._low = np.array([one.low for one in variables])
        self._width = np.array([one.high - one.low for one in variables])
        self._step = np.array([one.step for one in variables])
        self.now = np.array([one.current for one in variables])
        self._scale = max(abs(float(judge(self.now[None]).cost[0])), 1e-9)

    def best(self, also: Sequence[Matrix] = ()) -> Matrix:
        """The setting, float64[variables]; where nothing keeps all that must be kept, the one that misses it least.
        also: settings to begin from beside the present one."""
        begin = [np.clip(one, self._low, self._low + self._width) for one in (self.now, *also)]
        x = self._everywhere(begin) if self._budget.many else self._scattered(begin)
        x = self._downhill(x)
        x = self._snapped(x)
        return self._as_it_was(x)

    def rank(self, settings: Matrix) -> Matrix:
        """Of each setting, float64[n]; less is better."""
        self._budget.spend(len(settings))
        return self._judge(settings).ranking(self._scale)

    # -- everywhere ---------------------------------------------------------------------------------------------------

    def _everywhere(self, begin: list[Matrix]) -> Matrix:
        """Differential evolution (Storn and Price, 1997), a generation at a time."""
        from scipy.optimize import differential_evolution  # in a worker only

        count = len(self._variables)
        found = differential_evolution(
            lambda u: self.rank(self._settings(u.T)),
            [(0.0, 1.0)] * count,
            maxiter=_GENERATIONS,
            popsize=_SPREAD,
            tol=1e-5,
            rng=_SEED,
            polish=False,
            init="sobol",
            x0=self._unit(begin[-1]),
            updating="deferred",
            vectorized=True,
        )
        return self._better([self._settings(found.x[None])[0], *begin])

    def _scattered(self, begin: list[Matrix]) -> Matrix:
        """Where a run is dear: a few settings spread evenly (Sobol), beside those to begin from."""
        from scipy.stats import qmc  # in a worker only

        power = max(2, int(np.log2(max(self._budget.left // 3, 4))))
        spread = qmc.Sobol(len(self._variables), rng=_SEED).random_base2(min(power, 5))
        return self._better([*begin, *self._settings(spread)])

    def _better(self, settings: Sequence[Matrix]) -> Matrix:
        table = np.stack(settings)
        return np.asarray(table[int(np.argmin(self.rank(table)))], np.float64)

    # -- downhill -----------------------------------------------------------------------------------------------------

    def _downhill(self, x: Matrix) -> Matrix:
        """SLSQP (Kraft, 1988) with slopes from nudges where settings cost nothing; else COBYQA (Ragonneau and Zhang,
        2022), which needs none."""
        from scipy.optimize import NonlinearConstraint, minimize  # in a worker only

        moving = np.array([not one.whole for one in self._variables])
        if not moving.any() or not self._budget.left:
            return x
        at = self._unit(x)
        seen: dict[bytes, tuple[Matrix, Matrix]] = {}

        def look(v: Matrix) -> tuple[Matrix, Matrix]:
            """Cost and slacks at v and, where they are cheap, at v nudged by each variable."""
            key = v.tobytes()
            if key not in seen:
                u = np.repeat(at[None], 1 + len(v) * self._budget.many, axis=0)
                u[:, moving] = np.clip(v, 0.0, 1.0)
                for number, column in enumerate(np.flatnonzero(moving) if self._budget.many else ()):
                    u[number + 1, column] += _NUDGE if v[number] < 0.5 else -_NUDGE
                found = self._judge(self._settings(u))
                self._budget.spend(len(u))
                seen[key] = np.nan_to_num(found.cost / self._scale, nan=1e3), np.nan_to_num(found.slack, nan=-1e3)
            return seen[key]

        def slopes(values: Matrix, v: Matrix) -> Any:
            nudges = np.where(v < 0.5, _NUDGE, -_NUDGE)
            return (values[..., 1:] - values[..., :1]) / nudges

        begin, bounds = at[moving], [(0.0, 1.0)] * int(moving.sum())
        kept = len(look(begin)[1]) > 0
        if self._budget.many:
            rules: Any = {
                "type": "ineq",
                "fun": lambda v: look(v)[1][:, 0],
                "jac": lambda v: slopes(look(v)[1], v),
            }
            found = minimize(
                lambda v: look(v)[0][0],
                begin,
                jac=lambda v: slopes(look(v)[0], v),
                method="SLSQP",
                bounds=bounds,
                constraints=[rules] if kept else [],
                options={"maxiter": 50},
            )
        else:
            rules = NonlinearConstraint(lambda v: look(v)[1][:, 0], 0.0, np.inf)
            found = minimize(
                lambda v: look(v)[0][0],
                begin,
                method="COBYQA",
                bounds=bounds,
                constraints=[rules] if kept else [],
                options={"maxfev": max(2 * len(begin) + 1, self._budget.left // 2), "initial_tr_radius": 0.1},
            )
        u = at.copy()
        u[moving] = np.clip(found.x, 0.0, 1.0)
        return self._better([x, self._settings(u[None])[0]])

    # -- in steps -----------------------------------------------------------------------------------------------------

    def _snapped(self, x: Matrix) -> Matrix:
        """On the steps of each variable, and better than what is a step or two aside of it."""
        grid = self._rounded(x)
        if self._budget.many:
            below, above = self._rounded(x - self._step / 2.0), self._rounded(x + self._step / 2.0)
            corners = np.stack(np.meshgrid(*np.stack([below, above], 1)[:10]), -1).reshape(-1, min(len(x), 10))
            starts = np.repeat(grid[None], len(corners), axis=0)
            starts[:, :10] = corners
            grid = self._better([grid, *starts])
        for _ in range(_ROUNDS):
            around = self.around(grid)
            if self._budget.left < len(around):
                break
            found = self._better([grid, *around])
            if (found == grid).all():
                break
            grid = found
        return grid

    def around(self, x: Matrix) -> Matrix:
        """A step up and down of each variable and, where they cost nothing, of each two of them."""
        steps = np.diag(self._step)
        moves = [*steps, *-steps]
        if self._budget.many:
            moves += [
                one * a + other * b
                for number, one in enumerate(steps)
                for other in steps[number + 1 :]
                for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))
            ]
        return np.stack([self._rounded(x + move) for move in moves])

    def _as_it_was(self, x: Matrix) -> Matrix:
        """Variables whose change brings nothing stay where they are."""
        before = self.rank(np.stack([self.now, x]))
        gained = float(before[0] - before[1])
        if before[1] < 1e3 <= before[0]:  # it was not even allowed
            gained = 0.0
        elif gained <= 0.0 and before[0] < 1e3:
            return self.now
        inside = (self.now >= self._low) & (self.now <= self._low + self._width)
        most = float(before[1]) + _NOTHING * abs(gained) + 1e-9
        for _ in self._variables:
            moved = np.flatnonzero((x != self.now) & inside)
            if not len(moved):
                break
            tried = np.repeat(x[None], len(moved), axis=0)
            tried[np.arange(len(moved)), moved] = self.now[moved]
            ranks = self.rank(tried)
            if ranks.min() > most:
                break
            x = tried[int(np.argmin(ranks))]
        return x

    def _rounded(self, x: Matrix) -> Matrix:
        """To steps, within the bounds; what is not moved by half a step stays where it is."""
        high = self._low + self._width
        on = np.clip(np.round(np.round(x / self._step) * self._step, 9), self._low, high)
        return np.asarray(np.where(np.abs(on - self.now) < 0.5 * self._step, np.clip(self.now, self._low, high), on))

    def _settings(self, u: Matrix) -> Matrix:
        """From shares of the bounds, float64[n, variables]; whole numbers where there are no others."""
        x = self._low + u * self._width
        whole = np.array([one.whole for one in self._variables])
        return np.asarray(np.where(whole, np.round(x), x))

    def _unit(self, x: Matrix) -> Matrix:
        return np.asarray(np.clip((x - self._low) / np.where(self._width > 0.0, self._width, 1.0), 0.0, 1.0))
