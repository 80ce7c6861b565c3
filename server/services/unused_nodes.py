"""Takes nodes of namespace 0 away that promise what the server does not do: a client believes what it browses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from asyncua import ua
from asyncua.server.address_space import AddressSpace, NodeData

from server.services.wire import node_id

NOT_OFFERED: Final = (
    "Server_UrisVersion",
    "Server_LocalTime",
    "Server_ServerCapabilities_RoleSet",
    "Server_ServerRedundancy_RedundantServerArray",
    "Server_SetSubscriptionDurable",
    "Server_RequestServerStateChange",
    "Dictionaries",
    "Quantities",
    *(f"DefaultHAConfiguration_{name}" for name in ("Definition", "ExceptionDeviation", "ExceptionDeviationFormat")),
    *(f"DefaultHAConfiguration_{name}" for name in ("StartOfArchive", "StartOfOnlineArchive")),
    *(f"DefaultHAConfiguration_{name}" for name in ("MaxTimeStoredValues", "MaxCountStoredValues")),
    "ServerConfiguration",
    *(f"PublishSubscribe_{name}Connection" for name in ("Add", "Remove")),
    *(f"PublishSubscribe_{name}" for name in ("SetSecurityKeys", "GetSecurityKeys", "GetSecurityGroup")),
    *(f"PublishSubscribe_{name}" for name in ("SecurityGroups", "KeyPushTargets", "DefaultSecurityKeyServices")),
    *(f"PublishSubscribe_{name}" for name in ("PublishedDataSets", "SubscribedDataSets", "DataSetClasses")),
    *(f"PublishSubscribe_{name}" for name in ("Diagnostics", "PubSubConfiguration", "PubSubCapablities")),
    *(f"PublishSubscribe_{name}" for name in ("ConfigurationVersion", "ConfigurationProperties")),
    *(f"PublishSubscribe_{name}" for name in ("DefaultDatagramPublisherId", "Status_Enable", "Status_Disable")),
    "Resources",
    "ServerLog",
    "Aliases",
    "OPCUANamespaceMetadata_StaticStringNodeIdPattern",
    "OPCUANamespaceMetadata_DefaultRolePermissions",
    "OPCUANamespaceMetadata_DefaultUserRolePermissions",
    "OPCUANamespaceMetadata_DefaultAccessRestrictions",
)
"""Names in `ua.ObjectIds`; what stands below goes with them."""

_OWNING: Final = frozenset(
    node_id(kind) for kind in (ua.ObjectIds.HasComponent, ua.ObjectIds.HasProperty, ua.ObjectIds.HasOrderedComponent)
)
_INSTANCES: Final = (ua.NodeClass.Object, ua.NodeClass.Variable, ua.NodeClass.Method)


def remove(aspace: AddressSpace, names: Iterable[str] = NOT_OFFERED) -> int:
    """Remove these nodes, those they own and every reference to them; how many there were."""
    gone: set[ua.NodeId] = set()
    for name in names:
        node = aspace.get(node_id(getattr(ua.ObjectIds, name)))
        if node is not None:
            _collect(aspace, node, gone)
    for one in gone:
        del aspace[one]
    for key in list(aspace.keys()):
        references = aspace[key].references
        if any(reference.NodeId in gone for reference in references):
            references[:] = [reference for reference in references if reference.NodeId not in gone]
    return len(gone)


def _collect(aspace: AddressSpace, top: NodeData, gone: set[ua.NodeId]) -> None:
    waiting = [top]
    while waiting:
        node = waiting.pop()
        gone.add(node.nodeid)
        for reference in node.references:
            owned = reference.IsForward and reference.ReferenceTypeId in _OWNING
            if owned and reference.NodeClass in _INSTANCES and reference.NodeId not in gone:
                below = aspace.get(reference.NodeId)
                if below is not None:
                    waiting.append(below)
