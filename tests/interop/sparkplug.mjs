// Tahu's Sparkplug payload library for the tests: a line {"encode": payload} is answered by the bytes in hexadecimal, a
// line {"decode": "hexadecimal"} by the payload. 64-bit numbers are text in the answers.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const sparkplug = createRequire(import.meta.url)("sparkplug-payload").get("spBv1.0");
const plain = (_key, value) => (value?.constructor?.name === "Long" ? value.toString() : value);

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const answer =
    "encode" in asked
      ? Buffer.from(sparkplug.encodePayload(asked.encode)).toString("hex")
      : sparkplug.decodePayload(Buffer.from(asked.decode, "hex"));
  console.log(JSON.stringify(answer, plain));
}
