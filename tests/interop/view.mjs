// The View Service Set: Browse, BrowseNext, TranslateBrowsePathsToNodeIds, RegisterNodes.
import { BrowseNextRequest, BrowseRequest, TranslateBrowsePathsToNodeIdsRequest, makeBrowsePath } from "node-opcua-client";
import { RegisterNodesRequest, UnregisterNodesRequest } from "node-opcua-types";
import { names, run, show, transact, twin, value, withSession } from "./lib.mjs";

const PUMP = twin("Cooling/Loop1/Pump1");
const all = { browseDirection: 2, includeSubtypes: true, nodeClassMask: 0, resultMask: 63 };
const browse = (session, nodesToBrowse, requestedMaxReferencesPerNode = 0, more = {}) =>
  transact(session, new BrowseRequest({ nodesToBrowse, requestedMaxReferencesPerNode, ...more }));
const next = (session, continuationPoints, releaseContinuationPoints = false) =>
  transact(session, new BrowseNextRequest({ continuationPoints, releaseContinuationPoints }));
const browseNames = (result) => result.references.map((one) => one.browseName.name);
const path = (from, elements) => ({ startingNode: from, relativePath: { elements } });
const step = (name, more = {}) => ({
  referenceTypeId: "i=33",
  isInverse: false,
  includeSubtypes: true,
  targetName: name,
  ...more,
});

await run({
  the_plant_is_found_by_browsing: () =>
    withSession(async (session) => {
      const objects = await session.browse("ObjectsFolder");
      const pump = await session.browse(PUMP);
      return [browseNames(objects), browseNames(pump)];
    }),

  pages_give_every_reference_once: () =>
    withSession(async (session) => {
      const whole = (await browse(session, [{ nodeId: "i=2253", ...all }])).results[0];
      const paged = (await browse(session, [{ nodeId: "i=2253", ...all }], 3)).results[0];
      const found = [browseNames(paged)];
      for (let point = paged.continuationPoint; point; ) {
        const page = (await next(session, [point])).results[0];
        found.push(browseNames(page));
        point = page.continuationPoint;
      }
      return { whole: browseNames(whole), paged: found };
    }),

  continuation_points_end: () =>
    withSession(async (session) => {
      const page = async () => (await browse(session, [{ nodeId: "i=2253", ...all }], 1)).results[0].continuationPoint;
      const used = await page();
      await next(session, [used]);
      const released = await page();
      const release = names((await next(session, [released], true)).results);
      const foreign = await page();
      const other = await withSession(async (second) => names((await next(second, [foreign])).results));
      return {
        used: names((await next(session, [used])).results),
        release,
        released: names((await next(session, [released])).results),
        other,
        empty: await next(session, []),
      };
    }),

  continuation_points_are_limited: () =>
    withSession(async (session) => {
      const pages = await browse(session, Array(60).fill({ nodeId: "i=2253", ...all }), 1);
      const limit = (await session.read(value("i=2735"))).value.value;
      return { limit, statuses: names(pages.results) };
    }),

  filters_and_masks_are_obeyed: () =>
    withSession(async (session) => {
      const ask = async (more) => (await browse(session, [{ nodeId: PUMP, ...all, ...more }])).results[0];
      const forward = await ask({ browseDirection: 0, nodeClassMask: 1 });
      const inverse = await ask({ browseDirection: 1 });
      const typed = await ask({ browseDirection: 0, referenceTypeId: "i=40", includeSubtypes: false });
      const none = await ask({ browseDirection: 0, referenceTypeId: "i=33", includeSubtypes: false });
      const bare = await ask({ browseDirection: 0, resultMask: 0 });
      return {
        classes: [...new Set(forward.references.map((one) => one.nodeClass))],
        inverse: inverse.references.map((one) => one.isForward),
        typed: typed.references.length,
        none: none.references.length,
        bare: bare.references.map((one) => [one.browseName.name, one.displayName.text, one.nodeClass]),
      };
    }),

  wrong_descriptions_have_their_own_status: () =>
    withSession(async (session) => {
      const response = await browse(session, [
        { nodeId: PUMP, ...all },
        { nodeId: twin("nothing"), ...all },
        { nodeId: PUMP, ...all, referenceTypeId: "i=85" },
        { nodeId: PUMP, ...all, referenceTypeId: "i=999999" },
      ]);
      return names(response.results);
    }),

  views_nothing_and_too_much_are_faults: () =>
    withSession(async (session) => {
      const one = { nodeId: PUMP, ...all };
      const view = { view: { viewId: "i=85", timestamp: null, viewVersion: 0 } };
      return [
        (await browse(session, [])).fault,
        (await browse(session, [one], 0, view)).fault,
        (await browse(session, Array(10_001).fill(one))).fault,
      ];
    }),

  browse_paths_lead_to_nodes: () =>
    withSession(async (session) => {
      const state = await session.translateBrowsePath(makeBrowsePath("RootFolder", "/Objects/Server/ServerStatus.State"));
      const speed = await session.translateBrowsePath(
        makeBrowsePath("ObjectsFolder", "/2:Twins/3:Cooling/3:Loop1/3:Pump1/2:Telemetry/3:Speed"),
      );
      return [state, speed].map((one) => [one.statusCode.name, one.targets?.[0]?.targetId.toString()]);
    }),

  browse_paths_that_lead_nowhere_say_why: () =>
    withSession(async (session) => {
      const translate = (browsePaths) =>
        transact(session, new TranslateBrowsePathsToNodeIdsRequest({ browsePaths }));
      const response = await translate([
        path("i=84", [step({ name: "Objects" })]),
        path("i=84", [step({ name: "nothing" })]),
        path(twin("nothing"), [step({ name: "Objects" })]),
        path("i=84", []),
        path("i=84", [step({ name: null })]),
        path("i=85", [step({ name: "Root" }, { isInverse: true })]),
        path("i=84", [step({ name: "Objects" }, { includeSubtypes: false })]),
      ]);
      return { statuses: names(response.results), nothing: (await translate([])).fault };
    }),

  registered_nodes_read_as_before: () =>
    withSession(async (session) => {
      const nodes = [twin("Cooling/Loop1/Tank/Level"), "ns=0;i=2259", twin("nothing")];
      const before = await session.read(nodes.map(value));
      const registered = await transact(session, new RegisterNodesRequest({ nodesToRegister: nodes }));
      const handles = registered.registeredNodeIds.map(String);
      const after = await session.read(handles.map(value));
      await transact(session, new UnregisterNodesRequest({ nodesToUnregister: handles }));
      const gone = await session.read(value(handles[0]));
      const nothing = await transact(session, new RegisterNodesRequest({ nodesToRegister: [] }));
      return {
        before: before.map(show),
        after: after.map(show),
        shorter: handles[0] !== nodes[0],
        gone: gone.statusCode.name,
        nothing: nothing.fault,
      };
    }),
});
