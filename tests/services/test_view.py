"""Browse, BrowseNext, TranslateBrowsePathsToNodeIds (Part 4, 5.8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import Client, ua

from server.services.options import Limits
from tests.services.conftest import Served, serve
from tests.simulators.raw_client import RawClient

pytestmark = pytest.mark.asyncio(loop_scope="module")
STATUS = ua.StatusCodes
OBJECTS = ua.NodeId(ua.ObjectIds.ObjectsFolder)
SERVER = ua.NodeId(ua.ObjectIds.Server)
HIERARCHICAL = ua.NodeId(ua.ObjectIds.HierarchicalReferences)
ALL = 0x3F


def description(node_id: ua.NodeId, **rest: Any) -> ua.BrowseDescription:
    told = {
        "BrowseDirection": ua.BrowseDirection.Forward,
        "ReferenceTypeId": HIERARCHICAL,
        "IncludeSubtypes": True,
        "NodeClassMask": 0,
        "ResultMask": ALL,
    }
    return ua.BrowseDescription(NodeId=node_id, **(told | rest))


async def browse(raw: RawClient, *items: ua.BrowseDescription, most: int = 0) -> list[ua.BrowseResult]:
    request = ua.BrowseRequest()
    request.Parameters.RequestedMaxReferencesPerNode = most
    request.Parameters.NodesToBrowse = list(items)
    response = await raw.call(request)
    response.ResponseHeader.ServiceResult.check()
    return response.Results  # type: ignore[no-any-return]


async def browse_next(raw: RawClient, *points: bytes, release: bool = False) -> list[ua.BrowseResult]:
    request = ua.BrowseNextRequest()
    request.Parameters.ReleaseContinuationPoints = release
    request.Parameters.ContinuationPoints = list(points)
    response = await raw.call(request)
    response.ResponseHeader.ServiceResult.check()
    return response.Parameters.Results  # type: ignore[no-any-return]


def names(result: ua.BrowseResult) -> list[str]:
    return [reference.BrowseName.Name for reference in result.References]


@pytest_asyncio.fixture(loop_scope="module")
async def raw(served: Served) -> AsyncIterator[RawClient]:
    async with served.raw() as client:
        yield await client.connect()


async def test_the_plant_stands_under_objects(served: Served, raw: RawClient) -> None:
    """Part 4, 5.8.2."""
    objects, pump = await browse(raw, description(OBJECTS), description(served.node_id("Cooling/Loop1/Pump1")))
    assert {"Server", "Twins", "Connections"} <= set(names(objects))
    assert {"Telemetry", "Commands", "DriveEndBearing"} <= set(names(pump))


async def test_filters_choose_direction_type_and_class(served: Served, raw: RawClient) -> None:
    """Part 4, 5.8.2.2."""
    pump = served.node_id("Cooling/Loop1/Pump1")
    organizes = ua.NodeId(ua.ObjectIds.Organizes)
    inverse = ua.BrowseDirection.Inverse
    results = await browse(
        raw,
        description(pump, BrowseDirection=inverse),
        description(OBJECTS, ReferenceTypeId=organizes, IncludeSubtypes=False),
        description(SERVER, NodeClassMask=int(ua.NodeClass.Method)),
        description(SERVER, ReferenceTypeId=ua.NodeId(), NodeClassMask=int(ua.NodeClass.ObjectType)),
        description(OBJECTS, ReferenceTypeId=ua.NodeId(ua.ObjectIds.HasChild), IncludeSubtypes=False),
    )
    assert set(names(results[0])) == {"Loop1"}
    assert "Server" in names(results[1])
    assert "GetMonitoredItems" in names(results[2])
    assert {reference.NodeClass for reference in results[2].References} == {ua.NodeClass.Method}
    assert names(results[3]) == ["ServerType"]
    assert names(results[4]) == []


async def test_the_result_mask_leaves_out_what_was_not_asked_for(raw: RawClient) -> None:
    """Part 4, 5.8.2.2."""
    (nothing,) = await browse(raw, description(OBJECTS, ResultMask=0))
    reference = nothing.References[0]
    assert reference.ReferenceTypeId.is_null()
    assert reference.BrowseName.Name is None
    assert reference.DisplayName.Text is None
    assert reference.NodeClass == ua.NodeClass.Unspecified
    assert reference.TypeDefinition.is_null()
    assert not reference.NodeId.is_null()
    (name,) = await browse(raw, description(OBJECTS, ResultMask=int(ua.BrowseResultMask.BrowseName)))
    assert "Server" in names(name)


async def test_references_are_complete_all_over_the_standard_nodes(served: Served, raw: RawClient) -> None:
    """Part 4, 7.30: asyncua stores some references before it knows their targets."""
    seen, waiting = {OBJECTS}, [OBJECTS, ua.NodeId(ua.ObjectIds.TypesFolder)]
    while waiting and len(seen) < 1_500:
        batch, waiting = waiting[:200], waiting[200:]
        for result in await browse(raw, *map(description, batch)):
            for reference in result.References:
                assert reference.BrowseName.Name, reference
                assert reference.DisplayName.Text, reference
                assert reference.NodeClass != ua.NodeClass.Unspecified, reference
                instance = reference.NodeClass in (ua.NodeClass.Object, ua.NodeClass.Variable)
                assert instance != reference.TypeDefinition.is_null(), reference
                if reference.NodeId not in seen:
                    seen.add(reference.NodeId)
                    waiting.append(reference.NodeId)


async def test_pages_give_every_reference_once(raw: RawClient) -> None:
    """Part 4, 5.8.3."""
    (whole,) = await browse(raw, description(SERVER))
    (page,) = await browse(raw, description(SERVER), most=4)
    found = names(page)
    while page.ContinuationPoint:
        assert len(page.References) == 4
        (page,) = await browse_next(raw, page.ContinuationPoint)
        found += names(page)
    assert found == names(whole)


async def test_a_continuation_point_is_of_use_once_and_can_be_released(raw: RawClient) -> None:
    """Part 4, 5.8.3 and 7.9."""
    first, second = await browse(raw, description(SERVER), description(SERVER), most=2)
    assert first.ContinuationPoint != second.ContinuationPoint
    used, released = first.ContinuationPoint, second.ContinuationPoint
    (page,) = await browse_next(raw, used)
    good, unknown = await browse_next(raw, released, b"unknown", release=True)
    assert (good.StatusCode.value, unknown.StatusCode.value) == (0, STATUS.BadContinuationPointInvalid)
    for point in (used, released, b"", b"x" * 100):
        (result,) = await browse_next(raw, point)
        assert result.StatusCode.value == STATUS.BadContinuationPointInvalid
    assert page.StatusCode.value == 0


async def test_continuation_points_belong_to_their_session_and_are_limited(served: Served, raw: RawClient) -> None:
    """Part 4, 7.9."""
    limit = served.server.limits.max_browse_continuation_points
    results = await browse(raw, *[description(SERVER)] * (limit + 1), most=1)
    assert [result.StatusCode.value for result in results] == [0] * limit + [STATUS.BadNoContinuationPoints]
    async with served.raw() as other:
        await other.connect()
        (result,) = await browse_next(other, results[0].ContinuationPoint)
        assert result.StatusCode.value == STATUS.BadContinuationPointInvalid


@pytest.mark.parametrize(
    ("bend", "status"),
    [
        ({"node_id": ua.NodeId("nothing", 3)}, STATUS.BadNodeIdUnknown),
        ({"BrowseDirection": ua.BrowseDirection.Invalid}, STATUS.BadBrowseDirectionInvalid),
        ({"ReferenceTypeId": OBJECTS}, STATUS.BadReferenceTypeIdInvalid),
        ({"ReferenceTypeId": ua.NodeId(999_999)}, STATUS.BadReferenceTypeIdInvalid),
    ],
)
async def test_each_node_has_its_own_status(raw: RawClient, bend: dict[str, Any], status: int) -> None:
    """Part 4, 5.8.2.4."""
    node_id = bend.pop("node_id", OBJECTS)
    good, bad = await browse(raw, description(OBJECTS), description(node_id, **bend))
    assert (good.StatusCode.value, bad.StatusCode.value) == (0, status)


async def test_views_nothing_and_too_much_are_faults(served: Served, tmp_path: Path, raw: RawClient) -> None:
    """Part 4, 5.8.2.3: Views are not offered: BadViewIdUnknown."""
    request = ua.BrowseRequest()
    assert (await raw.call(request)).ResponseHeader.ServiceResult.value == STATUS.BadNothingToDo
    request.Parameters.NodesToBrowse = [description(OBJECTS)]
    request.Parameters.View.ViewId = ua.NodeId(OBJECTS.Identifier)
    assert (await raw.call(request)).ResponseHeader.ServiceResult.value == STATUS.BadViewIdUnknown
    small = await serve(tmp_path, Limits(max_nodes_per_browse=2, max_nodes_per_translate=2, max_nodes_per_register=2))
    try:
        async with small.raw() as other:
            await other.connect()
            request = ua.BrowseRequest()
            request.Parameters.NodesToBrowse = [description(OBJECTS)] * 3
            register = ua.RegisterNodesRequest()
            register.Parameters.NodesToRegister = [OBJECTS] * 3
            translate = ua.TranslateBrowsePathsToNodeIdsRequest()
            translate.Parameters.BrowsePaths = [path(OBJECTS, "Server")] * 3
            for asked in (request, register, translate):
                fault = await other.call(asked)
                assert fault.ResponseHeader.ServiceResult.value == STATUS.BadTooManyOperations
    finally:
        await small.server.stop()


def path(start: ua.NodeId, *steps: str, namespace: int = 0, **rest: Any) -> ua.BrowsePath:
    elements = [
        ua.RelativePathElement(
            **({"ReferenceTypeId": HIERARCHICAL, "IsInverse": False, "IncludeSubtypes": True} | rest),
            TargetName=ua.QualifiedName(step or None, namespace),
        )
        for step in steps
    ]
    return ua.BrowsePath(start, ua.RelativePath(elements))


async def translate(client: Client, *paths: ua.BrowsePath) -> list[ua.BrowsePathResult]:
    return await client.uaclient.translate_browsepaths_to_nodeids(list(paths))  # type: ignore[no-any-return]


async def test_browse_paths_lead_to_nodes_or_say_why_not(served: Served, anonymous: Client) -> None:
    """Part 4, 5.8.4."""
    state = path(SERVER, "ServerStatus", "State")
    cases = [
        (state, 0),
        (path(ua.NodeId(ua.ObjectIds.Server_ServerStatus), "Server", IsInverse=True), 0),
        (path(SERVER, "ServerStatus", "Nothing"), STATUS.BadNoMatch),
        (path(SERVER, "ServerStatus", namespace=2), STATUS.BadNoMatch),
        (path(SERVER, "ServerStatus", ReferenceTypeId=ua.NodeId(ua.ObjectIds.HasProperty)), STATUS.BadNoMatch),
        (path(SERVER), STATUS.BadNothingToDo),
        (path(SERVER, ""), STATUS.BadBrowseNameInvalid),
        (path(ua.NodeId("nothing", 3), "State"), STATUS.BadNodeIdUnknown),
        (path(SERVER, "ServerStatus", ReferenceTypeId=ua.NodeId()), 0),
    ]
    results = await translate(anonymous, *(one for one, _ in cases))
    assert [result.StatusCode.value for result in results] == [status for _, status in cases]
    (target,) = results[0].Targets
    assert target.TargetId == ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)
    assert target.RemainingPathIndex == 0xFFFFFFFF


async def test_a_twin_is_found_by_its_path(served: Served, anonymous: Client) -> None:
    """Part 4, 5.8.4."""
    start = served.node_id("Cooling")
    found = path(start, "Loop1", "Tank", namespace=3)
    (result,) = await translate(anonymous, found)
    assert [target.TargetId for target in result.Targets] == [served.node_id("Cooling/Loop1/Tank")]
