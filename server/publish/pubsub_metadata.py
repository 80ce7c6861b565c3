"""How an OPC UA publisher describes itself: DataSetMetaData, application and PubSubConnection (Part 14, 7.2.5.5)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from nodesets.units import NAMESPACE_URI, unit
from server.publish.datasets import DataSet, FieldOf
from server.publish.reduced import Aspect

_SERVER: Final = 0
_NO_CLASS: Final = "00000000-0000-0000-0000-000000000000"
_JSON_TRANSPORT: Final = "http://opcfoundation.org/UA-Profile/Transport/pubsub-mqtt-json"
_DOUBLE: Final = 11


@dataclass(frozen=True, slots=True)
class Description:
    """application_uri, application_name, endpoints: of the OPC UA server the twins can be read from as well.
    connection_name: of the publisher in the plant file. publisher_id: as in the messages."""

    application_uri: str
    application_name: str
    endpoints: tuple[str, ...]
    connection_name: str
    publisher_id: str
    sets: Sequence[DataSet]

    def application(self) -> dict[str, Any]:
        """Description and ServerCapabilities of a ua-application message (7.2.5.5.3)."""
        described = {
            "ApplicationUri": self.application_uri,
            "ProductUri": "urn:uatwin",
            "ApplicationName": {"Text": self.application_name},
            "ApplicationType": _SERVER,
            "DiscoveryUrls": list(self.endpoints),
        }
        return {"Description": described, "ServerCapabilities": ["PUB"]}

    def connection(self) -> dict[str, Any]:
        """Connection of a ua-connection message (7.2.5.5.6), without addresses and readers."""
        groups = dict.fromkeys(one.group for one in self.sets)
        return {
            "Connection": {
                "Name": self.connection_name,
                "PublisherId": {"UaType": 12, "Value": self.publisher_id},
                "TransportProfileUri": _JSON_TRANSPORT,
                "WriterGroups": [
                    {"Name": group, "WriterGroupId": number + 1, "DataSetWriters": self._writers(group)}
                    for number, group in enumerate(groups)
                ],
            }
        }

    def of(self, one: DataSet) -> dict[str, Any]:
        """DataSetWriterId, names and MetaData of a ua-metadata message (7.2.5.5.2)."""
        fields = [self._field(one, field) for field in one.fields]
        return {
            "DataSetWriterId": one.writer,
            "DataSetWriterName": one.name,
            "WriterGroupName": one.group,
            "MetaData": {
                "Name": one.name,
                "Description": {"Text": one.twin.description},
                "Fields": fields,
                "DataSetClassId": _NO_CLASS,
                "ConfigurationVersion": {"MajorVersion": _version(fields), "MinorVersion": 0},
            },
        }

    def _writers(self, group: str) -> list[dict[str, Any]]:
        return [
            {"Name": one.name, "DataSetWriterId": one.writer, "DataSetName": one.name}
            for one in self.sets
            if one.group == group
        ]

    def _field(self, one: DataSet, field: FieldOf) -> dict[str, Any]:
        tag = field.tag
        kind = int(tag.data_type) if field.aspect is Aspect.value else _DOUBLE
        said: dict[str, Any] = {
            "Name": field.name,
            "Description": {"Text": tag.description},
            "FieldFlags": 0,
            "BuiltInType": kind,
            "DataType": f"i={kind}",
            "ValueRank": 1 if tag.array_length else -1,
            "DataSetFieldId": str(uuid5(NAMESPACE_URL, f"{self.publisher_id}/{one.group}/{tag.path}/{field.name}")),
        }
        if tag.array_length:
            said["ArrayDimensions"] = [tag.array_length]
        return said | {"Properties": _properties(field)}


def _properties(field: FieldOf) -> list[dict[str, Any]]:
    """Unit and range, as the Variable's own properties are called."""
    tag, said = field.tag, []
    if field.aspect is Aspect.count:
        return []
    if tag.unit:
        of = unit(tag.unit)
        body = {
            "NamespaceUri": NAMESPACE_URI,
            "UnitId": of.unit_id,
            "DisplayName": {"Text": of.symbol},
            "Description": {"Text": of.name},
        }
        said.append(_property("EngineeringUnits", "i=887", body))
    if tag.range:
        said.append(_property("EURange", "i=884", {"Low": tag.range[0], "High": tag.range[1]}))
    if tag.states:
        said.append(
            {
                "Key": {"Name": "EnumStrings"},
                "Value": {"UaType": 21, "Value": [{"Text": state} for state in tag.states]},
            }
        )
    return said


def _property(name: str, type_id: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"Key": {"Name": name}, "Value": {"UaType": 22, "Value": {"UaTypeId": type_id, **body}}}


def _version(fields: Sequence[dict[str, Any]]) -> int:
    """A number that changes when the fields do; it need not grow: a reader compares for equality."""
    told = repr([(field["Name"], field["BuiltInType"], field["ValueRank"]) for field in fields])
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:4], "big") or 1
