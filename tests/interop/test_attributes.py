"""What node-opcua sees of the Attribute Service Set; the cases are in attributes.mjs."""

from __future__ import annotations

from typing import Any

BASE = {"NodeId", "NodeClass", "BrowseName", "DisplayName"}


def test_every_node_class_has_its_attributes(seen: Any) -> None:
    """Part 3, 5.2 to 5.8: the mandatory ones can be read, no other answers anything but BadAttributeIdInvalid."""
    wanted = {
        "object": {"EventNotifier"},
        "variable": {"Value", "DataType", "ValueRank", "AccessLevel", "UserAccessLevel", "Historizing"},
        "method": {"Executable", "UserExecutable"},
        "objectType": {"IsAbstract"},
        "variableType": {"DataType", "ValueRank", "IsAbstract"},
        "referenceType": {"IsAbstract", "Symmetric"},
        "dataType": {"IsAbstract"},
    }
    for kind, mandatory in wanted.items():
        assert set(seen[kind]["known"]) >= BASE | mandatory, kind
        assert seen[kind]["odd"] == [], kind


def test_values_come_with_the_timestamps_asked_for(seen: Any) -> None:
    """Part 4, 5.10.2.2 and 7.40: TimestampsToReturn."""
    assert seen == {
        "Source": [33.5, True, False],
        "Server": [33.5, False, True],
        "Both": [33.5, True, True],
        "Neither": [33.5, False, False],
    }


def test_every_data_type_is_understood(seen: Any) -> None:
    """Part 3, 5.6.2: the DataType attribute of a Variable of each built-in type."""
    assert seen == [
        "Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float", "Double",
        "String", "DateTime", "ByteString",
    ]  # fmt: skip


def test_requests_that_are_wrong_as_a_whole_are_faults(seen: Any) -> None:
    """Part 4, 5.10.2.3 and 5.10.4.3: nothing to do, a negative maxAge, more than MaxNodesPerRead."""
    assert seen == ["BadNothingToDo", "BadMaxAgeInvalid", "BadTooManyOperations", "BadNothingToDo"]


def test_each_item_read_has_its_own_status(seen: Any) -> None:
    """Part 4, 5.10.2.4: node, attribute, IndexRange and DataEncoding are checked for each item. XML and JSON encodings
    are not offered: BadDataEncodingUnsupported."""
    assert seen == [
        "Good", "BadNodeIdUnknown", "BadAttributeIdInvalid", "BadAttributeIdInvalid", "BadIndexRangeNoData",
        "BadIndexRangeInvalid", "BadDataEncodingInvalid", "Good", "BadDataEncodingUnsupported",
        "BadDataEncodingInvalid", "BadDataEncodingInvalid",
    ]  # fmt: skip


def test_an_index_range_cuts_arrays_and_text(seen: Any) -> None:
    """Part 4, 7.27: one index, a range beyond the end, one outside, part of a String, and of each String in an
    array."""
    assert seen[0] == ["Good", ["http://opcfoundation.org/UA/"]]
    assert seen[1][0] == "Good"
    assert len(seen[1][1]) >= 3
    assert seen[2][0] == "BadIndexRangeNoData"
    assert seen[3] == ["Good", "uat"]
    assert seen[4] == ["Good", ["ht", "ur"]]


def test_the_namespace_array_is_whole(seen: Any) -> None:
    """Part 5, 6.3.1: NamespaceArray, with the server's own URI at index 1."""
    assert seen[:4] == [
        "http://opcfoundation.org/UA/", "urn:test:uatwin", "urn:uatwin:types", "urn:uatwin:plant:Cooling",
    ]  # fmt: skip


def test_user_attributes_tell_what_the_user_may(seen: Any) -> None:
    """Part 3, 5.6.2 and 5.7: UserAccessLevel and UserExecutable are those of the session's user."""
    assert seen["anonymous"] == [3, 1, False, True]
    assert seen["operator"] == [3, 3, True, True]


def test_each_item_written_has_its_own_status(seen: Any) -> None:
    """Part 4, 5.10.4.4: type, rank, access level, node, attribute. Writing timestamps, StatusCodes and part of a
    command's value is not offered: BadWriteNotSupported."""
    assert seen["statuses"] == [
        "Good", "BadTypeMismatch", "BadTypeMismatch", "BadNotWritable", "BadNodeIdUnknown", "BadAttributeIdInvalid",
        "BadWriteNotSupported", "BadWriteNotSupported", "BadNotWritable",
    ]  # fmt: skip
    assert [command[1:] for command in seen["commands"]] == [[True, "operator"]]


def test_a_refused_write_is_told_in_words_where_asked_for(seen: Any) -> None:
    """Part 4, 7.12 and 7.33: AdditionalInfo of the operation level, one entry for each item; nothing unless asked."""
    assert seen == [[None, "it takes a single Boolean, not a single Double"], []]


def test_who_may_only_look_cannot_write(seen: Any) -> None:
    """Part 4, 5.10.4.4: BadUserAccessDenied where the AccessLevel would allow it."""
    assert seen == [["BadUserAccessDenied"], ["BadUserAccessDenied"]]


def test_a_write_that_waits_for_its_device_delays_no_read(seen: Any) -> None:
    """Part 4, 5.10.4.1: the answer of a slow device holds up no other request of the same client."""
    assert seen == {"read": "Good", "before": False, "written": ["Good"]}


def test_history_of_what_is_not_kept_is_refused_node_by_node(seen: Any) -> None:
    """Part 4, 5.10.3 and 5.10.5: each node has a StatusCode of its own."""
    assert seen["statuses"] == ["BadHistoryOperationUnsupported", "BadNodeIdUnknown"]
    assert (seen["nothing"], seen["update"]) == ("BadNothingToDo", "BadNothingToDo")
