"""How sure a remaining life is: what held-out lives had left when the model said about the same of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.models import Arrays

_NEAR: Final = 0.15
"""Share of the rows that count as "about the same"."""
_LEAST_ROWS: Final = 30


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """n rows of held-out lives. said: float64[n], by the model; left: float64[n], in truth; life: int[n], of which."""

    said: npt.NDArray[np.float64]
    left: npt.NDArray[np.float64]
    life: npt.NDArray[np.intp]

    def arrays(self) -> Arrays:
        """What a model keeps of it."""
        return {"held_said": self.said, "held_left": self.left, "held_life": self.life.astype(np.int32)}

    @staticmethod
    def of(arrays: Arrays) -> Calibration:
        """That of a model."""
        said, left = (np.asarray(arrays[name], np.float64) for name in ("held_said", "held_left"))
        return Calibration(said, left, np.asarray(arrays["held_life"], np.intp))

    def only(self, rows: npt.NDArray[np.bool_]) -> Calibration:
        """Some of the rows."""
        return Calibration(self.said[rows], self.left[rows], self.life[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """lower, upper: with the wanted confidence. chances: that the end comes within each horizon. promised: the most
    confidence that so many lives can bear."""

    lower: float
    upper: float
    chances: npt.NDArray[np.float64]
    promised: float


def outlook(known: Calibration, said: float, confidence: float, horizons: Sequence[float] = ()) -> Outlook:
    """What is behind a value that the model says. Rows of one life go together, so lives count, not rows: the quantiles
    are those of split-conformal prediction for as many lives as are near."""
    off = np.abs(known.said - said)
    many = min(len(off), max(_LEAST_ROWS, int(_NEAR * len(off))))
    near = np.argpartition(off, many - 1)[:many]
    left = np.maximum(said + known.left[near] - known.said[near], 0.0)
    lives = len(np.unique(known.life[near]))
    tail = (1.0 - confidence) / 2.0
    outer = np.clip(tail - (1.0 - tail) / lives, 0.0, 1.0)
    lower, upper = np.quantile(left, [outer, 1.0 - outer])
    chances = np.array([(left <= horizon).mean() for horizon in horizons])
    return Outlook(float(min(lower, said)), float(max(upper, said)), chances, 1.0 - 2.0 / (lives + 1.0))
