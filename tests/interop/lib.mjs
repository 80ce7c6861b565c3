// What the scripts share: a client of node-opcua, the plant at the other end of stdin, and one JSON line a case.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import {
  AttributeIds,
  MessageSecurityMode,
  OPCUAClient,
  SecurityPolicy,
  StatusCodes,
  UserTokenType,
} from "node-opcua-client";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";

export const told = JSON.parse(process.argv[2]);
const CASE_MS = told.case_ms ?? 15_000;

// -- the plant: `await plant("set", path, value)` has Python do it

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export async function plant(name, ...args) {
  console.log(JSON.stringify({ ask: name, args }));
  return JSON.parse((await answers.next()).value);
}

// -- clients and sessions

const certificates = new OPCUACertificateManager({
  rootFolder: told.pki,
  automaticallyAcceptUnknownCertificate: true,
});

export async function makeClient(options = {}) {
  await certificates.initialize();
  return OPCUAClient.create({
    applicationName: "interop",
    clientCertificateManager: certificates,
    endpointMustExist: false,
    connectionStrategy: { maxRetry: 0 },
    keepSessionAlive: false,
    ...options,
  });
}

export function login(userName, password = told.password) {
  return { type: UserTokenType.UserName, userName, password };
}

export async function withSession(work, options = {}, user = undefined) {
  const client = await makeClient(options);
  await client.connect(told.url);
  const session = await client.createSession(user);
  try {
    return await work(session, client);
  } finally {
    if (!session.hasBeenClosed()) await session.close();
    await client.disconnect();
  }
}

export const secured = (policy, mode = "SignAndEncrypt") => ({
  securityMode: MessageSecurityMode[mode],
  securityPolicy: SecurityPolicy[policy],
});

// -- requests as they are, answers or the StatusCode of the fault

export async function transact(session, request) {
  try {
    return await session.performMessageTransaction(request);
  } catch (error) {
    const result = error.response?.responseHeader?.serviceResult;
    if (!result) throw error;
    return { fault: result.name };
  }
}

export const names = (results) => results.map((one) => (one.statusCode ?? one).name);
export const value = (nodeId) => ({ nodeId, attributeId: AttributeIds.Value });
export const show = (one) => [one.statusCode.name, one.value?.value ?? null];
export const twin = (path) => `ns=3;s=${path}`;
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export { AttributeIds, StatusCodes };

// how long this process has waited for a processor that others had, where the system counts it
export function queuedMs() {
  try {
    return Number(readFileSync("/proc/self/schedstat", "utf8").split(" ")[1]) / 1e6;
  } catch {
    return 0;
  }
}

export async function until(condition, ms = 5_000) {
  for (const end = Date.now() + ms; Date.now() < end; await pause(10)) if (await condition()) return;
  throw new Error(`not within ${ms} ms: ${condition}`);
}

// -- cases

function within(ms, work) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`not within ${ms} ms`)), ms)));
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

export async function run(cases) {
  for (const [name, work] of Object.entries(cases)) {
    if (told.only && told.only !== name) continue;
    try {
      console.log(JSON.stringify({ case: name, ok: true, detail: (await within(CASE_MS, work())) ?? null }));
    } catch (error) {
      console.log(JSON.stringify({ case: name, ok: false, detail: String(error.stack ?? error) }));
    }
  }
  process.exit(0);
}
