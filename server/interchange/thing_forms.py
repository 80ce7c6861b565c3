"""Forms of a Thing Description to points: the Modbus, MQTT and CoAP bindings of WoT."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from drivers.data_types import DataType
from drivers.modbus.layout import SUGGESTED
from drivers.modbus.settings import Table
from server.interchange.thing_schema import NotSupported, Schema, data_type, whole_type

Form = Mapping[str, Any]
_VOCABULARY: Final = {
    "modbus": ("https://www.w3.org/2019/wot/modbus", ("modv", "modbus")),
    "mqtt": ("https://www.w3.org/2019/wot/mqtt", ("mqv", "mqtt")),
    "coap": ("https://www.w3.org/2019/wot/coap", ("cov", "coap")),
}
"""By driver: the namespace of its binding, and the prefixes it has where the description declares none."""
_SCHEMES: Final = {
    "modbus+tcp": ("modbus", 502),
    "mqtt": ("mqtt", 1883),
    "mqtts": ("mqtt", 8883),
    "coap": ("coap", 5683),
    "coaps": ("coap", 5684),
}
_ENTITY: Final[dict[str, Table]] = {
    "coil": "coil", "discreteinput": "discrete", "inputregister": "input", "holdingregister": "holding",
}  # fmt: skip
_FUNCTION: Final[dict[str, Table]] = {
    "1": "coil", "2": "discrete", "3": "holding", "4": "input", "5": "coil", "6": "holding", "15": "coil",
    "16": "holding", "readcoil": "coil", "readdiscreteinput": "discrete", "readholdingregisters": "holding",
    "readinputregisters": "input", "writesinglecoil": "coil", "writesingleholdingregister": "holding",
    "writemultiplecoils": "coil", "writemultipleholdingregisters": "holding", "readholdingregister": "holding",
    "readinputregister": "input", "writemultipleholdingregister": "holding",
}  # fmt: skip
_XSD: Final = {
    "boolean": DataType.Boolean, "byte": DataType.SByte, "short": DataType.Int16, "int": DataType.Int32,
    "integer": DataType.Int32, "long": DataType.Int64, "unsignedbyte": DataType.Byte, "unsignedshort": DataType.UInt16,
    "unsignedint": DataType.UInt32, "unsignedlong": DataType.UInt64, "float": DataType.Float,
    "decimal": DataType.Float, "double": DataType.Double, "string": DataType.String, "hexbinary": DataType.ByteString,
}  # fmt: skip
_ORDERS: Final = {
    "BIG_ENDIAN": ("big", "big"),
    "LITTLE_ENDIAN": ("little", "little"),
    "BIG_ENDIAN_BYTE_SWAP": ("little", "big"),
    "LITTLE_ENDIAN_BYTE_SWAP": ("big", "little"),
}
"""byteSeq of a payload to the order of bytes in a register, and that of registers."""
_FORMATS: Final = {
    "application/json": "json", "text/plain": "text", "application/cbor": "cbor", "application/octet-stream": "raw",
    "application/senml+json": "senml_json", "application/senml+cbor": "senml_cbor",
}  # fmt: skip


class Address(NamedTuple):
    """Whom a form talks to: driver, host, port and whether over TLS or DTLS."""

    driver: str
    host: str
    port: int
    secure: bool


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The prefixes of binding terms in one description, by driver."""

    prefixes: Mapping[str, tuple[str, ...]]

    @staticmethod
    def of(context: object) -> Vocabulary:
        """As its @context declares them."""
        declared = [part for part in (context if isinstance(context, list) else [context]) if isinstance(part, Mapping)]
        found: dict[str, tuple[str, ...]] = {}
        for driver, (iri, usual) in _VOCABULARY.items():
            own = (k for part in declared for k, v in part.items() if isinstance(v, str) and v.rstrip("#/") == iri)
            found[driver] = (*own, *usual)
        return Vocabulary(found)

    def term(self, form: Form, driver: str, *names: str) -> Any:
        """The value of the first of these terms that a form has, None where it has none."""
        for name in names:
            for prefix in self.prefixes[driver]:
                if f"{prefix}:{name}" in form:
                    return form[f"{prefix}:{name}"]
        return None

    def bare(self, value: Any) -> str:
        """A value that may carry a prefix of its own, in lower case without it."""
        return str(value).rsplit(":", 1)[-1].lower()


