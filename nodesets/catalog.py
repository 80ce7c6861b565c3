"""Which nodesets ship, in the order they are to be loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nodesets.node_ids import TYPES_URI


@dataclass(frozen=True, slots=True)
class NodeSet:
    """A NodeSet2 file and the namespace it fills; `needs` are the namespaces that must be there before it."""

    uri: str
    path: Path
    needs: tuple[str, ...] = ()


TWIN: Final = NodeSet(TYPES_URI, Path(__file__).with_name("twin.NodeSet2.xml"))
SHIPPED: Final = (TWIN,)
"""Everything a server loads at start-up; each stands after what it needs."""
