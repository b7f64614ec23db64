/**
 * Worker that sends one event through a pipeline's handler and prints the outcome. It publishes nothing.
 *
 * @module
 */
import type { PipelineConfig } from "../config/schema.ts";
import { FileError } from "../config/outside.ts";
import type { Bytes, InboundEvent } from "../core/event.ts";
import { failurePolicy } from "../core/failures/failure_policy.ts";
import type { CallMessage } from "../core/handler.ts";
import { Logger } from "../core/log.ts";
import { type Trial, tryOut } from "../core/trial.ts";
import { handlerRole, listenerRole, resultProcessorRole } from "../transports/mod.ts";
import { readStandardInput } from "./bounded_input.ts";
import { printOut } from "./console.ts";
import { Redaction } from "./redaction.ts";
import { messageText, trialText } from "./trial_text.ts";
import { reportFailures } from "./worker_failures.ts";
import type { TryCommand, TryEvent, TryReport } from "./worker_messages.ts";

/** Largest payload of a trial. */
const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

const TEXT_ENCODER = new TextEncoder();

function report(message: TryReport): void {
  self.postMessage(message);
}

const fail = reportFailures(report);

self.addEventListener("message", ({ data }: MessageEvent<TryCommand>) => {
  run(data).then((isDone) => report({ kind: "ended", isDone }), fail);
});

async function run({ pipeline, event, secrets }: TryCommand): Promise<boolean> {
  const value = await payload();
  const redaction = new Redaction(secrets);
  const said: string[] = [];
  const hear = (message: CallMessage, heading: string, prefix: string) => {
    redaction.add(message.hidden);
    said.push(messageText(message, { heading, prefix, redaction }));
  };
  const trial = await callFor(eventOf(pipeline, event, value), pipeline, {
    sent: (message) => hear(message, `request: ${describe(pipeline)}`, ">"),
    received: (message) => hear(message, "response", "<"),
  });
  await printOut([...said, trialText(trial, redaction)].join("\n"));
  return trial.isDone;
}

async function payload(): Promise<Bytes> {
  try {
    return await readStandardInput(MAX_PAYLOAD_BYTES);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new Error(`cannot take the payload: ${error.message}`);
  }
}

async function callFor(
  event: InboundEvent,
  pipeline: PipelineConfig,
  observer: { sent(message: CallMessage): void; received(message: CallMessage): void },
): Promise<Trial> {
  const { name, eventHandler, eventResultProcessor, deadLetter } = pipeline;
  const { concurrency, maxLookahead, maxBufferedBytes } = pipeline;
  // Lower levels would repeat what the output shows.
  const log = new Logger((record) => report({ kind: "log", record }), {
    level: "WARN",
    pipeline: name,
  });
  const limits = { concurrency, maxLookahead, maxBufferedBytes };
  const context = { pipeline: name, log, limits, observer };
  await using handler = await handlerRole(eventHandler).open(eventHandler, context);
  return await tryOut(
    event,
    {
      name,
      handler,
      takers: eventResultProcessor.map((config) => ({
        when: config.when,
        templates: config.templates,
        place: resultProcessorRole(config).describe(config),
      })),
      ...(deadLetter === undefined
        ? {}
        : { deadLetterPlace: resultProcessorRole(deadLetter).describe(deadLetter) }),
      policy: failurePolicy(eventHandler, { hasDeadLetters: deadLetter !== undefined }),
      log,
    },
    new AbortController().signal,
  );
}

function describe({ eventHandler }: PipelineConfig): string {
  return handlerRole(eventHandler).describe(eventHandler);
}

/** Builds the event as the first one of its topic. */
function eventOf(
  { eventListener }: PipelineConfig,
  { key, headers }: TryEvent,
  value: Bytes,
): InboundEvent {
  return {
    origin: { topic: listenerRole(eventListener).topic(eventListener), partition: 0, offset: 0 },
    key: key === undefined ? null : TEXT_ENCODER.encode(key),
    value,
    headers: headers.map(([name, text]) => [name, TEXT_ENCODER.encode(text)]),
    timestampMs: new Date().getTime(),
  };
}
