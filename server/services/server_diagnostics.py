"""What the server tells of itself, its sessions and its subscriptions in ServerDiagnostics (Part 5, 6.3.3 to 6.3.5)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.ua import ua_binary
from asyncua.ua.object_ids import ObjectIdNames

from server.services.session import Session
from server.services.subscription import Subscription
from server.services.wire import node_id

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

_SECURITY: Final = node_id(ua.ObjectIds.SessionSecurityDiagnosticsDataType_Encoding_DefaultBinary)
_REQUEST: Final = "Request_Encoding_DefaultBinary"
_COUNTED: Final = {
    type_id: f"{name.removesuffix(_REQUEST)}Count"
    for type_id, name in ObjectIdNames.items()
    if name.endswith(_REQUEST)
    and f"{name.removesuffix(_REQUEST)}Count" in ua.SessionDiagnosticsDataType.__dataclass_fields__
}
"""By the encoding id of a request: its counter in SessionDiagnosticsDataType."""


def summary(server: UaServer) -> ua.ServerDiagnosticsSummaryDataType:
    """Counters of the server as a whole."""
    counted, subscriptions = server.diagnostics, server.subscriptions
    return ua.ServerDiagnosticsSummaryDataType(
        ServerViewCount=0,
        CurrentSessionCount=len(server.sessions),
        CumulatedSessionCount=server.sessions.cumulated,
        SecurityRejectedSessionCount=counted.security_rejected_sessions,
        RejectedSessionCount=counted.rejected_sessions,
        SessionTimeoutCount=server.sessions.timed_out,
        SessionAbortCount=server.sessions.aborted,
        CurrentSubscriptionCount=len(subscriptions.by_id),
        CumulatedSubscriptionCount=subscriptions.cumulated,
        PublishingIntervalCount=len({one.terms.interval_s for one in subscriptions.by_id.values()}),
        SecurityRejectedRequestsCount=counted.security_rejected_requests,
        RejectedRequestsCount=counted.rejected_requests,
    )


def sessions(server: UaServer) -> list[ua.SessionDiagnosticsDataType]:
    """One entry for each session."""
    return [_session(server, session) for session in server.sessions]


def _session(server: UaServer, session: Session) -> ua.SessionDiagnosticsDataType:
    total, failed = session.requests.total(), session.failures.total()
    out = ua.SessionDiagnosticsDataType(
        SessionId=session.id,
        SessionName=session.name,
        ClientDescription=session.client_description,
        ServerUri=server.application_uri,
        EndpointUrl=session.endpoint_url,
        LocaleIds=session.locale_ids,
        ActualSessionTimeout=session.timeout_s * 1000,
        MaxResponseMessageSize=session.max_response_size,
        ClientConnectionTime=session.created_at,
        ClientLastContactTime=session.last_contact_at,
        CurrentSubscriptionsCount=len(session.subscriptions),
        CurrentMonitoredItemsCount=sum(len(one.items.by_id) for one in session.subscriptions.values()),
        CurrentPublishRequestsInQueue=len(session.publish_queue) if session.publish_queue is not None else 0,
        TotalRequestCount=ua.ServiceCounterDataType(ua.UInt32(total), ua.UInt32(failed)),
        UnauthorizedRequestCount=ua.UInt32(session.unauthorized),
    )
    for type_id, name in _COUNTED.items():
        counter = ua.ServiceCounterDataType(ua.UInt32(session.requests[type_id]), ua.UInt32(session.failures[type_id]))
        setattr(out, name, counter)
    return out


def security(server: UaServer) -> list[ua.ExtensionObject]:
    """Who stands behind each session; for administrators. SessionSecurityDiagnosticsDataType, encoded here, for asyncua
    takes its field Encoding for an encoding mask."""
    return [ua.ExtensionObject(_SECURITY, ua.ByteString(_encoded_security(session))) for session in server.sessions]


def _encoded_security(session: Session) -> bytes:
    text = ua_binary.Primitives.String.pack
    parts = (
        ua_binary.nodeid_to_binary(session.id),
        text(session.user.name),
        struct.pack("<i", 1),
        text(session.user.name),
        *map(text, (session.user.kind, "UA Binary", "opc.tcp")),
        struct.pack("<i", session.security[1]),
        text(session.security[0]),
        ua_binary.Primitives.ByteString.pack(session.client_certificate),
    )
    return b"".join(parts)


def subscriptions(server: UaServer) -> list[ua.SubscriptionDiagnosticsDataType]:
    """One entry for each subscription."""
    return [_subscription(one) for one in server.subscriptions.by_id.values()]


def _subscription(one: Subscription) -> ua.SubscriptionDiagnosticsDataType:
    terms, counted, items = one.terms, one.counters, one.items
    number = ua.UInt32
    return ua.SubscriptionDiagnosticsDataType(
        SessionId=one.session.id if one.session is not None else ua.NodeId(),
        SubscriptionId=number(one.id),
        Priority=ua.Byte(terms.priority),
        PublishingInterval=ua.Double(terms.interval_s * 1000),
        MaxKeepAliveCount=number(terms.keep_alive),
        MaxLifetimeCount=number(terms.lifetime),
        MaxNotificationsPerPublish=number(terms.most),
        PublishingEnabled=terms.enabled,
        ModifyCount=number(counted.modified),
        EnableCount=number(counted.enabled),
        DisableCount=number(counted.disabled),
        RepublishRequestCount=number(counted.republish_requests),
        RepublishMessageRequestCount=number(counted.republish_requests),
        RepublishMessageCount=number(counted.republished),
        TransferRequestCount=number(counted.transfers),
        TransferredToAltClientCount=number(counted.to_other_client),
        TransferredToSameClientCount=number(counted.to_same_client),
        PublishRequestCount=number(counted.publish_requests),
        DataChangeNotificationsCount=number(items.data_taken),
        EventNotificationsCount=number(items.events_taken),
        NotificationsCount=number(items.data_taken + items.events_taken),
        LatePublishRequestCount=number(counted.late),
        CurrentKeepAliveCount=number(one.keep_alive_count),
        CurrentLifetimeCount=number(one.lifetime_count),
        UnacknowledgedMessageCount=number(len(one.available)),
        DiscardedMessageCount=number(counted.discarded),
        MonitoredItemCount=number(len(items.by_id)),
        DisabledMonitoredItemCount=number(items.disabled),
        MonitoringQueueOverflowCount=number(items.data_overflows),
        NextSequenceNumber=number(one.next_sequence_number),
        EventQueueOverflowCount=number(items.event_overflows),
    )
