"""Which parameters the data can tell, and why not the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
MOST_COLLINEAR: Final = 20.0
"""Collinearity index above which parameters can stand in for each other; 5 to 20 is usual (Brun et al. 2001)."""
LEAST_SEEN: Final = 0.1
"""What the parameter must move the outputs, root mean square in units of the usual residual, when it is changed by
its own size."""
WIDEST: Final = 0.25
"""Half of the 95 % interval over the parameter's own size."""
_IN_IT: Final = 0.15


@dataclass(frozen=True, slots=True)
class Finding:
    """Parameters that cannot be told, by place, and why."""

    places: tuple[int, ...]
    reason: str


def collinearity(jacobian: Matrix) -> tuple[float, Matrix]:
    """The collinearity index of all parameters together - by how much a change of one of them can be made up for by
    the others, 1 / its remainder - and the direction that shows least, float64[p] (R. Brun, P. Reichert, H. R. Künsch,
    Practical identifiability analysis of large environmental simulation models, Water Resources Research 37, 2001)."""
    norms = np.linalg.norm(jacobian, axis=0)
    scaled = jacobian / np.where(norms > 0.0, norms, 1.0)
    _, sizes, directions = np.linalg.svd(scaled, full_matrices=False)
    return 1.0 / max(float(sizes[-1]), 1e-12), directions[-1]


def findings(jacobian: Matrix, sizes: Matrix, names: Sequence[str]) -> list[Finding]:
    """jacobian: float64[m, p], of residuals over their scale. sizes: of the parameters. First those without effect,
    then groups that only matter together, worst first."""
    effect = np.sqrt(np.mean((jacobian * sizes) ** 2, axis=0))
    found = [
        Finding((place,), f"no measured output depends on {names[place]} enough in that time")
        for place in np.flatnonzero(~(effect > LEAST_SEEN)).tolist()
    ]
    left = [place for place in range(len(names)) if effect[place] > LEAST_SEEN]
    while len(left) > 1:
        index, direction = collinearity(jacobian[:, left])
        if index <= MOST_COLLINEAR:
            break
        share = np.abs(direction)
        group = tuple(left[at] for at in np.flatnonzero(share > _IN_IT * share.max()).tolist())
        told = _and([names[place] for place in group])
        found.append(Finding(group, f"{told} only matter together in that time (collinearity index {_told(index)})"))
        left = [place for place in left if place not in group]
    return found


def _told(index: float) -> str:
    return f"{index:.0f}" if index < 1000.0 else "above 1000"


def _and(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def too_wide(halves: Matrix, sizes: Matrix, names: Sequence[str]) -> list[Finding]:
    """halves: half of the 95 % interval of each."""
    share = halves / sizes
    return [
        Finding((place,), f"{names[place]} is known only within {100.0 * share[place]:.0f} % of its size")
        for place in np.flatnonzero(~(share <= WIDEST)).tolist()
    ]
