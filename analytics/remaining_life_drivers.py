"""Which signals push an estimate of trees, by Shapley values against a part that is new (Strumbelj, Kononenko 2014)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.models import Arrays
from analytics.trees import predict_raw

_ORDERS: Final = 8
"""Random orders, each taken from both ends."""


def effects(
    arrays: Arrays, now: npt.NDArray[np.float64], new: npt.NDArray[np.float64], group: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """How much each group of features moves the estimate from that of `new` to that of `now` (float64[features] each);
    float64[groups], they add up to the whole difference. group: int[features]."""
    groups = int(group.max()) + 1
    random = np.random.default_rng(0)
    half = [random.permutation(groups) for _ in range(_ORDERS)]
    orders = [order for one in half for order in (one, one[::-1])]
    rank = np.argsort(np.stack(orders), axis=1)
    known = rank[:, None, :] < np.arange(groups + 1)[None, :, None]  # order, step, group
    rows = np.where(known[:, :, group], now, new).reshape(-1, len(now))
    said = predict_raw(arrays, rows).reshape(len(orders), groups + 1)
    steps = np.take_along_axis(np.diff(said, axis=1), rank, axis=1)
    return np.asarray(steps.mean(axis=0))
