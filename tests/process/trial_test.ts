import { assertEquals } from "@std/assert";
import { type PipelineConfig, pipelineSchema } from "../../src/config/schema.ts";
import type { InboundEvent } from "../../src/core/event.ts";
import { HandlerError } from "../../src/core/handler.ts";
import { parsePlaceholder, type Template, TemplateError } from "../../src/core/template.ts";
import { runTrial } from "../../src/process/trial.ts";
import { anEvent, bytes } from "../support/events.ts";
import { aResult, FakeHandler } from "../support/fakes/handler.ts";

const SUCCESS = aResult();
const REFUSED = aResult("onError", { status: "400", isTransient: false, suggestsOutage: false });
const BUSY = aResult("onError", { status: "503", retryAfterMs: 0 });
const SILENCE = new HandlerError("no response from 'POST http://a/': connection reset");
const NO_VALUE = new TemplateError("no value for ${event.key}");

interface Row {
  readonly name: string;
  readonly answer: ConstructorParameters<typeof FakeHandler>[0];
  readonly handler?: Record<string, unknown>;
  /** Topics of result processors, and what they are for. */
  readonly results?: Record<string, string | readonly string[]>;
  /** Template for the key of their records. */
  readonly key?: Template;
  readonly hasDeadLetters?: boolean;
  readonly outcome: string;
  readonly next: readonly string[];
  /** Destinations of records. */
  readonly records?: readonly string[];
  readonly isDone?: boolean;
}

const RETRY = { maxAttempts: 3, initialDelay: "2s" };
const BLOCK =
  "block: try again for ever, with growing pauses, while later events wait as 'ordering' says";
const AWAY = "call again, with growing pauses, until the endpoint answers";

const ROWS: readonly Row[] = [
  {
    name: "a success",
    answer: SUCCESS,
    results: { A: "onSuccess", B: "onError", C: ["onSuccess", "onError"] },
    outcome: "success: status 200",
    next: ["publish the result to each eventResultProcessor for onSuccess (2)"],
    records: ["A", "C"],
    isDone: true,
  },
  {
    name: "a success that goes nowhere",
    answer: SUCCESS,
    results: { A: "onError" },
    outcome: "success: status 200",
    next: ["publish nothing: no eventResultProcessor is configured for onSuccess"],
    isDone: true,
  },
  {
    name: "an error that is published",
    answer: REFUSED,
    results: { A: "onSuccess", B: "onError" },
    outcome: "error response: status 400",
    next: ["publish the error to each eventResultProcessor for onError (1)"],
    records: ["B"],
    isDone: true,
  },
  {
    name: "an error that may pass",
    answer: BUSY,
    handler: { retry: RETRY },
    results: { A: "onError" },
    outcome: "error response: status 503",
    next: [
      "call again after 0.0 s, as the response asks by Retry-After, up to 3 calls in all",
      "if all end like this one, publish the error to each eventResultProcessor for onError (1)",
    ],
    records: ["A"],
  },
  {
    name: "an error that may pass, when no call is repeated",
    answer: BUSY,
    results: { A: "onError" },
    outcome: "error response: status 503",
    next: ["publish the error to each eventResultProcessor for onError (1)"],
    records: ["A"],
    isDone: true,
  },
  {
    name: "an error that blocks",
    answer: REFUSED,
    handler: { retry: RETRY },
    results: { A: "onSuccess" },
    outcome: "error response: status 400",
    next: [
      BLOCK,
      "log: cannot handle ORDERS[0]@0: status 400, and no eventResultProcessor is configured for " +
      "onError; it blocks later events as 'ordering' says; trying again in TIME",
    ],
  },
  {
    name: "an error that is discarded",
    answer: REFUSED,
    handler: { onFailure: "discard" },
    outcome: "error response: status 400",
    next: [
      "discard the event",
      "log: discarded ORDERS[0]@0: status 400, and no eventResultProcessor is configured for onError",
    ],
  },
  {
    name: "an error that becomes a dead letter after several calls",
    answer: aResult("onError", { status: "503" }),
    handler: { retry: RETRY },
    hasDeadLetters: true,
    outcome: "error response: status 503",
    next: [
      "call again after up to 2.0 s, up to 3 calls in all",
      "if all end like this one, publish a dead letter",
      "log: dead letter of ORDERS[0]@0: status 503, and no eventResultProcessor is configured for onError",
    ],
    records: ["DEAD"],
  },
  {
    name: "no response",
    answer: SILENCE,
    hasDeadLetters: true,
    outcome: SILENCE.message,
    next: [AWAY, `log: cannot handle ORDERS[0]@0: ${SILENCE.message}; trying again in TIME`],
  },
  {
    name: "an event that cannot become a call",
    answer: NO_VALUE,
    hasDeadLetters: true,
    outcome: "no call: no value for ${event.key}",
    next: [
      "publish a dead letter",
      "log: dead letter of ORDERS[0]@0: no value for ${event.key}",
    ],
    records: ["DEAD"],
  },
  {
    name: "a result without what its record needs",
    answer: SUCCESS,
    results: { A: "onSuccess" },
    key: { parts: [parsePlaceholder("response.body.id")!] },
    hasDeadLetters: true,
    outcome: "success: status 200",
    next: [
      "publish a dead letter",
      "log: dead letter of ORDERS[0]@0: no value for ${response.body.id}; " +
      "write ${response.body.id:-...} to set a default",
    ],
    records: ["DEAD"],
  },
];

