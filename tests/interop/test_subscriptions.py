"""What node-opcua sees of the Subscription Service Set; the cases are in subscriptions.mjs."""

from __future__ import annotations

from typing import Any


def test_terms_are_revised(seen: Any) -> None:
    """Part 4, 5.13.2.2: interval and counts within the server's limits, the lifetime at least three keep-alives."""
    fastest, short, slow = seen
    assert fastest[0] > 0
    assert fastest[1] >= 3 * fastest[2] > 0
    assert short == [100, 60, 20]
    assert slow[0] <= 3_600_000


def test_keep_alives_carry_the_next_number(seen: Any) -> None:
    """Part 4, 5.13.1.1 and 5.13.1.2: the first message after one interval, a keep-alive after MaxKeepAliveCount
    intervals; neither uses a sequence number up."""
    assert seen["numbers"] == [1, 1, 2]
    assert seen["empty"] == [0, 0]
    assert 300 <= seen["waited"] <= 900
    assert seen["acknowledged"] == ["Good"]


def test_a_limited_message_says_that_there_is_more(seen: Any) -> None:
    """Part 4, 5.13.2.2 and 5.13.5.2: maxNotificationsPerPublish, moreNotifications."""
    assert seen == [[2, True], [2, True], [1, False]]


def test_messages_can_be_republished_until_acknowledged(seen: Any) -> None:
    """Part 4, 5.13.5.2 and 5.13.6: the same message again; then BadMessageNotAvailable, BadSubscriptionIdInvalid."""
    assert seen["first"] == [3]
    assert seen["same"] == [1, 3]
    assert seen["acknowledged"] == ["Good", "BadSequenceNumberUnknown"]
    assert seen["available"] == [[1], [2]]
    assert (seen["gone"], seen["unknown"]) == ("BadMessageNotAvailable", "BadSubscriptionIdInvalid")


def test_publishes_without_a_subscription_are_refused(seen: Any) -> None:
    """Part 4, 5.13.5.3: BadNoSubscription, also for those that wait when the last one goes."""
    assert seen == ["BadNoSubscription"] * 2


def test_too_many_publishes_push_out_the_oldest(seen: Any) -> None:
    """Part 4, 5.13.5.3: BadTooManyPublishRequests."""
    assert seen == "BadTooManyPublishRequests"


def test_publishing_can_be_stopped(seen: Any) -> None:
    """Part 4, 5.13.4: keep-alives go on, and nothing is lost."""
    assert seen == [["Good", "BadSubscriptionIdInvalid"], 0, [6], "BadNothingToDo"]


def test_a_modified_subscription_takes_its_new_terms(seen: Any) -> None:
    """Part 4, 5.13.3: interval and keep-alive count take effect at once."""
    assert seen["revised"] == [40, 100, 2]
    assert seen["waited"] < 500
    assert seen["unknown"] == "BadSubscriptionIdInvalid"


def test_a_subscription_that_nobody_asks_dies_and_says_so(seen: Any) -> None:
    """Part 4, 5.13.1.2 and 7.25.4: StatusChangeNotification with BadTimeout."""
    assert seen == ["StatusChangeNotification", "BadTimeout", "BadNoSubscription"]


def test_subscriptions_belong_to_their_session(seen: Any) -> None:
    """Part 4, 5.13.1.1: no other session can touch one."""
    assert seen == ["BadSubscriptionIdInvalid"] * 4


def test_a_subscription_is_transferred_with_its_values(seen: Any) -> None:
    """Part 4, 5.13.7: sendInitialValues, the messages still available, GoodSubscriptionTransferred for the old
    session."""
    assert seen["statuses"] == ["Good", "BadNothingToDo", "BadSubscriptionIdInvalid"]
    assert seen["available"] == [seen["number"]]
    assert seen["initial"] == [7]
    assert (seen["left"], seen["after"]) == ("GoodSubscriptionTransferred", "BadNoSubscription")
    assert seen["nothing"] == "BadNothingToDo"


def test_another_user_cannot_take_a_subscription(seen: Any) -> None:
    """Part 4, 5.13.7.1: BadUserAccessDenied for a client that is not of the same user."""
    assert seen == ["BadUserAccessDenied"]


def test_a_subscription_outlives_its_session_when_asked_to(seen: Any) -> None:
    """Part 4, 5.6.4.2: deleteSubscriptions False."""
    assert seen == ["Good", [8]]


def test_the_higher_priority_speaks_first(seen: Any) -> None:
    """Part 4, 5.13.2.2: of two that are late."""
    assert seen == [True, True]


def test_a_message_fits_what_the_client_takes(seen: Any) -> None:
    """Part 6, 7.1.2.3: notifications are spread over messages within the MaxMessageSize and MaxChunkCount of the
    client's Hello, none is lost."""
    assert sum(seen) == 2_000
    assert len(seen) >= 3


def test_the_clients_own_subscription_hears_every_change(seen: Any) -> None:
    """Part 4, 5.13.5: sampled faster than published."""
    assert seen == list(range(11))


def test_items_can_be_listed_and_sent_again(seen: Any) -> None:
    """Part 5, 9.1 and 9.2: GetMonitoredItems and ResendData, for the session that owns the subscription."""
    assert seen["handles"] == [[1, 2], [77, 2]]
    assert (seen["sent"], seen["again"], seen["stranger"]) == ("Good", [11, 0], "BadUserAccessDenied")
