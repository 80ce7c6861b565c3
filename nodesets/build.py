"""Writes twin.NodeSet2.xml from model.py: `python -m nodesets.build` (a test keeps the file current)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from asyncua.ua.object_ids import ObjectIds

from nodesets.model import PUBLISHED, TYPES, VERSION, Argument, Declared, ObjectType
from nodesets.node_ids import TYPES_URI, TypeIds

FILE: Final = Path(__file__).with_name("twin.NodeSet2.xml")
_SCHEMA: Final = "http://opcfoundation.org/UA/2011/03/UANodeSet.xsd"
_VALUES: Final = "http://opcfoundation.org/UA/2008/02/Types.xsd"
_STANDARD_URI: Final = "http://opcfoundation.org/UA/"
_ALIASES: Final = (
    *("Boolean", "Byte", "UInt16", "UInt32", "Double", "String", "DateTime", "LocalizedText", "BaseDataType"),
    *(
        "StatusCode",
        "IdType",
        "NumericRange",
        "Argument",
        "HasModellingRule",
        "HasTypeDefinition",
        "HasSubtype",
        "HasProperty",
    ),
    "HasComponent",
)
_METADATA: Final = 5900
_ARGUMENT_IDS: Final = 10_000
_NUMERIC_ID: Final = 0


def document() -> str:
    """The whole file."""
    root = ElementTree.Element("UANodeSet", {"xmlns": _SCHEMA, "LastModified": PUBLISHED})
    _text(ElementTree.SubElement(root, "NamespaceUris"), "Uri", TYPES_URI)
    models = ElementTree.SubElement(root, "Models")
    model = ElementTree.SubElement(models, "Model", ModelUri=TYPES_URI, Version=VERSION, PublicationDate=PUBLISHED)
    ElementTree.SubElement(
        model, "RequiredModel", ModelUri=_STANDARD_URI, Version="1.04", PublicationDate="2018-05-15T00:00:00Z"
    )
    aliases = ElementTree.SubElement(root, "Aliases")
    for name in _ALIASES:
        _text(aliases, "Alias", f"i={getattr(ObjectIds, name)}", Alias=name)
    for object_type in TYPES:
        _object_type(root, object_type)
    _metadata(root)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _object_type(root: ElementTree.Element, item: ObjectType) -> None:
    abstract = {"IsAbstract": "true"} if item.abstract else {}
    references = [("HasSubtype", False, _type(item.supertype))]
    references += [(_link(child), True, _own(child.ident)) for child in item.children]
    references += [("HasSubtype", True, _own(sub.ident)) for sub in TYPES if sub.supertype == item.ident.name]
    _node(root, "UAObjectType", item.ident, item.ident.name, item.description, references, abstract)
    for child in item.children:
        _declared(root, item.ident, child)


def _declared(root: ElementTree.Element, parent: int, item: Declared) -> ElementTree.Element:
    attributes = {"ParentNodeId": _own(parent)}
    references = [
        (_link(item), False, _own(parent)),
        ("HasModellingRule", True, _standard(f"ModellingRule_{item.rule}")),
    ]
    children = [*item.children, *(child for child, _ in _argument_properties(item))]
    if item.kind in ("Variable", "Property"):
        attributes |= {"DataType": item.data_type, "ValueRank": str(item.rank)}
        attributes |= {"AccessLevel": str(item.access), "UserAccessLevel": str(item.access)}
    if item.type_definition:
        references.append(("HasTypeDefinition", True, _type(item.type_definition)))
    references += [(_link(child), True, _own(child.ident)) for child in children]
    tag = {"Object": "UAObject", "Method": "UAMethod"}.get(item.kind, "UAVariable")
    standard_name = item.name in ("InputArguments", "OutputArguments")
    node = _node(root, tag, item.ident, item.name, item.description, references, attributes, standard_name)
    for child in item.children:
        _declared(root, item.ident, child)
    for child, arguments in _argument_properties(item):
        _argument_values(_declared(root, item.ident, child), arguments)
    return node


def _argument_properties(item: Declared) -> list[tuple[Declared, Sequence[Argument]]]:
    """The properties of a method and what they hold; their numbers follow from the method's."""
    first = _ARGUMENT_IDS + 2 * item.ident
    common = ("Mandatory", "", "PropertyType", "Argument", 1)
    both = (
        (Declared(first, "Property", "InputArguments", *common), item.inputs),
        (Declared(first + 1, "Property", "OutputArguments", *common), item.outputs),
    )
    return [(declared, arguments) for declared, arguments in both if arguments]


