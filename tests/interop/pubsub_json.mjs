// node-opcua's decoder of the OPC UA JSON encoding (Part 6, 5.4) for the tests: a NetworkMessage per line on stdin; each is
// answered by its DataSetMessages with every field decoded as a DataValue.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { opcuaJsonDecodeDataValue105 } = require("node-opcua-json");

const plain = (value) => (typeof value === "bigint" ? value.toString() : value instanceof Date ? value.toISOString() : value);
// The standard calls the field Status (Part 6, 5.4.2.18, Table 42); the library looks for StatusCode.
const told = ({ Status, ...rest }) => {
  const field = Status === undefined ? rest : { ...rest, StatusCode: Status };
  const dataValue = opcuaJsonDecodeDataValue105(field, ["http://opcfoundation.org/UA/"]);
  return {
    type: dataValue.value?.dataType,
    value: dataValue.value?.value,
    status: dataValue.statusCode?.value ?? 0,
    time: dataValue.sourceTimestamp,
  };
};

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  const frames = message.Messages.map((frame) => ({
    kind: frame.MessageType,
    sequence: frame.SequenceNumber,
    fields: Object.fromEntries(Object.entries(frame.Payload).map(([name, field]) => [name, told(field)])),
  }));
  console.log(JSON.stringify(frames, (_key, value) => plain(value)));
}
