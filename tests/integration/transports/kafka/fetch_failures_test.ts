import { assertEquals, assertLess } from "@std/assert";
import Encoder from "kafkajs/src/protocol/encoder.js";
import { eventually } from "../../../support/eventually.ts";
import { FetchProxy } from "../../../support/kafka/fetch_proxy.ts";
import { batch, responseBytes } from "../../../support/kafka/fetch_responses.ts";
import { freshName, freshTopic, produce, testBroker } from "../../../support/kafka/broker.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";

/** What brokers answer for a partition, and what is said of it. */
const ERRORS: Record<number, RegExp> = {
  [-1]: /its broker reports: The server experienced an unexpected error/,
  1: /the broker has no record there/,
  2: /its broker reports: This message has failed its CRC checksum/,
  3: /its broker does not have it; the topic may have been deleted/,
  5: /no broker leads it/,
  6: /the broker that was asked does not lead it/,
  9: /the broker that was asked has no replica of it/,
  56: /its broker cannot use the disk that it is on/,
  74: /the broker that was asked knows of a later change of its leader/,
  75: /the broker that was asked does not know yet who leads it/,
  76: /its broker reports: The requesting client does not support the compression type/,
  78: /its new leader does not know yet up to which offset it may be read/,
  999: /its broker reports: Unknown error code 999/,
};

/** From the first answer with an error. */
const SAID_WITHIN_MS = 10_000;

Deno.test("an error that a broker answers for one partition keeps the others going, is named within 10 s, and costs no rejoin", async () => {
  await Promise.all(
    Object.entries(ERRORS).map(([code, reason]) => fetchWithError(Number(code), reason)),
  );
});

async function fetchWithError(errorCode: number, reason: RegExp): Promise<void> {
  await using proxy = await FetchProxy.start(testBroker());
  const topic = await freshTopic(`error${errorCode}`, { partitions: 2 });
  await produce(topic, [{ value: "0", partition: 0 }]);
  await produce(topic, [{ value: "1", partition: 1 }]);
  let failingSinceMs = Infinity;
  proxy.answer = ({ offsets }) => {
    if (!offsets.has(0)) return null;
    failingSinceMs = Math.min(failingSinceMs, Date.now());
    return { 0: { records: null, errorCode }, 1: NOTHING };
  };
  await using listening = await openAt(proxy, topic);
  await listening.received(1);
  assertEquals(listening.values, ["1"], `error ${errorCode}`);
  const { joins } = proxy;
  const line = await listening.log.line(/cannot read/);
  assertEquals([line.includes(`${topic}[0]@0: `), reason.test(line)], [true, true], line);
  const said = listening.log.records.find(({ message }) => message.startsWith("cannot read"));
  assertLess((said?.timestampMs ?? Infinity) - failingSinceMs, SAID_WITHIN_MS, line);
  await eventually(() => listening.health.reasons().join().includes(`${topic}[0]@0: `), {
    what: () => `a reason not to be ready, found ${listening.health.reasons()}`,
  });
  assertLess(proxy.answered.length, 60);

  proxy.answer = () => null;
  await listening.received(2);
  await listening.log.line(/reading error\S+\[0\] again/);
  await untilReady(listening);
  assertEquals(proxy.joins, joins, `rejoins with error ${errorCode}`);
}

/** Answers that bring nothing forward: what comes of one partition, and of which nothing may be taken. */
const WITHOUT_PROGRESS: Record<string, FetchProxy["answer"]> = {
  "a batch that is longer than the answer": () => ({ 0: { records: cut(batch("a", {}), 10) } }),
  "a few bytes of a batch": () => ({ 0: { records: batch("a", {}).subarray(0, 7) } }),
  "an unknown format": () => ({ 0: { records: withByte(batch("a", {}), 16, 0xff) } }),
  "another partition": () => (version) =>
    responseBytes({ other: [{ records: batch("a", {}) }] }, { version }),
  "no topic at all": () => (version) => responseBytes({}, { version }),
  "no records, without waiting for any": () => ({ 0: NOTHING }),
  "an error for the whole answer": () => () => failedResponse(-1),
  "itself as the broker to fetch from": () => ({ 0: { records: null, preferredReadReplica: 1 } }),
  "a broker to fetch from that there is not": () => ({
    0: { records: null, preferredReadReplica: 99 },
  }),
  "fewer records than a batch has": () => ({ 0: { records: withByte(batch("a", {}), 60, 0) } }),
};

Deno.test("answers that bring nothing forward make no busy loop, and nothing of them is taken", async () => {
  await Promise.all(
    Object.entries(WITHOUT_PROGRESS).map(([what, answer]) => fetchWithoutProgress(what, answer)),
  );
});

async function fetchWithoutProgress(what: string, answer: FetchProxy["answer"]): Promise<void> {
  await using proxy = await FetchProxy.start(testBroker());
  const topic = await freshTopic("standstill");
  await produce(topic, [{ value: "real" }]);
  proxy.answer = answer;
  await using listening = await openAt(proxy, topic);
  await listening.log.line(/cannot read standstill-\S+\[0\]@0: /);
  await eventually(() => listening.health.reasons().join().includes(`${topic}[0]@0: `), {
    what: () => `a reason not to be ready, found ${listening.health.reasons()}`,
  });
  assertLess(proxy.answered.length, 60, what);
  assertEquals(listening.values, [], what);

  proxy.answer = () => null;
  await listening.received(1);
  assertEquals(listening.values, ["real"], what);
  await untilReady(listening);
}

const NOTHING = { records: null };

/** A response of version 7 or later, with nothing but an error. */
function failedResponse(errorCode: number): Uint8Array<ArrayBuffer> {
  const noThrottling = new Encoder().writeInt32(0);
  const noSessionNorTopics = new Encoder().writeInt32(0).writeInt32(0);
  return noThrottling.writeInt16(errorCode).writeEncoder(noSessionNorTopics).buffer;
}

function openAt(proxy: FetchProxy, topic: string): Promise<KafkaListening> {
  const keys = { "bootstrap.servers": proxy.address };
  return KafkaListening.open({ topic, group: freshName("failing"), keys });
}

async function untilReady({ health }: KafkaListening): Promise<void> {
  await eventually(() => health.reasons().length === 0, {
    what: () => `readiness, found ${health.reasons()}`,
  });
}

function cut(bytes: Uint8Array<ArrayBuffer>, count: number): Uint8Array<ArrayBuffer> {
  return bytes.subarray(0, bytes.length - count);
}

function withByte(
  bytes: Uint8Array<ArrayBuffer>,
  position: number,
  byte: number,
): Uint8Array<ArrayBuffer> {
  bytes[position] = byte;
  return bytes;
}
