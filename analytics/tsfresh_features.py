"""tsfresh's features of windows; to be imported in a worker only."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from tsfresh.feature_extraction import (
    ComprehensiveFCParameters,
    EfficientFCParameters,
    MinimalFCParameters,
    extract_features,
)
from tsfresh.feature_extraction.settings import from_columns
from tsfresh.utilities.distribution import ClusterDaskDistributor

from analytics.arguments import Progress
from analytics.cluster import Cluster, connected
from analytics.tsfresh_names import TSFRESH
from analytics.windows import Cuts

_SETS: Final = {
    "Minimal": MinimalFCParameters,
    "Efficient": EfficientFCParameters,
    "Comprehensive": ComprehensiveFCParameters,
}

_PARTS: Final = {"Minimal": 500, "Efficient": 20, "Comprehensive": 10}
"""Windows that are worked on at once, about a second's work."""


def _untold(_fraction: float) -> None:
    """For whom progress does not matter."""


def standard(
    cuts: Cuts, feature_set: str, cluster: Cluster | None = None, progress: Progress = _untold
) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Names and values (float64[pieces, features]) of one of tsfresh's own sets. cluster: where it works, None: here.
    Raises ClusterAway."""
    table = _extract_in_parts(cuts, _SETS[feature_set](), _PARTS[feature_set], cluster, progress)
    return list(table.columns), table.to_numpy(np.float64)


def unknown(names: Sequence[str]) -> list[str]:
    """Those that tsfresh does not know, or not with these parameters."""
    return [name for name in names if not _understood(name)]


def named(
    cuts: Cuts, names: Sequence[str], cluster: Cluster | None = None, progress: Progress = _untold
) -> npt.NDArray[np.float64]:
    """Values of features by their names, float64[pieces, features]. Raises ClusterAway."""
    table = _extract_in_parts(cuts, _parameters(names), _PARTS["Minimal"], cluster, progress)
    values: npt.NDArray[np.float64] = table.reindex(columns=list(names)).to_numpy(np.float64)
    return values


def _understood(name: str) -> bool:
    if name.split("__", 1)[0] not in TSFRESH:
        return False
    try:
        parameters = _parameters([name])
        return name in _extract(_PROBE, parameters).columns
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, SyntaxError, NameError):
        return False  # what tsfresh raises for parameters that it cannot read


def _parameters(names: Sequence[str]) -> Mapping[str, Any]:
    parameters: Mapping[str, Any] = from_columns([f"value__{name}" for name in names])["value"]
    return parameters


def _extract_in_parts(
    cuts: Cuts, parameters: Mapping[str, Any], part: int, cluster: Cluster | None, progress: Progress
) -> pd.DataFrame:
    """So many windows at a time, so that progress can be told; on a cluster so many for each of its workers."""
    with _distributor(cluster) as distributor:
        part *= distributor.workers if distributor is not None else 1
        tables = []
        for first in range(0, len(cuts), part):
            some = Cuts(cuts.values, cuts.ticks, cuts.low[first : first + part], cuts.high[first : first + part])
            tables.append(_extract(some, parameters, distributor))
            progress((first + len(some)) / len(cuts))
    return pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]


class _Distributor(ClusterDaskDistributor):  # type: ignore[misc]
    """tsfresh's own, over a connection that is secured, and stays open for the next part."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))

    def calculate_best_chunk_size(self, data_length: int) -> int:
        """Five pieces of work for each worker."""
        return max(1, -(-data_length // (5 * self.workers)))

    def close(self) -> None:
        """Whoever connected it closes it."""


@contextmanager
def _distributor(cluster: Cluster | None) -> Iterator[_Distributor | None]:
    if cluster is None:
        yield None
        return
    with connected(cluster) as client:
        yield _Distributor(client)


def _extract(cuts: Cuts, parameters: Mapping[str, Any], distributor: _Distributor | None = None) -> pd.DataFrame:
    """One row per piece in order, columns by feature name; NaN for a piece without a value."""
    sizes = cuts.high - cuts.low
    piece = np.repeat(np.arange(len(cuts)), sizes)
    at = np.arange(len(piece)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(cuts.low, sizes)
    values = cuts.values[at]
    there = ~np.isnan(values)
    if not there.any():
        return pd.DataFrame(index=range(len(cuts)), columns=list(_names(parameters)), dtype=float)
    long = pd.DataFrame({"id": piece[there], "value": values[there]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # short and constant windows; the result says it with NaN
        wide = extract_features(
            long,
            column_id="id",
            column_value="value",
            default_fc_parameters=parameters,
            n_jobs=0,
            disable_progressbar=True,
            distributor=distributor,
        )
    wide.columns = [name.removeprefix("value__") for name in wide.columns]
    return wide.astype(float).reindex(range(len(cuts)))


def _names(parameters: Mapping[str, Any]) -> list[str]:
    return list(_extract(_PROBE, parameters).columns)


_PROBE: Final = Cuts(
    np.sin(np.arange(50.0)), np.arange(50, dtype=np.int64), np.array([0], np.intp), np.array([50], np.intp)
)
"""A harmless course, to learn names from."""
