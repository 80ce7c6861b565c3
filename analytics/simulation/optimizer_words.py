"""What keeps an optimisation from reaching more, in the words of those who run the plant."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from analytics.simulation.judge import CLOSE, Keep
from analytics.simulation.trial import Outcomes
from analytics.simulation.variables import Variable

Shown = Callable[[str], str]


def binding(
    variables: Sequence[Variable], best: npt.NDArray[np.float64], keeps: Sequence[Keep], after: Outcomes, shown: Shown
) -> list[str]:
    """Bounds at which variables stand, and what a further step would break. keeps: these."""
    found = []
    for one, value in zip(variables, best.tolist(), strict=True):
        if value <= one.low:
            found.append(f"{one.name} is at its lowest, {one.low:g}: {one.low_of}")
        elif value >= one.high:
            found.append(f"{one.name} is at its highest, {one.high:g}: {one.high_of}")
    names = {one.path for one in variables}
    for keep in keeps:
        low, high = (float(line[0]) for line in keep.values(after))
        lower = low - keep.low < keep.high - high
        said = f"{low if lower else high:.4g}"
        if keep.rule is None:
            if keep.what not in names:
                found.append(f"{shown(keep.what)} is at {said}; its model ends at {keep.low if lower else keep.high:g}")
        elif keep.rule.margin > 0.0:
            found.append(f"{keep.rule.text}: it comes to {said}, and {keep.rule.margin:.2g} are for the models' error")
        else:
            found.append(f"{keep.rule.text}: it comes to {said}")
    return list(dict.fromkeys(found))


def not_kept(keeps: Sequence[Keep], outcomes: Outcomes, shown: Shown, *, now: bool = False) -> str:
    """What is not kept, and how near it comes. now: as things are, else at the best that there is."""
    found = []
    for keep in keeps:
        slack = float(keep.slack(outcomes)[0])
        if slack >= -CLOSE:
            continue
        if math.isnan(slack):
            return "the models have no answer for any setting"
        low, high = (float(line[0]) for line in keep.values(outcomes))
        value = low if keep.low - low > high - keep.high else high
        found.append(_one(keep, value, shown, now=now))
    return "; ".join(dict.fromkeys(found)) or "the models have no answer for any setting"


def _one(keep: Keep, value: float, shown: Shown, *, now: bool) -> str:
    if keep.rule is None:
        ends = f"{keep.low:g} to {keep.high:g}"
        return f"{shown(keep.what)} leaves the range in which its model holds, {ends}, with {value:.4g}"
    rule = keep.rule
    if rule.low <= value <= rule.high:
        what = "is not kept for certain" if now else "cannot be kept for certain"
        return (
            f"{rule.text} {what}: it comes to {value:.4g}, and must stay {rule.margin:.3g} away from the limit, for so "
            "far the models have lately been off; ask again when they follow the plant, or Calibrate them"
        )
    said = f"{rule.text} {'is not kept, it is' if now else 'cannot be kept, the nearest is'} {value:.4g}"
    return f"{said}; it must be {rule.margin:.3g} inside, for the models' error" if rule.margin else said
