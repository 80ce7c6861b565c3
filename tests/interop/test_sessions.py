"""What node-opcua sees of sessions and secure channels; the cases are in sessions.mjs."""

from __future__ import annotations

from typing import Any


def test_every_policy_and_mode_works_with_a_password(seen: Any) -> None:
    """Part 7, 6.6 and Part 4, 7.40.2.2: Basic256Sha256, Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss; over None the
    password is encrypted all the same."""
    assert len(seen) == 7
    assert set(seen.values()) == {"Good"}


def test_wrong_users_are_denied(seen: Any) -> None:
    """Part 4, 5.6.3.3: BadUserAccessDenied."""
    assert seen == ["BadUserAccessDenied"] * 3


def test_a_closed_session_serves_nothing(seen: Any) -> None:
    """Part 4, 5.6.4: BadSessionIdInvalid, or BadSessionClosed."""
    assert seen[0] == "Good"
    assert seen[1] in ("BadSessionIdInvalid", "BadSessionClosed")


def test_a_token_is_of_no_use_on_another_channel(seen: Any) -> None:
    """Part 4, 5.6.1 and 5.6.3.1: a session is bound to its secure channel; the owner notices nothing."""
    assert seen == ["BadSecureChannelIdInvalid", "Good"]


def test_the_user_of_a_session_can_change(seen: Any) -> None:
    """Part 4, 5.6.3.1: ActivateSession again with other credentials."""
    assert seen == [1, "Good", 3]


def test_an_outstanding_request_can_be_cancelled(seen: Any) -> None:
    """Part 4, 5.6.5: Cancel."""
    assert seen == [1, "BadRequestCancelledByClient", 0]


def test_a_lost_connection_loses_no_value(seen: Any) -> None:
    """Part 4, 5.13.6 and 6.7: the client comes back twice, republishes what it missed, and then there is peace.
    node-opcua hands a message on twice when it had already come by Publish."""
    assert seen["same"]
    assert list(dict.fromkeys(seen["heard"])) == [1, 100, 101, 102, 200, 201, 202]
    assert seen["quiet"] < 40


def test_a_client_that_reconnects_takes_its_session_along(seen: Any) -> None:
    """Part 4, 5.6.3.1: the same session, with the same user, on a new secure channel."""
    assert seen == [True, 3]


def test_a_token_is_renewed_while_requests_go_on(seen: Any) -> None:
    """Part 4, 5.5.2.1 and Part 6, 6.7.4."""
    assert seen == [True, ["Good"]]


def test_large_messages_pass_in_both_directions(seen: Any) -> None:
    """Part 6, 6.7.2: requests and responses of many chunks, signed and encrypted."""
    assert seen == [9_000, 1]