def _argument_values(node: ElementTree.Element, arguments: Sequence[Argument]) -> None:
    node.set("ArrayDimensions", str(len(arguments)))
    values = ElementTree.SubElement(ElementTree.SubElement(node, "Value"), "ListOfExtensionObject", {"xmlns": _VALUES})
    for argument in arguments:
        wrapped = ElementTree.SubElement(values, "ExtensionObject")
        _text(ElementTree.SubElement(wrapped, "TypeId"), "Identifier", "i=297")
        body = ElementTree.SubElement(ElementTree.SubElement(wrapped, "Body"), "Argument")
        _text(body, "Name", argument.name)
        _text(ElementTree.SubElement(body, "DataType"), "Identifier", _standard(argument.data_type))
        _text(body, "ValueRank", str(argument.rank))
        ElementTree.SubElement(body, "ArrayDimensions")
        _text(ElementTree.SubElement(body, "Description"), "Text", argument.description)


def _metadata(root: ElementTree.Element) -> None:
    """The NamespaceMetadata object of the namespace (Part 5, 6.3.13)."""
    properties = [
        ("NamespaceUri", "String", -1, "String", TYPES_URI),
        ("NamespaceVersion", "String", -1, "String", VERSION),
        ("NamespacePublicationDate", "DateTime", -1, "DateTime", PUBLISHED),
        ("IsNamespaceSubset", "Boolean", -1, "Boolean", "false"),
        ("StaticNodeIdTypes", "IdType", 1, "ListOfInt32", str(_NUMERIC_ID)),
        ("StaticNumericNodeIdRange", "NumericRange", 1, "ListOfString", "1:2147483647"),
        ("StaticStringNodeIdPattern", "String", -1, "String", ""),
    ]
    references = [
        ("HasComponent", False, _standard("Server_Namespaces")),
        ("HasTypeDefinition", True, _standard("NamespaceMetadataType")),
        *(("HasProperty", True, _own(_METADATA + 1 + number)) for number in range(len(properties))),
    ]
    parent = {"ParentNodeId": _standard("Server_Namespaces"), "SymbolicName": "urn_uatwin_types"}
    _node(root, "UAObject", _METADATA, TYPES_URI, "", references, parent)
    for number, (name, data_type, rank, tag, value) in enumerate(properties, start=1):
        references = [
            ("HasProperty", False, _own(_METADATA)),
            ("HasTypeDefinition", True, _standard("PropertyType")),
        ]
        attributes = {"ParentNodeId": _own(_METADATA), "DataType": data_type, "ValueRank": str(rank)}
        attributes |= {"ArrayDimensions": "0"} if rank > 0 else {}
        node = _node(root, "UAVariable", _METADATA + number, name, "", references, attributes, standard_name=True)
        holder = ElementTree.SubElement(ElementTree.SubElement(node, "Value"), tag, {"xmlns": _VALUES})
        if tag.startswith("ListOf"):
            _text(holder, tag.removeprefix("ListOf"), value)
        else:
            holder.text = value


def _node(
    root: ElementTree.Element,
    tag: str,
    ident: int,
    name: str,
    description: str,
    references: Sequence[tuple[str, bool, str]],
    attributes: dict[str, str],
    standard_name: bool = False,
) -> ElementTree.Element:
    browse_name = name if standard_name else f"1:{name}"
    node = ElementTree.SubElement(root, tag, {"NodeId": _own(ident), "BrowseName": browse_name, **attributes})
    _text(node, "DisplayName", name)
    if description:
        _text(node, "Description", description)
    holder = ElementTree.SubElement(node, "References")
    for reference_type, forward, target in references:
        _text(
            holder,
            "Reference",
            target,
            ReferenceType=reference_type,
            **({} if forward else {"IsForward": "false"}),
        )
    return node


def _text(parent: ElementTree.Element, tag: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, tag, attributes).text = text


def _link(item: Declared) -> str:
    return "HasProperty" if item.kind == "Property" else "HasComponent"


def _own(ident: int) -> str:
    return f"ns=1;i={int(ident)}"


def _standard(name: str) -> str:
    return f"i={getattr(ObjectIds, name)}"


def _type(name: str) -> str:
    return _own(TypeIds[name]) if name in TypeIds.__members__ else _standard(name)


def main() -> None:
    """Write the file."""
    FILE.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
