"""Trees as arrays say what the estimator says."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.model_store import packed
from analytics.trees import predict_raw, tree_arrays


def test_the_arrays_predict_what_the_estimator_predicts() -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    random = np.random.default_rng(1)
    features = random.normal(size=(600, 5))
    features[random.random(features.shape) < 0.1] = np.nan
    wanted = np.nan_to_num(features[:, 0]) * 3 + np.nan_to_num(features[:, 1]) ** 2
    estimator = ensemble.HistGradientBoostingRegressor(max_iter=40, random_state=0).fit(features, wanted)
    arrays = tree_arrays(estimator)
    np.testing.assert_allclose(predict_raw(arrays, features), estimator.predict(features))
    assert len(packed(arrays)) > 100, "nothing that would need pickle"
