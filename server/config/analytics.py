"""The tags that hold the latest results of analytics: the same on every twin that has something to compute with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analytics.latest import LATEST
from drivers.data_types import DataType, has_cell
from server.config.optimization import commands_of
from server.config.optimization_tags import optimization_tags
from server.config.plant import Tag, Twin

_NOT_NUMERIC = (DataType.Boolean, DataType.DateTime)


def is_numeric(tag: Tag) -> bool:
    """Whether analytics can compute with it: one number."""
    return has_cell(tag.data_type) and not tag.array_length and tag.data_type not in _NOT_NUMERIC


def with_results(twins: Sequence[Twin], tags: Sequence[Tag]) -> tuple[tuple[Twin, ...], tuple[Tag, ...]]:
    """The twins with their results, in rows behind the last; one whose name the plant uses itself is left out."""
    made = list(tags)
    taken = {tag.path for tag in tags} | {twin.path for root in twins for twin in root.walk()}
    return tuple(_with_results(twin, made, taken)[0] for twin in twins), tuple(made)


def _with_results(twin: Twin, made: list[Tag], taken: set[str]) -> tuple[Twin, bool]:
    """The twin, and whether there is anything numeric in it or below."""
    below = [_with_results(child, made, taken) for child in twin.children]
    numeric = any(is_numeric(tag) for tag in twin.telemetry) or any(has for _, has in below)
    results = _results(twin.path, len(made), taken) if numeric else ()
    if commands_of(use for one in twin.walk() for use in one.models):
        results += optimization_tags(twin.path, len(made) + len(results), taken)
    made.extend(results)
    return replace(twin, children=tuple(child for child, _ in below), analytics=results), numeric


def _results(path: str, first_row: int, taken: set[str]) -> tuple[Tag, ...]:
    free = [one for one in LATEST if f"{path}/{one.name}" not in taken]
    return tuple(
        Tag(
            first_row + number,
            one.name,
            f"{path}/{one.name}",
            DataType.Double,
            one.description,
            unit=one.unit,
            range=one.range,
        )
        for number, one in enumerate(free)
    )
