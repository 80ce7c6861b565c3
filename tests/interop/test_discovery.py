"""What node-opcua sees of discovery and of the Server object; the cases are in discovery.mjs."""

from __future__ import annotations

from typing import Any


def test_endpoints_are_told_without_a_session(seen: Any) -> None:
    """Part 4, 5.4.4: every policy and mode under the client's own host, the strongest with the highest level, and no
    endpoint that takes a password in plain text."""
    offered = {(one["policy"], one["mode"]) for one in seen}
    modern = ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")
    assert offered == {("None", 1)} | {(policy, mode) for policy in modern for mode in (2, 3)}
    assert all(one["url"].startswith("opc.tcp://127.0.0.1:") for one in seen)
    assert min(seen, key=lambda one: one["level"])["policy"] == "None"
    assert all(policy != "None" for one in seen for kind, policy in one["tokens"] if kind != 0)
    assert {one["profile"] for one in seen} == {"http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"}


def test_endpoints_are_filtered_by_profile(seen: Any) -> None:
    """Part 4, 5.4.4.2: profileUris."""
    assert seen == 0


def test_servers_are_found(seen: Any) -> None:
    """Part 4, 5.4.2: FindServers tells of this server, and filters by serverUris."""
    assert seen == [[["urn:test:uatwin", 0, 1]], 0]


def test_services_that_are_not_offered_say_so(seen: Any) -> None:
    """Part 4, 5.4.3, 5.4.5, 5.7 and 5.9: FindServersOnNetwork, RegisterServer, Query and, unless it is switched on,
    NodeManagement are not offered: BadServiceUnsupported."""
    assert set(seen.values()) == {"BadServiceUnsupported"}


def test_the_server_tells_its_status(seen: Any) -> None:
    """Part 5, 6.3.1 and 12.10: ServerStatus, BuildInfo and ServiceLevel are real."""
    assert (seen["state"], seen["level"]) == (0, 255)
    assert abs(seen["current"]) < 2_000
    assert 0 < seen["started"] < 300_000
    assert all(seen["build"])


def test_the_operation_limits_are_told(seen: Any) -> None:
    """Part 5, 6.3.11: OperationLimitsType."""
    assert seen == {
        "reads": 10_000, "writes": 10_000, "calls": 1_000, "browses": 10_000, "registers": 50_000, "items": 50_000,
    }  # fmt: skip


def test_the_capabilities_are_told(seen: Any) -> None:
    """Part 5, 6.3.2: ServerCapabilitiesType."""
    assert seen["profiles"]
    assert seen["locales"] == ["en"]
    assert (seen["rate"], seen["points"], seen["history"]) == (10, 50, 1_000)


def test_diagnostics_count_sessions_and_subscriptions(seen: Any) -> None:
    """Part 5, 6.3.3 to 6.3.5: summary, SessionDiagnosticsArray and SubscriptionDiagnosticsArray are filled."""
    assert (seen["more"], seen["sessions"], seen["total"]) == (1, True, True)
    assert seen["own"] == [1, 3, 1]
    assert seen["subscription"] == [100, True]


def test_who_stands_behind_a_session_is_for_administrators(seen: Any) -> None:
    """Part 5, 6.3.5 and 12.12: SessionSecurityDiagnosticsArray."""
    anonymous, admin = seen
    assert anonymous == ["BadUserAccessDenied", None]
    assert admin == ["Good", ["username", "UA Binary", "opc.tcp", 3, "Basic256Sha256", True]]
