"""Subscriptions over the wire, message by message (Part 4, 5.13)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua

from server.services.publish_queue import SPARE_REQUESTS
from tests.services.conftest import Served
from tests.simulators.subscriber import Subscriber, sequence, values
from tests.simulators.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
LEVEL = "Cooling/Loop1/Tank/Level"
HEALTH = "Cooling/Loop1/Pump1/HealthScore"
Codes = ua.StatusCodes


@pytest_asyncio.fixture(loop_scope="module")
async def client(served: Served) -> AsyncIterator[Subscriber]:
    async with Subscriber(served.server.port) as raw:
        await raw.connect()
        yield raw
        await raw.call(ua.CloseSessionRequest())


def status(response: Any) -> int:
    return int(response.ResponseHeader.ServiceResult.value)


def request(kind: type, **parameters: Any) -> Any:
    made = kind()
    for name, value in parameters.items():
        setattr(made.Parameters, name, value)
    return made


async def test_the_first_message_comes_after_one_interval_even_without_items(client: Subscriber):
    """Part 4, 5.13.1.2: the first message is a notification or a keep-alive; its number is 1, not used up by it."""
    made = await client.subscribe(20)
    first = await client.next()
    assert first.Parameters.SubscriptionId == made.SubscriptionId
    assert first.Parameters.NotificationMessage.NotificationData == []
    assert sequence(first) == 1
    assert first.Parameters.AvailableSequenceNumbers == []


async def test_a_keep_alive_carries_the_number_of_the_next_notification(served: Served, client: Subscriber):
    """Part 4, 5.13.1.1."""
    made = await client.subscribe(20, keep_alive=3)
    served.set(LEVEL, 1.0)
    await client.monitor(made.SubscriptionId, client.item(served.node_id(LEVEL)))
    told = await client.next()
    quiet = await client.next()
    assert (sequence(told), sequence(quiet)) == (1, 2)
    assert quiet.Parameters.NotificationMessage.NotificationData == []
    served.set(LEVEL, 2.0)
    assert sequence(await client.next()) == 2


async def test_revised_values_are_within_limits_and_the_lifetime_is_three_keep_alives(client: Subscriber):
    """Part 4, 5.13.2.2."""
    made = await client.subscribe(0, keep_alive=0, lifetime=1)
    assert made.RevisedPublishingInterval == 10.0
    assert made.RevisedMaxKeepAliveCount == 1
    assert made.RevisedLifetimeCount == 3


async def test_a_value_comes_with_status_and_timestamps_and_a_bad_one_is_null(served: Served, client: Subscriber):
    """Part 4, 7.11."""
    served.set(LEVEL, 5.5)
    made = await client.subscribe(20)
    await client.monitor(made.SubscriptionId, client.item(served.node_id(LEVEL)))
    (data,) = (await client.next()).Parameters.NotificationMessage.NotificationData
    value = data.MonitoredItems[0].Value
    assert value.Value == ua.Variant(5.5, ua.VariantType.Double)
    assert value.SourceTimestamp is not None
    assert value.ServerTimestamp is not None
    served.set(LEVEL, 6.0, Codes.BadNoCommunication)
    assert values(await client.next()) == [(1, None, Codes.BadNoCommunication)]
    served.set(LEVEL, 5.5, Codes.UncertainLastUsableValue)
    assert values(await client.next()) == [(1, 5.5, Codes.UncertainLastUsableValue)]


@pytest.mark.parametrize("stamps", list(ua.TimestampsToReturn)[:4])
async def test_only_the_timestamps_asked_for_are_sent(
    served: Served, client: Subscriber, stamps: ua.TimestampsToReturn
):
    """Part 4, 7.40."""
    served.set(LEVEL, 1.0)
    made = await client.subscribe(20)
    await client.monitor(made.SubscriptionId, client.item(served.node_id(LEVEL)), stamps=stamps)
    (data,) = (await client.next()).Parameters.NotificationMessage.NotificationData
    value, wanted = data.MonitoredItems[0].Value, ua.TimestampsToReturn
    assert (value.SourceTimestamp is not None) == (stamps in (wanted.Source, wanted.Both))
    assert (value.ServerTimestamp is not None) == (stamps in (wanted.Server, wanted.Both))


async def test_a_limited_message_says_that_there_is_more(served: Served, client: Subscriber):
    """Part 4, 5.13.5.2: MaxNotificationsPerPublish and MoreNotifications."""
    made = await client.subscribe(30, most=2)
    paths = [
        LEVEL,
        HEALTH,
        "Cooling/Loop1/Tank/EachDouble",
        "Cooling/Loop1/Tank/EachInt16",
        "Cooling/Loop1/Tank/Volume",
    ]
    await client.monitor(made.SubscriptionId, *(client.item(served.node_id(path)) for path in paths))
    messages = [await client.next() for _ in range(3)]
    assert [len(values(one)) for one in messages] == [2, 2, 1]
    assert [one.Parameters.MoreNotifications for one in messages] == [True, True, False]


async def test_messages_are_kept_until_they_are_acknowledged(served: Served, client: Subscriber):
    """Part 4, 5.13.1.1 and 5.13.6."""
    made = await client.subscribe(20)
    served.set(LEVEL, 1.0)
    await client.monitor(made.SubscriptionId, client.item(served.node_id(LEVEL)))
    first = await client.next()
    again = await client.call(
        request(ua.RepublishRequest, SubscriptionId=made.SubscriptionId, RetransmitSequenceNumber=1)
    )
    assert again.NotificationMessage == first.Parameters.NotificationMessage
    served.set(LEVEL, 2.0)
    second = await client.next((made.SubscriptionId, 1), (made.SubscriptionId, 77), (999_999, 1))
    assert [one.value for one in second.Parameters.Results] == [
        Codes.Good, Codes.BadSequenceNumberUnknown, Codes.BadSubscriptionIdInvalid,
    ]  # fmt: skip
    assert second.Parameters.AvailableSequenceNumbers == [2]
    gone = await client.call(
        request(ua.RepublishRequest, SubscriptionId=made.SubscriptionId, RetransmitSequenceNumber=1)
    )
    assert status(gone) == Codes.BadMessageNotAvailable
    other = await client.call(request(ua.RepublishRequest, SubscriptionId=999_999, RetransmitSequenceNumber=1))
    assert status(other) == Codes.BadSubscriptionIdInvalid


async def test_a_publish_without_subscriptions_is_refused(client: Subscriber):
    """Part 4, 5.13.5.3."""
    assert status(await client.next()) == Codes.BadNoSubscription


async def test_waiting_publishes_are_answered_when_the_last_subscription_goes(client: Subscriber):
    """Part 4, 5.13.8."""
    made = await client.subscribe(20)
    await client.next()
    client.publish()
    answer = await client.call(request(ua.DeleteSubscriptionsRequest, SubscriptionIds=[made.SubscriptionId, 999_999]))
    assert [one.value for one in answer.Results] == [Codes.Good, Codes.BadSubscriptionIdInvalid]
    assert status(await client.published()) == Codes.BadNoSubscription


async def test_the_oldest_publish_goes_when_there_are_too_many(client: Subscriber):
    """Part 4, 5.13.5.2."""
    await client.subscribe(3_600_000)
    for _ in range(SPARE_REQUESTS + 2):
        client.publish()
    assert status(await client.published()) == Codes.BadTooManyPublishRequests


async def test_a_publish_that_waited_too_long_is_answered_with_a_timeout(client: Subscriber):
    """Part 4, 7.33."""
    made = await client.subscribe(50, keep_alive=2)
    await client.next()
    client.publish(timeout_ms=1)
    client.publish()
    first, second = await client.published(), await client.published()
    assert status(first) == Codes.BadTimeout
    assert second.Parameters.SubscriptionId == made.SubscriptionId


async def test_disabled_publishing_sends_keep_alives_and_loses_nothing(served: Served, client: Subscriber):
    """Part 4, 5.13.4."""
    made = await client.subscribe(20, keep_alive=2, PublishingEnabled=False)
    served.set(LEVEL, 3.0)
    await client.monitor(made.SubscriptionId, client.item(served.node_id(LEVEL)))
    assert values(await client.next()) == []
    assert values(await client.next()) == []
    ids = [made.SubscriptionId, 999_999]
    answer = await client.call(request(ua.SetPublishingModeRequest, SubscriptionIds=ids, PublishingEnabled=True))
    assert [one.value for one in answer.Parameters.Results] == [Codes.Good, Codes.BadSubscriptionIdInvalid]
    assert values(await client.next()) == [(1, 3.0, 0)]


async def test_a_modified_subscription_keeps_its_new_interval(served: Served, client: Subscriber):
    """Part 4, 5.13.3."""
    made = await client.subscribe(3_600_000)
    changed = await client.call(
        request(
            ua.ModifySubscriptionRequest,
            SubscriptionId=made.SubscriptionId,
            RequestedPublishingInterval=20.0,
            RequestedLifetimeCount=100,
            RequestedMaxKeepAliveCount=5,
        )
    )
    assert changed.Parameters.RevisedPublishingInterval == 20.0
    assert changed.Parameters.RevisedMaxKeepAliveCount == 5
    assert (await client.next()).Parameters.SubscriptionId == made.SubscriptionId


async def test_a_subscription_that_nobody_asks_dies_and_says_so(served: Served, client: Subscriber):
    """Part 4, 5.13.1.2 and 7.25.4: StatusChangeNotification Bad_Timeout to the next Publish."""
    made = await client.subscribe(10, keep_alive=1, lifetime=3)
    await client.subscribe(3_600_000)
    await until(lambda: made.SubscriptionId not in served.server.subscriptions.by_id)
    response = await client.next()
    (told,) = response.Parameters.NotificationMessage.NotificationData
    assert (response.Parameters.SubscriptionId, told.Status.value) == (made.SubscriptionId, Codes.BadTimeout)
    gone = request(ua.RepublishRequest, SubscriptionId=made.SubscriptionId, RetransmitSequenceNumber=9)
    assert status(await client.call(gone)) == Codes.BadSubscriptionIdInvalid


async def test_a_subscription_belongs_to_its_session(served: Served, client: Subscriber):
    """Part 4, 5.13.1.1."""
    made = await client.subscribe(20)
    async with Subscriber(served.server.port) as stranger:
        await stranger.connect()
        answer = await stranger.call(request(ua.DeleteSubscriptionsRequest, SubscriptionIds=[made.SubscriptionId]))
        assert answer.Results[0].value == Codes.BadSubscriptionIdInvalid
        refused = await stranger.call(
            request(ua.CreateMonitoredItemsRequest, SubscriptionId=made.SubscriptionId,
                    ItemsToCreate=[stranger.item(served.node_id(LEVEL))])
        )  # fmt: skip
        assert status(refused) == Codes.BadSubscriptionIdInvalid
        await stranger.call(ua.CloseSessionRequest())


async def test_a_transferred_subscription_goes_on_in_the_new_session(served: Served, client: Subscriber):
    """Part 4, 5.13.7: initial values on request, what was not acknowledged, and word to the old session."""
    made = await client.subscribe(20)
    served.set(LEVEL, 4.0)
    await client.monitor(made.SubscriptionId, client.item(served.node_id(LEVEL)))
    assert values(await client.next()) == [(1, 4.0, 0)]
    client.publish()
    async with Subscriber(served.server.port) as heir:
        await heir.connect()
        answer = await heir.call(
            request(ua.TransferSubscriptionsRequest, SubscriptionIds=[made.SubscriptionId, 999_999],
                    SendInitialValues=True)
        )  # fmt: skip
        moved, unknown = answer.Parameters.Results
        assert moved.StatusCode.value == Codes.Good
        assert moved.AvailableSequenceNumbers == [1]
        assert unknown.StatusCode.value == Codes.BadSubscriptionIdInvalid
        assert values(await heir.next()) == [(1, 4.0, 0)]
        served.set(LEVEL, 5.0)
        assert values(await heir.next()) == [(1, 5.0, 0)]
        (told,) = (await client.published()).Parameters.NotificationMessage.NotificationData
        assert told.Status.value == Codes.GoodSubscriptionTransferred
        await heir.call(ua.CloseSessionRequest())


async def test_another_user_cannot_take_a_subscription(served: Served, client: Subscriber):
    """Part 4, 5.13.7.1."""
    made = await client.subscribe(20)
    async with served.client("operator") as other:
        told = ua.TransferSubscriptionsRequest()
        told.Parameters.SubscriptionIds = [made.SubscriptionId]
        data = await other.uaclient.protocol.send_request(told)
        response = ua.ua_binary.struct_from_binary(ua.TransferSubscriptionsResponse, data)
        assert response.Parameters.Results[0].StatusCode.value == Codes.BadUserAccessDenied


async def test_the_higher_priority_speaks_first(served: Served, client: Subscriber):
    """Part 4, 5.13.2.2: of several that wait for a Publish."""
    low = await client.subscribe(20, Priority=1)
    high = await client.subscribe(20, Priority=200)
    waiting = served.server.sessions
    late = next(one.publish_queue for one in waiting if low.SubscriptionId in one.subscriptions)._late
    await until(lambda: len(late) == 2)
    first, second = await client.next(), await client.next()
    assert [first.Parameters.SubscriptionId, second.Parameters.SubscriptionId] == [
        high.SubscriptionId, low.SubscriptionId,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "asked",
    [
        ua.SetPublishingModeRequest, ua.DeleteSubscriptionsRequest, ua.TransferSubscriptionsRequest,
    ],
)  # fmt: skip
async def test_an_empty_list_is_nothing_to_do(client: Subscriber, asked: type):
    """Part 4, 7.38.2."""
    assert status(await client.call(asked())) == Codes.BadNothingToDo
