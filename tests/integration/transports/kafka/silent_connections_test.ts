import { assert, assertEquals } from "@std/assert";
import {
  KafkaResultProcessor,
} from "../../../../src/transports/kafka/producer/result_processor.ts";
import { bytes } from "../../../support/events.ts";
import { eventually, inTime } from "../../../support/eventually.ts";
import {
  committedOffsets,
  freshName,
  freshTopic,
  produce,
  readTopic,
  testBroker,
} from "../../../support/kafka/broker.ts";
import { resultProcessorConfig } from "../../../support/kafka/config.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";
import { TcpProxy } from "../../../support/network/tcp_proxy.ts";

const REQUEST_TIMEOUT_MS = 1500;
/** For pauses between attempts, and for what else runs on this machine. */
const ALLOWANCE_MS = 1500;

Deno.test("KafkaResultProcessor stores a record soon after its connection fell silent", async () => {
  await using proxy = new TcpProxy(testBroker());
  const topic = await freshTopic("silence");
  // A producer waits a second longer than it tells the broker to wait for the others.
  const keys = keysFor(proxy, { "request.timeout.ms": REQUEST_TIMEOUT_MS - 1000 });
  const config = resultProcessorConfig({ topic, keys });
  const recorded = new RecordedLog();
  const context = { pipeline: "silence", log: recorded.log, limits: DEFAULT_LIMITS };
  await using processor = await KafkaResultProcessor.open(config, context);
  const never = new AbortController().signal;
  const store = (text: string) =>
    processor.process({ key: null, value: bytes(text), headers: [] }, never);
  await store("before");

  proxy.silence();
  const { elapsedMs } = await inTime(store("after"), {
    deadlineMs: 2 * REQUEST_TIMEOUT_MS + ALLOWANCE_MS,
    what: "the record is stored",
  });

  assert(elapsedMs >= REQUEST_TIMEOUT_MS, `stored after ${elapsedMs} ms, so it did not wait`);
  const stored = (await readTopic(topic)).map(({ value }) => new TextDecoder().decode(value!));
  assertEquals(stored, ["before", "after"]);
  const said = recorded.matching(/^(WARN|INFO)/);
  assertEquals(said, [
    `WARN - cannot reach broker ${proxy.address}: no answer: ` +
    "Request Produce(key: 0, version: 7) timed out; trying again",
    `INFO - broker ${proxy.address} answers again`,
  ]);
});

Deno.test("KafkaListener goes on soon after its connections fell silent", async () => {
  await using proxy = new TcpProxy(testBroker());
  const topic = await freshTopic("silence");
  const group = freshName("silence");
  await produce(topic, [{ value: "before" }]);
  await using listening = await KafkaListening.open({ topic, group, keys: keysFor(proxy) });
  await listening.received(1);
  await committed({ group, topic, offset: 1 });

  proxy.silence();
  const { opened } = proxy;
  await produce(topic, [{ value: "after" }]);
  await inTime(listening.received(2), {
    deadlineMs: 2 * REQUEST_TIMEOUT_MS + ALLOWANCE_MS,
    what: "the event is delivered",
  });
  await committed({ group, topic, offset: 2 });

  assertEquals(listening.values, ["before", "after"]);
  assert(proxy.opened > opened, "it has connected anew");
});

function keysFor(proxy: TcpProxy, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    "bootstrap.servers": proxy.address,
    "socket.timeout.ms": REQUEST_TIMEOUT_MS,
    ...more,
    "reconnect.backoff.ms": 100,
  };
}

async function committed(
  { group, topic, offset }: { group: string; topic: string; offset: number },
): Promise<void> {
  await eventually(async () => (await committedOffsets(group, topic)).get(0) === offset, {
    deadlineMs: REQUEST_TIMEOUT_MS + ALLOWANCE_MS,
    what: `the commit of offset ${offset}`,
  });
}
