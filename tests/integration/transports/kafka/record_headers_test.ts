import { assertEquals } from "@std/assert";
import type { RecordHeader } from "../../../../src/core/event.ts";
import {
  KafkaResultProcessor,
} from "../../../../src/transports/kafka/producer/result_processor.ts";
import { bytes } from "../../../support/events.ts";
import { HOSTILE_HEADERS, manyHeaders } from "../../../support/hostile_headers.ts";
import { freshName, freshTopic, produceByKcat, testBroker } from "../../../support/kafka/broker.ts";
import { resultProcessorConfig } from "../../../support/kafka/config.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const TEXT_DECODER = new TextDecoder();

const WRITTEN: { name: string; headers: readonly RecordHeader[] }[] = [
  { name: "hostile headers", headers: HOSTILE_HEADERS },
  { name: "10,000 headers", headers: manyHeaders(10_000) },
];

for (const { name, headers } of WRITTEN) {
  Deno.test(`kcat reads what KafkaResultProcessor wrote: ${name}`, async () => {
    const topic = await freshTopic("headers");
    const context = { pipeline: "headers", log: new RecordedLog().log, limits: DEFAULT_LIMITS };
    await using processor = await KafkaResultProcessor.open(
      resultProcessorConfig({ topic }),
      context,
    );
    const never = new AbortController().signal;
    await processor.process({ key: null, value: bytes("value"), headers }, never);
    assertEquals(await headersReadByKcat(topic), headers.map(asText));
  });
}

// kcat cannot write a header without a name.
const WRITTEN_BY_KCAT: { name: string; headers: readonly RecordHeader[] }[] = [
  { name: "hostile headers", headers: HOSTILE_HEADERS.filter(([name]) => name !== "") },
  { name: "10,000 headers", headers: manyHeaders(10_000) },
];

for (const { name, headers } of WRITTEN_BY_KCAT) {
  Deno.test(`KafkaListener reads what kcat wrote: ${name}`, async () => {
    const topic = await freshTopic("headers");
    const options = headers.map(asText).flatMap(([name, value]) => [
      "-H",
      value === null ? name : `${name}=${value}`,
    ]);
    await produceByKcat(topic, "value\n", options);
    assertEquals(await headersReadByListener(topic), headers.map(asText));
  });
}

type TextHeader = [name: string, value: string | null];

async function headersReadByListener(topic: string): Promise<TextHeader[]> {
  await using listening = await KafkaListening.open({ topic, group: freshName("headers") });
  await listening.received(1);
  return listening.events[0]?.headers.map(asText) ?? [];
}

async function headersReadByKcat(topic: string): Promise<TextHeader[]> {
  const { stdout } = await new Deno.Command("kcat", {
    args: ["-b", testBroker(), "-t", topic, "-C", "-e", "-q", "-J"],
    stdout: "piped",
  }).output();
  const { headers }: { headers: (string | null)[] } = JSON.parse(TEXT_DECODER.decode(stdout));
  return headers.flatMap((name, index): TextHeader[] =>
    index % 2 === 0 ? [[name ?? "", headers[index + 1] ?? null]] : []
  );
}

function asText([name, value]: RecordHeader): TextHeader {
  return [name, value && TEXT_DECODER.decode(value)];
}
