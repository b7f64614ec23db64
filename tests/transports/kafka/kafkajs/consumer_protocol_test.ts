import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "../../../../src/transports/kafka/kafkajs/consumer_protocol.ts";
import { DECODER } from "../../../../src/transports/kafka/kafkajs/decoder.ts";
import { replaceMembers } from "../../../../src/transports/kafka/kafkajs/replacement.ts";

replaceMembers([DECODER]);

// Bytes as Java's ConsumerProtocol writes them: topics "ab" and "c".
const TOPICS = "00000002 00026162 000163";
const NO_USER_DATA = "ffffffff";
const SUBSCRIPTIONS = {
  "version 0": `0000 ${TOPICS} ${NO_USER_DATA}`,
  "version 1, with owned partitions": `0001 ${TOPICS} 00000000 00000001 000163 00000001 00000007`,
  "version 2, with a generation": `0002 ${TOPICS} ${NO_USER_DATA} 00000000 00000005`,
  "version 3, with a rack": `0003 ${TOPICS} ${NO_USER_DATA} 00000000 ffffffff 00027631`,
  "a version to come": `0009 ${TOPICS} ${NO_USER_DATA} 00112233445566778899`,
  "no user data at all": `0000 ${TOPICS}`,
};

for (const [name, text] of Object.entries(SUBSCRIPTIONS)) {
  Deno.test(`the topics of a subscription are read: ${name}`, () => {
    assertEquals(decodeSubscription(bytes(text)), new Set(["ab", "c"]));
  });
}

const DAMAGED = {
  "no bytes": "",
  "a version alone": "0000",
  "a topic that is cut off": "0000 00000001 000a6162",
  "more topics than bytes": "0000 7fffffff 000161",
  "a topic without a name": "0000 00000001 ffff",
  "a version below 0": `ffff ${TOPICS} ${NO_USER_DATA}`,
};

for (const [name, text] of Object.entries(DAMAGED)) {
  Deno.test(`a damaged subscription is a RangeError: ${name}`, () => {
    assertThrows(() => decodeSubscription(bytes(text)), RangeError);
  });
}

Deno.test("a subscription is written as version 0, and tells how many partitions its topics have", () => {
  assertEquals(
    [...encodeSubscription(new Map([["ab", 258], ["c", 0]]))],
    [...bytes(`0000 ${TOPICS} 00000008 00000102 00000000`)],
  );
});

Deno.test("an assignment is written as version 0, also one without partitions", () => {
  assertEquals(
    [...encodeAssignment(new Map([["ab", [0, 258]]]))],
    [...bytes("0000 00000001 00026162 00000002 00000000 00000102 00000000")],
  );
  assertEquals([...encodeAssignment(new Map())], [...bytes("0000 00000000 00000000")]);
});

Deno.test("assignments of other leaders are read", () => {
  const partitions = new Map([["ab", [0, 258]], ["__proto__", [1]]]);
  const [ab, proto] = [
    "00026162 00000002 00000000 00000102",
    "00095f5f70726f746f5f5f 00000001 00000001",
  ];
  assertEquals(decodeAssignment(bytes(`0001 00000002 ${ab} ${proto} ffffffff`)), partitions);
  assertEquals(decodeAssignment(bytes(`0003 00000002 ${ab} ${proto} 00000002 1234`)), partitions);
});

Deno.test("an assignment that the leader left out, or left empty, holds no partition", () => {
  for (const empty of [null, bytes(""), bytes("0000 00000000 ffffffff"), bytes("0000 ffffffff")]) {
    assertEquals(decodeAssignment(empty), new Map());
  }
});

Deno.test("a topic that an assignment names twice has each of its partitions once", () => {
  const topic = (partition: string) => `000163 00000001 ${partition}`;
  const text = `0000 00000003 ${topic("00000001")} ${topic("00000002")} ${topic("00000001")}`;
  assertEquals(decodeAssignment(bytes(text)), new Map([["c", [1, 2]]]));
});

Deno.test("a damaged assignment is a RangeError", () => {
  assertThrows(() => decodeAssignment(bytes("0000 00000001 000163 00000005 00000000")), RangeError);
});

function bytes(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex.replaceAll(" ", ""));
}
