"""A raw client that subscribes: every Publish is its own, so that a test sees each message as it was sent."""

from __future__ import annotations

from typing import Any

from asyncua import ua

from tests.simulators.raw_client import RawClient

Value = ua.AttributeIds.Value


class Subscriber(RawClient):
    """Answers of other services are awaited in order; PublishResponses that come meanwhile are kept for `message`."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.messages: list[Any] = []
        self._publishing: set[int] = set()
        self._handle = 0

    async def call(self, request: Any) -> Any:
        self.send(self.message_of(request))
        wanted = self.request_id
        while True:
            request_id, response = await self.answer()
            if request_id == wanted:
                return response
            self._publishing.discard(request_id)
            self.messages.append(response)

    message_of = RawClient.message

    def publish(self, *acknowledged: tuple[int, int], timeout_ms: int = 0) -> int:
        """Send a Publish request that acknowledges (subscription, sequence number); its request id."""
        request = ua.PublishRequest()
        request.RequestHeader.TimeoutHint = timeout_ms
        request.Parameters.SubscriptionAcknowledgements = [
            ua.SubscriptionAcknowledgement(SubscriptionId=one, SequenceNumber=number) for one, number in acknowledged
        ]
        self.send(self.message_of(request))
        self._publishing.add(self.request_id)
        return self.request_id

    async def published(self) -> Any:
        """The next PublishResponse (or ServiceFault of a Publish)."""
        if self.messages:
            return self.messages.pop(0)
        request_id, response = await self.answer()
        self._publishing.discard(request_id)
        return response

    async def next(self, *acknowledged: tuple[int, int]) -> Any:
        """Publish and wait for the answer."""
        self.publish(*acknowledged)
        return await self.published()

    async def subscribe(
        self, interval_ms: float = 20, keep_alive: int = 1000, lifetime: int = 10_000, most: int = 0, **more: Any
    ) -> ua.CreateSubscriptionResult:
        """CreateSubscription."""
        request = ua.CreateSubscriptionRequest()
        told = request.Parameters
        told.RequestedPublishingInterval, told.RequestedMaxKeepAliveCount = interval_ms, keep_alive
        told.RequestedLifetimeCount, told.MaxNotificationsPerPublish, told.PublishingEnabled = lifetime, most, True
        for name, value in more.items():
            setattr(told, name, value)
        return (await self.call(request)).Parameters

    def item(self, node: ua.NodeId, attribute: int = Value, **more: Any) -> ua.MonitoredItemCreateRequest:
        """A request for an item with the next client handle."""
        self._handle += 1
        wanted = {"SamplingInterval": 10.0, "QueueSize": 1, "DiscardOldest": True, "ClientHandle": self._handle}
        mode = more.pop("mode", ua.MonitoringMode.Reporting)
        index_range = more.pop("index_range", None)
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=attribute, IndexRange=index_range),
            MonitoringMode=mode,
            RequestedParameters=ua.MonitoringParameters(**(wanted | more)),
        )

    async def monitor(
        self,
        subscription: int,
        *items: ua.MonitoredItemCreateRequest,
        stamps: ua.TimestampsToReturn = ua.TimestampsToReturn.Both,
    ) -> list[ua.MonitoredItemCreateResult]:
        """CreateMonitoredItems."""
        request = ua.CreateMonitoredItemsRequest()
        request.Parameters.SubscriptionId = subscription
        request.Parameters.TimestampsToReturn = stamps
        request.Parameters.ItemsToCreate = list(items)
        response = await self.call(request)
        response.ResponseHeader.ServiceResult.check()
        return list(response.Results)


def values(response: Any) -> list[tuple[int, Any, int]]:
    """(client handle, value, status) of the data changes of a PublishResponse, in order."""
    out = []
    for data in response.Parameters.NotificationMessage.NotificationData:
        for one in getattr(data, "MonitoredItems", []):
            value = one.Value.Value.Value if one.Value.Value is not None else None
            out.append((int(one.ClientHandle), value, one.Value.StatusCode.value if one.Value.StatusCode else 0))
    return out


def sequence(response: Any) -> int:
    """The sequence number of a PublishResponse."""
    return int(response.Parameters.NotificationMessage.SequenceNumber)
