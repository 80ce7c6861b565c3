"""Plants of any size for the benchmarks, made without a file."""

from __future__ import annotations

from drivers.data_types import DataType
from server.config.plant import Plant, Scope, Tag, Twin

PER_ASSET = 100


def doubles(tags: int) -> Plant:
    """Assets of 100 Double tags each, with EURange and EngineeringUnits: Bench/Asset<n>/Tag<row>."""
    every = tuple(
        Tag(
            row,
            f"Tag{row}",
            f"Bench/Asset{row // PER_ASSET}/Tag{row}",
            DataType.Double,
            unit="CEL",
            range=(-1e12, 1e12),
        )
        for row in range(tags)
    )
    assets = tuple(
        _twin(f"Asset{start // PER_ASSET}", "Bench", Scope.asset, every[start : start + PER_ASSET])
        for start in range(0, tags, PER_ASSET)
    )
    return Plant("Bench", "", None, {}, (_twin("Bench", "", Scope.process, (), assets),), every)


def _twin(name: str, parent: str, scope: Scope, tags: tuple[Tag, ...], children: tuple[Twin, ...] = ()) -> Twin:
    path = f"{parent}/{name}" if parent else name
    return Twin(name, path, scope, "", "", {}, tags, (), (), (), children)
