"""Reads a plant file and what it includes, and merges their sections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from server.config.checking import describe
from server.config.errors import Place, Problems
from server.config.yaml_source import Map, Seq, parse


def read_files(path: Path, problems: Problems) -> Map | None:
    """All sections of a plant file and of the files it includes, as one mapping. What is wrong is reported; None when a
    file could not be read at all, so that looking further would find errors that are none."""
    merged = Map(0)
    return merged if _read(path, None, merged, {}, problems) else None


def _read(path: Path, named_at: Place | None, merged: Map, seen: dict[Path, Place | None], problems: Problems) -> bool:
    real = path.resolve()
    if real in seen and named_at is not None:
        problems.add(named_at, f"{path.name} is included already; include each file once")
        return True
    seen[real] = named_at
    if named_at is not None and not path.is_file():
        problems.add(named_at, f"there is no file {path}; paths are relative to this file")
        return False
    before = len(problems)
    data = parse(path, problems)
    if len(problems) > before and data is None:
        return False
    if not isinstance(data, Map):
        start = problems.place(problems.files - 1, 1, 1)
        problems.add(start, f"holds {describe(data)}; a plant file is a mapping with plant:, connections:, twins:, ...")
        return False
    if named_at is None:
        merged.place = data.place
    complete = True
    for name, value in data.items():
        if name == "include":
            complete &= _include(value, data.value_at[name], path, merged, seen, problems)
        else:
            _merge(name, value, data, merged, problems)
    return complete


def _include(
    value: Any, place: Place, path: Path, merged: Map, seen: dict[Path, Place | None], problems: Problems
) -> bool:
    if not isinstance(value, Seq):
        problems.add(place, f"include is {describe(value)}; it must be a list of files: [pumps.yaml]")
        return False
    complete = True
    for name, at in zip(value, value.value_at, strict=True):
        if isinstance(name, str) and name:
            complete &= _read(path.parent / name, at, merged, seen, problems)
        else:
            problems.add(at, f"an include is {describe(name)}; it must be the path of a file")
    return complete


def _merge(name: str, value: Any, source: Map, merged: Map, problems: Problems) -> None:
    """Add a section; sections of names grow, the others can be given once."""
    mine = merged.get(name)
    if name not in merged:
        merged.put(name, value, source.key_at[name], source.value_at[name])
        if isinstance(value, Map):
            merged[name] = value.without(frozenset())
    elif name in ("connections", "types", "twins") and isinstance(mine, Map) and isinstance(value, Map):
        for key, item in value.items():
            if key in mine:
                first = problems.describe(mine.key_at[key])
                problems.add(value.key_at[key], f"{key} is in {name} already (at {first}); rename or remove one")
            else:
                mine.put(key, item, value.key_at[key], value.value_at[key])
    elif not name.startswith("x-"):
        first = problems.describe(merged.key_at[name])
        problems.add(source.key_at[name], f"the section {name} is given already (at {first}); give it once")