@dataclass(slots=True)
class Access:
    """How a value is reached. keys: of the point; data_type: of the tag; elements: of an array; rate_s, settings: what
    the form says for the tag and the connection."""

    keys: dict[str, Any]
    data_type: DataType
    elements: int = 0
    rate_s: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def target(form: Form, base: str) -> tuple[Address, SplitResult]:
    """Whom a form talks to, and its address taken apart; raises NotSupported."""
    href = str(form.get("href", ""))
    whole = _joined(href, base)
    parts = urlsplit(whole)
    if parts.scheme not in _SCHEMES:
        raise NotSupported(f"the form {href} speaks {parts.scheme or 'no protocol'}; known are {', '.join(_SCHEMES)}")
    if "{" in whole:
        raise NotSupported(f"the form {href} has variables; an address is fixed here")
    driver, usual = _SCHEMES[parts.scheme]
    try:
        port = parts.port or usual
    except ValueError as error:
        raise NotSupported(f"the form {href} has no port ({error})") from error
    if not parts.hostname:
        raise NotSupported(f"the form {href} names no host; the description may lack its base")
    return Address(driver, parts.hostname, port, parts.scheme in ("mqtts", "coaps")), parts


def _joined(href: str, base: str) -> str:
    """RFC 3986 for schemes that the library does not resolve."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", href) or not base:
        return href
    parts = urlsplit(base)
    if href.startswith("/"):
        return f"{parts.scheme}://{parts.netloc}{href}"
    return f"{parts.scheme}://{parts.netloc}{parts.path.rpartition('/')[0]}/{href}"


def modbus_access(form: Form, parts: SplitResult, words: Vocabulary, leaf: Schema, elements: int) -> Access:
    """Table, address and type of a Modbus form; addresses count from 0 on the wire. Raises NotSupported."""
    unit, start, quantity = _place(form, parts, words)
    table = _table(form, words)
    if not words.term(form, "modbus", "zeroBasedAddressing", "zeroBasedAddressingFlag"):
        start -= 1
    told = words.term(form, "modbus", "type", "payloadDataType")
    content = _parameters(str(form.get("contentType", "")))
    if "length" in content and told is None and table in ("holding", "input"):
        quantity = max(1, _whole(content["length"], "length") // 2)
    kind, raw = _modbus_type(table, told, quantity, leaf, content, max(1, elements))
    keys: dict[str, Any] = {"table": table, "address": start} | ({} if unit is None else {"unit": unit})
    keys |= {"type": raw} if raw else {}
    keys |= {"length": quantity} if kind in (DataType.String, DataType.ByteString) else {}
    byte_order, word_order = _ORDERS.get(content.get("byteSeq", "").upper(), ("big", "big"))
    if byte_order == "little" or words.term(form, "modbus", "mostSignificantByte") is False:
        keys["byte_order"] = "little"
    if word_order == "little" or words.term(form, "modbus", "mostSignificantWord") is False:
        keys["word_order"] = "little"
    polling, timeout = (_whole(words.term(form, "modbus", name) or 0, name) for name in ("pollingTime", "timeout"))
    access = Access(keys, kind, elements, polling / 1000 if polling > 0 else None)
    access.settings = {"timeout_s": min(timeout / 1000, 60)} if timeout > 0 else {}
    if start >= 40000 and table == "holding":
        access.notes.append(
            f"address {start + 1} is taken as it stands; if it is Modicon's, it is holding {start - 40000}"
        )
    return access


def _place(form: Form, parts: SplitResult, words: Vocabulary) -> tuple[int | None, int, int]:
    """Unit, address and quantity: in the path, the query or terms of their own."""
    path = [part for part in parts.path.split("/") if part]
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    unit = path[0] if path else words.term(form, "modbus", "unitID")
    given = words.term(form, "modbus", "address", "offset")
    start = path[1] if len(path) > 1 else query.get("address", query.get("offset", given))
    told = words.term(form, "modbus", "quantity", "length")
    quantity = query.get("quantity", query.get("length", 1 if told is None else told))
    if start is None:
        raise NotSupported("the form has no address; it stands in its href (/unit/address) or in modv:address")
    return None if unit is None else _whole(unit, "unit"), _whole(start, "address"), _whole(quantity, "quantity")


def _whole(value: Any, what: str) -> int:
    try:
        return int(str(value))
    except ValueError as error:
        raise NotSupported(f'{what} is "{value}"; it must be a whole number') from error


def _table(form: Form, words: Vocabulary) -> Table:
    entity, function = words.term(form, "modbus", "entity"), words.term(form, "modbus", "function", "functionCode")
    if entity is not None and (table := _ENTITY.get(words.bare(entity))):
        return table
    if entity is None and function is not None and (table := _FUNCTION.get(words.bare(function))):
        return table
    told = entity if entity is not None else function
    if told is None:
        raise NotSupported("the form has neither modv:entity nor modv:function")
    raise NotSupported(f"{told} is no table; Coil, DiscreteInput, InputRegister and HoldingRegister are")


def _modbus_type(
    table: Table, told: Any, quantity: int, leaf: Schema, content: Mapping[str, str], count: int
) -> tuple[DataType, str]:
    """Type of the tag, and in the device where that is another."""
    if told is not None:
        kind = _XSD.get(str(told).rsplit(":", 1)[-1].rsplit("#", 1)[-1].lower())
        if kind is None:
            raise NotSupported(f"{told} is no type that Modbus has; xsd:short, xsd:unsignedInt, xsd:float, ... are")
        return kind, ""
    wanted = data_type(leaf)
    if table in ("coil", "discrete") or wanted in (DataType.Boolean, DataType.String):
        return wanted, ""
    each = quantity // count
    if each not in (1, 2, 4):
        raise NotSupported(f"no {leaf.get('type')} takes {each} registers; say its type by modv:type")
    if wanted is DataType.Double and each > 1:
        return (DataType.Float if each == 2 else DataType.Double), ""
    signed = content.get("signed", "").lower()
    whole = whole_type(leaf, 16 * each)
    if signed in ("true", "false"):
        whole = DataType[f"{'' if signed == 'true' else 'U'}Int{16 * each}"]
    return (DataType.Float, SUGGESTED[whole]) if wanted is DataType.Double else (whole, "")


def mqtt_access(form: Form, parts: SplitResult, words: Vocabulary, leaf: Schema, path: str, write: bool) -> Access:
    """Topic, QoS and format of an MQTT form. Raises NotSupported."""
    terms = ("topic", "filter") if write else ("filter", "topic")
    topic = words.term(form, "mqtt", *terms) or unquote(parts.path.lstrip("/"))
    if not isinstance(topic, str) or not topic:
        raise NotSupported("the form has no single topic; it stands in mqv:topic or mqv:filter")
    told = words.term(form, "mqtt", "qos")
    qos = {} if told is None else {"write_qos" if write else "qos": _whole(words.bare(told), "QoS")}
    keys: dict[str, Any] = {"write_topic" if write else "topic": topic, **_reading(form, path)} | qos
    if write and words.term(form, "mqtt", "retain"):
        keys["retain"] = True
    return Access(keys, data_type(leaf))


def coap_access(form: Form, parts: SplitResult, words: Vocabulary, leaf: Schema, path: str, write: bool) -> Access:
    """Path, method and format of a CoAP form. Raises NotSupported."""
    method = str(words.term(form, "coap", "method", "methodName") or ("PUT" if write else "GET")).upper()
    if method not in (("PUT", "POST") if write else ("GET",)):
        raise NotSupported(f"the method {method} is not available; GET reads, PUT and POST write")
    keys: dict[str, Any] = {"path": unquote(parts.path) or "/"} | ({"query": parts.query} if parts.query else {})
    keys |= _reading(form, path)
    if write:
        return Access(keys | ({"write_method": method} if method != "PUT" else {}), data_type(leaf))
    operations = form.get("op", [])
    observed = "observe" in str(form.get("subprotocol", "")) or "observeproperty" in operations
    return Access(keys | ({} if observed else {"observe": False}), data_type(leaf))


def _reading(form: Form, path: str) -> dict[str, Any]:
    """Format of the payload, and the path to the value in it."""
    content = str(form.get("contentType", "application/json")).partition(";")[0].strip().lower()
    form_of = _FORMATS.get(content) or ("json" if content.endswith("+json") else "")
    if not form_of:
        raise NotSupported(f"payloads of {content} are not read; known are {', '.join(_FORMATS)}")
    if path != "$" and form_of not in ("json", "cbor"):
        raise NotSupported(f"a value inside an object cannot be read from {content}")
    return {"format": form_of} | ({"value": path} if path != "$" else {})


def _parameters(content_type: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in content_type.split(";")[1:])
    return {key.strip(): value.strip() for key, _, value in pairs}
