from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nodesets.build import FILE, document
from nodesets.catalog import SHIPPED
from nodesets.identification import PROPERTIES
from nodesets.node_ids import TYPES_URI, TypeIds

SCHEMA = "{http://opcfoundation.org/UA/2011/03/UANodeSet.xsd}"
MODULES = Path(__file__).parents[1] / "interop" / "node_modules"
NODE_OPCUA = """
const { AddressSpace } = require("node-opcua-address-space");
const { generateAddressSpace } = require("node-opcua-address-space/nodeJS");
const { nodesets } = require("node-opcua-nodesets");
(async () => {
  const space = AddressSpace.create();
  await generateAddressSpace(space, [nodesets.standard, process.argv[1]]);
  const type = space.findObjectType("AssetTwinType", space.getNamespaceIndex("urn:uatwin:types"));
  const pump = type.instantiate({
    browseName: "Pump", organizedBy: space.rootFolder.objects, optionals: ["Identification", "Identification.Model"],
  });
  const parts = pump.getComponents().map((part) => part.browseName.name);
  const names = pump.getComponentByName("Identification").getProperties().map((item) => item.browseName.name);
  console.log(JSON.stringify({ parts, names }));
  space.dispose();
})().catch((error) => { console.error(error); process.exit(1); });
"""


def nodes() -> list[ElementTree.Element]:
    return [node for node in ElementTree.parse(FILE).getroot() if "NodeId" in node.attrib]


def references(node: ElementTree.Element) -> list[tuple[str, bool, str]]:
    found = node.findall(f"{SCHEMA}References/{SCHEMA}Reference")
    return [(ref.attrib["ReferenceType"], ref.get("IsForward") != "false", str(ref.text)) for ref in found]


def test_the_file_is_what_the_description_says():
    assert FILE.read_text("utf-8") == document(), "run: python -m nodesets.build"


def test_the_ids_in_the_code_are_those_of_the_file():
    types = {
        node.attrib["BrowseName"]: node.attrib["NodeId"] for node in nodes() if node.tag == f"{SCHEMA}UAObjectType"
    }
    assert types == {f"1:{ident.name}": f"ns=1;i={ident.value}" for ident in TypeIds}


def test_no_number_is_given_twice():
    counted = Counter(node.attrib["NodeId"] for node in nodes())
    assert max(counted.values()) == 1


def test_references_within_the_file_stand_on_both_sides():
    all_nodes = {node.attrib["NodeId"]: references(node) for node in nodes()}
    for source, links in all_nodes.items():
        for reference_type, forward, target in links:
            if target.startswith("ns=1;") and reference_type != "HasTypeDefinition":
                assert (reference_type, not forward, source) in all_nodes[target], (source, reference_type, target)


def test_browse_names_below_one_parent_differ():
    names = Counter((node.get("ParentNodeId"), node.attrib["BrowseName"]) for node in nodes())
    assert max(names.values()) == 1


def test_every_declaration_has_a_modelling_rule_and_placeholders_have_a_placeholder_rule():
    mandatory, optional, optional_placeholder = "i=78", "i=80", "i=11508"
    metadata = {node.attrib["NodeId"] for node in nodes() if node.get("ParentNodeId") == "i=11715"}
    for node in nodes():
        if node.tag == f"{SCHEMA}UAObjectType" or {node.attrib["NodeId"], node.get("ParentNodeId")} & metadata:
            continue
        name = node.attrib["BrowseName"]
        (rule,) = [target for reference_type, _, target in references(node) if reference_type == "HasModellingRule"]
        assert rule in ([optional_placeholder] if "<" in name else [mandatory, optional]), name


def test_identification_has_the_names_of_opc_40001_1():
    parent = f"ns=1;i={TypeIds.IdentificationType.value}"
    declared = {node.attrib["BrowseName"] for node in nodes() if node.get("ParentNodeId") == parent}
    assert declared == {f"1:{name}" for name in PROPERTIES} | {"1:<Property>"}
    assert {"Manufacturer", "Model", "SerialNumber", "ProductInstanceUri", "YearOfConstruction"} <= set(PROPERTIES)


def test_the_catalog_ships_the_types_and_every_nodeset_stands_after_what_it_needs():
    loaded: set[str] = set()
    for nodeset in SHIPPED:
        assert nodeset.path.is_file()
        assert set(nodeset.needs) <= loaded
        loaded.add(nodeset.uri)
    assert TYPES_URI in loaded


def test_the_file_is_valid_against_the_schema_of_the_opc_foundation():
    xmlschema = pytest.importorskip("xmlschema", reason="xmlschema is not installed (pip install xmlschema)")
    schema = MODULES / "node-opcua-nodesets" / "nodesets" / "UANodeSet.xsd"
    if not schema.is_file():
        pytest.skip(f"{schema} is missing (npm install node-opcua-nodesets in tests/interop)")
    assert [str(error) for error in xmlschema.XMLSchema(str(schema)).iter_errors(str(FILE))] == []


def test_node_opcua_loads_the_file_and_instantiates_a_twin():
    node = shutil.which("node")
    if node is None or not (MODULES / "node-opcua-address-space").is_dir():
        pytest.skip("node or node-opcua is missing (npm install node-opcua-address-space in tests/interop)")
    run = subprocess.run(
        [node, "-e", NODE_OPCUA, str(FILE)], cwd=MODULES.parent, capture_output=True, text=True, timeout=50, check=False
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {"parts": ["Identification", "Telemetry"], "names": ["Model"]}
