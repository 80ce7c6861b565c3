"""Loads NodeSet2 files into an asyncua server and puts a mapping of nodes under its address space."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from xml.etree.ElementTree import ParseError

from asyncua import ua
from asyncua.server.address_space import NodeData
from asyncua.server.server import Server
from asyncua.ua.uaerrors import UaError

from nodesets.catalog import NodeSet

Nodes = MutableMapping[ua.NodeId, NodeData]


class NodeSetError(RuntimeError):
    """A nodeset that cannot be loaded: which file, why, and what would help."""


async def load(server: Server, nodesets: Sequence[NodeSet]) -> dict[str, int]:
    """Load them in order, and return the namespace index of each by its URI; one that is there already is skipped."""
    for nodeset in nodesets:
        present = await server.get_namespace_array()
        missing = [uri for uri in nodeset.needs if uri not in present]
        if missing:
            raise NodeSetError(f"{nodeset.path.name} needs {', '.join(missing)}; load those nodesets before it")
        if nodeset.uri not in present:
            await _import(server, nodeset)
    present = await server.get_namespace_array()
    return {nodeset.uri: present.index(nodeset.uri) for nodeset in nodesets}


async def _import(server: Server, nodeset: NodeSet) -> None:
    try:
        await server.import_xml(str(nodeset.path))
    except (OSError, ValueError, ParseError, UaError) as error:
        raise NodeSetError(f"{nodeset.path}: cannot be loaded: {error}; is it a complete NodeSet2 file?") from error


def mount(server: Server, wrap: Callable[[Nodes], Nodes]) -> None:
    """Replace the server's mapping from NodeId to node by `wrap(the present one)`. asyncua has no public way for it;
    what it does itself for a shelf of nodes (`AddressSpace.load_aspace_shelf`) is the same assignment."""
    address_space = server.iserver.aspace
    address_space._nodes = wrap(address_space._nodes)  # type: ignore[assignment]
