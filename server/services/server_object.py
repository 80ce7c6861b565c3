"""The Server object (Part 5, 6.3): status, capabilities, limits and diagnostics, as they really are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.server.address_space import AttributeValue
from asyncua.ua.uatypes import get_win_epoch

from server.services import history_object, server_diagnostics

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

_V = ua.VariantType
_OPERATIONAL: Final = 2
"""PubSubState (Part 14, 6.2.1)."""
_PUBSUB_JSON: Final = "http://opcfoundation.org/UA-Profile/Transport/pubsub-mqtt-json"
_PROFILES: Final = ("http://opcfoundation.org/UA-Profile/Server/StandardUA2017",)
_LIMITS: Final = {
    "OperationLimits_MaxNodesPerRead": "max_nodes_per_read",
    "OperationLimits_MaxNodesPerWrite": "max_nodes_per_write",
    "OperationLimits_MaxNodesPerMethodCall": "max_nodes_per_method_call",
    "OperationLimits_MaxNodesPerBrowse": "max_nodes_per_browse",
    "OperationLimits_MaxNodesPerRegisterNodes": "max_nodes_per_register",
    "OperationLimits_MaxNodesPerTranslateBrowsePathsToNodeIds": "max_nodes_per_translate",
    "OperationLimits_MaxNodesPerNodeManagement": "max_nodes_per_node_management",
    "OperationLimits_MaxMonitoredItemsPerCall": "max_monitored_items_per_call",
    "OperationLimits_MaxNodesPerHistoryReadData": "max_nodes_per_history_read",
    "OperationLimits_MaxNodesPerHistoryReadEvents": "max_nodes_per_history_read",
    "OperationLimits_MaxNodesPerHistoryUpdateData": "max_nodes_per_history_update",
    "OperationLimits_MaxNodesPerHistoryUpdateEvents": "max_nodes_per_history_update",
    "MaxArrayLength": "max_array_length",
    "MaxStringLength": "max_string_length",
    "MaxByteStringLength": "max_string_length",
    "MaxSessions": "max_sessions",
    "MaxSubscriptions": "max_subscriptions",
    "MaxSubscriptionsPerSession": "max_subscriptions_per_session",
    "MaxMonitoredItems": "max_monitored_items",
    "MaxMonitoredItemsPerSubscription": "max_monitored_items_per_subscription",
    "MaxMonitoredItemsQueueSize": "max_monitored_item_queue",
    "MaxSelectClauseParameters": "max_filter_clauses",
    "MaxWhereClauseParameters": "max_filter_clauses",
}


class ServerObject:
    """Fills the standard nodes of one server."""

    def __init__(self, server: UaServer) -> None:
        self._server = server
        self._started: Any = datetime.now(UTC)
        self.state = ua.ServerState.Running
        self.seconds_till_shutdown = 0
        self.service_level = 255
        self._build = _build_info(server)

    def fill(self) -> None:
        """Give every node that a client looks at its value."""
        self._status()
        self._capabilities()
        self._diagnostics()
        history_object.fill(self._server, self.set, self.watch)
        self.set("Server_ServerRedundancy_RedundancySupport", int(ua.RedundancySupport.None_), _V.Int32)
        self.set("Server_Auditing", True, _V.Boolean)
        self.set("PublishSubscribe_Status_State", _OPERATIONAL, _V.Int32)
        self.set("PublishSubscribe_SupportedTransportProfiles", [_PUBSUB_JSON], _V.String)
        self.set("ConditionType_SupportsFilteredRetain", False, _V.Boolean)
        self.set("Server_EstimatedReturnTime", get_win_epoch(), _V.DateTime)
        self.watch("Server_ServiceLevel", lambda: ua.Variant(self.service_level, _V.Byte))

    def _status(self) -> None:
        build = self._build
        status = "Server_ServerStatus"
        self.watch(status, lambda: ua.Variant(self._server_status(), _V.ExtensionObject))
        self.watch(f"{status}_CurrentTime", lambda: ua.Variant(datetime.now(UTC), _V.DateTime))
        self.watch(f"{status}_State", lambda: ua.Variant(int(self.state), _V.Int32))
        self.watch(f"{status}_SecondsTillShutdown", lambda: ua.Variant(self.seconds_till_shutdown, _V.UInt32))
        self.set(f"{status}_StartTime", self._started, _V.DateTime)
        self.set(f"{status}_ShutdownReason", ua.LocalizedText(), _V.LocalizedText)
        self.set(f"{status}_BuildInfo", build, _V.ExtensionObject)
        for name in ("ProductUri", "ManufacturerName", "ProductName", "SoftwareVersion", "BuildNumber"):
            self.set(f"{status}_BuildInfo_{name}", getattr(build, name), _V.String)
        self.set(f"{status}_BuildInfo_BuildDate", build.BuildDate, _V.DateTime)

    def _server_status(self) -> ua.ServerStatusDataType:
        return ua.ServerStatusDataType(
            StartTime=self._started,
            CurrentTime=datetime.now(UTC),
            State=self.state,
            BuildInfo=self._build,
            SecondsTillShutdown=self.seconds_till_shutdown,
        )

    def _capabilities(self) -> None:
        limits, prefix = self._server.limits, "Server_ServerCapabilities"
        for node, name in _LIMITS.items():
            self.set(f"{prefix}_{node}", getattr(limits, name), _V.UInt32)
        self.set(f"{prefix}_MinSupportedSampleRate", limits.min_sampling_interval_s * 1000, _V.Double)
        self.set(f"{prefix}_MaxBrowseContinuationPoints", limits.max_browse_continuation_points, _V.UInt16)
        self.set(f"{prefix}_MaxQueryContinuationPoints", 0, _V.UInt16)
        self.set(f"{prefix}_MaxHistoryContinuationPoints", limits.max_history_continuation_points, _V.UInt16)
        self.set(f"{prefix}_ServerProfileArray", list(_PROFILES), _V.String)
        self.set(f"{prefix}_LocaleIdArray", ["en"], _V.String)
        self.set(f"{prefix}_SoftwareCertificates", [], _V.ExtensionObject)
        self.set(f"{prefix}_ConformanceUnits", [], _V.QualifiedName)

    def _diagnostics(self) -> None:
        prefix = "Server_ServerDiagnostics"
        self.set(f"{prefix}_EnabledFlag", True, _V.Boolean)
        summary = f"{prefix}_ServerDiagnosticsSummary"
        self.watch(summary, lambda: ua.Variant(server_diagnostics.summary(self._server), _V.ExtensionObject))
        for name in vars(ua.ServerDiagnosticsSummaryDataType)["__dataclass_fields__"]:
            self.watch(f"{summary}_{name}", partial(self._counter, name))
        self.set(f"{prefix}_SamplingIntervalDiagnosticsArray", [], _V.ExtensionObject)
        sessions = f"{prefix}_SessionsDiagnosticsSummary"
        self._list(f"{sessions}_SessionDiagnosticsArray", server_diagnostics.sessions)
        self._list(f"{sessions}_SessionSecurityDiagnosticsArray", server_diagnostics.security)
        self._list(f"{prefix}_SubscriptionDiagnosticsArray", server_diagnostics.subscriptions)

    def _list(self, name: str, entries: Callable[[UaServer], list[Any]]) -> None:
        self.watch(name, lambda: ua.Variant(entries(self._server), _V.ExtensionObject, is_array=True))

    def _counter(self, name: str) -> ua.Variant:
        return ua.Variant(getattr(server_diagnostics.summary(self._server), name), _V.UInt32)

    def set(self, name: str, value: Any, kind: ua.VariantType) -> None:
        """Give the node with that name in `ua.ObjectIds`, where there is one, a value that stays."""
        variant = ua.Variant(value, kind, is_array=isinstance(value, list))
        stamped = ua.DataValue(variant, SourceTimestamp=self._started, ServerTimestamp=self._started)
        self._put(name, AttributeValue(stamped))

    def watch(self, name: str, value: Callable[[], ua.Variant]) -> None:
        """The same with a value that is asked for at every read."""

        def read(_node_id: ua.NodeId, _attribute: ua.AttributeIds) -> ua.DataValue:
            now: Any = datetime.now(UTC)
            return ua.DataValue(value(), SourceTimestamp=now, ServerTimestamp=now)

        attribute = AttributeValue(ua.DataValue())
        attribute.value, attribute.value_callback = None, read
        self._put(name, attribute)

    def _put(self, name: str, attribute: AttributeValue) -> None:
        identifier = getattr(ua.ObjectIds, name, None)
        node = self._server.aspace.get(ua.NodeId(identifier)) if identifier is not None else None
        if node is not None:
            node.attributes[ua.AttributeIds.Value] = attribute


def _build_info(server: UaServer) -> ua.BuildInfo:
    options = server.options
    python = f"python {sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    return ua.BuildInfo(
        ProductUri=options.product_uri,
        ManufacturerName=options.manufacturer_name,
        ProductName=options.application_name,
        SoftwareVersion=options.software_version,
        BuildNumber=python,
        BuildDate=datetime.now(UTC),
    )
