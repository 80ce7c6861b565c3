"""docs/conformance.md says what the tests show, all of it and nothing else."""

from __future__ import annotations

from asyncua import ua
from asyncua.ua.object_ids import ObjectIdNames

from server.services.dispatch import SERVICES
from tests.conformance.table import FILE, PARTS, document, rows

_NAMED = {
    "CreateSession": "5.6.2",
    "ActivateSession": "5.6.3",
    "CloseSession": "5.6.4",
    "Cancel": "5.6.5",
    "FindServers": "5.4.2",
    "FindServersOnNetwork": "5.4.3",
    "GetEndpoints": "5.4.4",
    "RegisterServer": "5.4.5",
    "RegisterServer2": "5.4.5",
    "AddNodes": "5.7",
    "AddReferences": "5.7",
    "DeleteNodes": "5.7",
    "DeleteReferences": "5.7",
    "Browse": "5.8.2",
    "BrowseNext": "5.8.3",
    "TranslateBrowsePathsToNodeIds": "5.8.4",
    "RegisterNodes": "5.8.5",
    "UnregisterNodes": "5.8.6",
    "QueryFirst": "5.9",
    "QueryNext": "5.9",
    "Read": "5.10.2",
    "HistoryRead": "5.10.3",
    "Write": "5.10.4",
    "HistoryUpdate": "5.10.5",
    "Call": "5.11.2",
    "CreateMonitoredItems": "5.12.2",
    "ModifyMonitoredItems": "5.12.3",
    "SetMonitoringMode": "5.12.4",
    "SetTriggering": "5.12.5",
    "DeleteMonitoredItems": "5.12.6",
    "CreateSubscription": "5.13.2",
    "ModifySubscription": "5.13.3",
    "SetPublishingMode": "5.13.4",
    "Publish": "5.13.5",
    "Republish": "5.13.6",
    "TransferSubscriptions": "5.13.7",
    "DeleteSubscriptions": "5.13.8",
}
"""The clauses of the services in Part 4."""


def test_the_page_is_what_the_tests_say() -> None:
    assert FILE.read_text("utf-8") == document(), "run: python -m tests.conformance.table"


def test_every_service_is_shown_by_a_test() -> None:
    served = {ObjectIdNames[type_id].removesuffix("Request_Encoding_DefaultBinary") for type_id in SERVICES}
    assert served == set(_NAMED)
    cited = {clause for row in rows() if row.part == 4 for clause in row.clauses}
    for service, clause in _NAMED.items():
        assert any(one == clause or one.startswith(f"{clause}.") for one in cited), service


def test_what_is_not_offered_has_a_status_code() -> None:
    answers = {row.left_out[1] for row in rows() if row.left_out is not None}
    assert answers >= {"BadServiceUnsupported", "BadHistoryOperationUnsupported", "BadViewIdUnknown"}
    assert all(hasattr(ua.StatusCodes, answer) for answer in answers)


def test_every_part_that_is_cited_has_a_chapter() -> None:
    assert {row.part for row in rows()} == set(PARTS)
