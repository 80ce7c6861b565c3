"""Declares the analytics methods in the types, as the catalog has them.

`python -m server.address_space.declare_methods`, to be run after the catalog has changed (a test tells). The
number of a method, once given, never changes.
"""

from __future__ import annotations

import json
from typing import Any, Final

from analytics.catalog import CATALOG
from analytics.function import Argument
from nodesets.analytics_methods import METHODS, read
from nodesets.units import unit

_FIRST: Final = 7002


def declared(before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The content of analytics_methods.json; before: what it holds so far."""
    numbers = {one["name"]: one["id"] for one in before}
    fresh = max(numbers.values(), default=_FIRST - 1) + 1
    methods = []
    for function in CATALOG.values():
        if function.name not in numbers:
            numbers[function.name], fresh = fresh, fresh + 1
        methods.append(
            {
                "id": numbers[function.name],
                "name": function.name,
                "description": function.description,
                "inputs": [_argument(one) for one in function.arguments],
                "outputs": [_argument(one) for one in function.results],
            }
        )
    return methods


def _argument(one: Argument) -> dict[str, Any]:
    text = f"{one.description} [{unit(one.unit).symbol}]" if one.unit else one.description
    return {"name": one.name, "data_type": one.data_type.name, "description": text, "rank": one.value_rank}


def main() -> None:
    """Write both files."""
    METHODS.write_text(json.dumps(declared(read()), indent=1, ensure_ascii=False) + "\n", "utf-8")
    from nodesets import build  # reads, when it is imported, what has just been written

    build.main()


if __name__ == "__main__":
    main()