function pipelineOf({ handler, results = {}, key, hasDeadLetters = false }: Row): PipelineConfig {
  const producerConfig = { "bootstrap.servers": "broker:9092" };
  const processors = Object.entries(results)
    .map(([topic, when]) => ({ type: "kafka", topic, when, producerConfig }));
  const pipeline = pipelineSchema.parse({
    name: "orders",
    eventListener: { type: "stdin" },
    eventHandler: { type: "http", url: "http://a/", ...handler },
    ...(processors.length === 0 ? {} : { eventResultProcessor: processors }),
    ...(hasDeadLetters ? { deadLetter: { type: "kafka", topic: "DEAD", producerConfig } } : {}),
  });
  const eventResultProcessor = pipeline.eventResultProcessor
    .map((processor) => ({ ...processor, templates: { key } }));
  return { ...pipeline, eventResultProcessor };
}

const EVENT = { topic: "ORDERS", partition: 0, offset: 0 };

async function trialOf(row: Row, event: InboundEvent = anEvent(EVENT)) {
  const handler = new FakeHandler(row.answer);
  const trial = await runTrial(event, pipelineOf(row), handler);
  const next = trial.next.map((step) => step.replace(/again in [\d.]+ s$/, "again in TIME"));
  return { ...trial, next, calls: handler.calls.length };
}

for (const row of ROWS) {
  Deno.test(`runTrial() makes one call and says what becomes of ${row.name}`, async () => {
    const { outcome, next, records, isDone, calls } = await trialOf(row);
    assertEquals(
      { outcome, next, records: records.map(({ destination }) => destination), isDone, calls },
      {
        outcome: row.outcome,
        next: row.next,
        records: (row.records ?? []).map((topic) => `kafka topic ${topic} on broker:9092`),
        isDone: row.isDone ?? false,
        calls: 1,
      },
    );
  });
}

Deno.test("runTrial() has the records that the pipeline would publish", async () => {
  const row = { name: "", answer: SUCCESS, results: { A: "onSuccess" }, outcome: "", next: [] };
  const { records: [kept] } = await trialOf(
    row,
    anEvent({ ...EVENT, headers: [["tenant", bytes("acme")]] }),
  );
  assertEquals(kept?.record, {
    key: bytes("key"),
    value: bytes("result"),
    headers: [
      ["tenant", bytes("acme")],
      ["eventor-status", bytes("200")],
      ["eventor-source-topic", bytes("ORDERS")],
      ["eventor-source-partition", bytes("0")],
      ["eventor-source-offset", bytes("0")],
    ],
  });
});
