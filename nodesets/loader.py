"""Loads NodeSet2 files into an asyncua server and puts a mapping of nodes under its address space."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any
from xml.etree.ElementTree import ParseError

from asyncua import ua
from asyncua.common.xmlimporter import XmlImporter
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


class _Importer(XmlImporter):
    """asyncua's own works the types of a structure out anew for each: two thirds of the time of loading went into the
    Arguments of methods."""

    async def _make_ext_obj(self, obj: Any) -> Any:
        if obj.objname != "Argument":
            return await super()._make_ext_obj(obj)  # type: ignore[no-untyped-call]
        told = {name: value for _, content in obj.body for name, value in content}
        data_type = ua.NodeId.from_string(dict(told["DataType"])["Identifier"])
        description = dict(told.get("Description") or ()).get("Text", "")
        dimensions = [ua.UInt32(int(one)) for _, one in told.get("ArrayDimensions") or ()]
        return ua.Argument(
            Name=ua.String(told["Name"]),
            DataType=self._migrate_ns(data_type),
            ValueRank=ua.Int32(int(told["ValueRank"])),
            ArrayDimensions=dimensions,
            Description=ua.LocalizedText(description),
        )


async def _import(server: Server, nodeset: NodeSet) -> None:
    try:
        await _Importer(server, strict_mode=True).import_xml(str(nodeset.path))  # type: ignore[no-untyped-call]
    except (OSError, ValueError, ParseError, UaError) as error:
        raise NodeSetError(f"{nodeset.path}: cannot be loaded: {error}; is it a complete NodeSet2 file?") from error


def mount(server: Server, wrap: Callable[[Nodes], Nodes]) -> None:
    """Replace the server's mapping from NodeId to node by `wrap(the present one)`. asyncua has no public way for it;
    what it does itself for a shelf of nodes (`AddressSpace.load_aspace_shelf`) is the same assignment."""
    address_space = server.iserver.aspace
    address_space._nodes = wrap(address_space._nodes)  # type: ignore[assignment]
