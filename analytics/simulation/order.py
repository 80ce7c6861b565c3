"""In which order parts are computed, and which of them go round in circles."""

from __future__ import annotations

from collections.abc import Mapping, Set


def groups(needs: Mapping[int, Set[int]]) -> list[list[int]]:
    """Parts in an order in which each comes after those it needs; those that need each other together in one list.

    needs: part to the parts whose outputs it takes. Tarjan's strongly connected components (1972).
    """
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    found: list[list[int]] = []

    def visit(node: int) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(needs[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            cut = stack.index(node)
            found.append(sorted(stack[cut:]))
            del stack[cut:]

    for node in sorted(needs):
        if node not in index:
            visit(node)
    return found
