"""Boosted trees of scikit-learn as plain arrays: a model that needs neither pickle nor scikit-learn to predict.

Taken from a fitted HistGradientBoosting estimator with numerical features. Its sum of leaves: what `predict_raw` gives.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.models import Arrays

_FIELDS: Final = ("feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "is_leaf", "value")
_PREFIX: Final = "trees_"


def tree_arrays(estimator: Any) -> Arrays:
    """The trees of a fitted HistGradientBoostingRegressor (or a two-class classifier): their nodes end to end, where
    each tree begins, and the baseline. Raises ValueError for categorical features and for several outputs."""
    trees = [iteration[0].nodes for iteration in estimator._predictors]
    if any(len(iteration) != 1 for iteration in estimator._predictors):
        raise ValueError("trees for several classes are not supported")
    if any(nodes["is_categorical"].any() for nodes in trees):
        raise ValueError("trees with categorical features are not supported")
    begins = np.cumsum([0, *(len(nodes) for nodes in trees)])
    nodes = np.concatenate(trees)
    arrays: dict[str, npt.NDArray[np.generic]] = {_PREFIX + field: nodes[field].copy() for field in _FIELDS}
    arrays[_PREFIX + "begins"] = begins[:-1]
    arrays[_PREFIX + "baseline"] = np.asarray(estimator._baseline_prediction, np.float64).reshape(-1)
    return arrays


def predict_raw(arrays: Arrays, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """float64[n] from float64[n, features]; NaN is a missing value. What `predict` of a regressor with squared error
    gives; of others, before their link function."""
    feature, threshold, missing_left, left, right, is_leaf, value = (arrays[_PREFIX + field] for field in _FIELDS)
    rows = np.arange(len(features))
    begins = np.asarray(arrays[_PREFIX + "begins"], np.int64)
    at = np.repeat(begins[:, None], len(features), axis=1)
    while True:
        inner = ~np.asarray(is_leaf, np.bool_)[at]
        if not inner.any():
            break
        seen = features[rows, np.asarray(feature)[at]]
        goes_left = np.where(np.isnan(seen), np.asarray(missing_left, np.bool_)[at], seen <= np.asarray(threshold)[at])
        next_at = begins[:, None] + np.where(goes_left, np.asarray(left)[at], np.asarray(right)[at])
        at = np.where(inner, next_at, at)
    total: npt.NDArray[np.float64] = np.asarray(value)[at].sum(axis=0) + np.asarray(arrays[_PREFIX + "baseline"])[0]
    return total
