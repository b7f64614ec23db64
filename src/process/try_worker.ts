/**
 * Worker that runs a pipeline for one event and prints the outcome. It publishes nothing.
 *
 * @module
 */
import type { PipelineConfig } from "../config/schema.ts";
import { FileError } from "../config/external_values.ts";
import type { Bytes, InboundEvent } from "../core/event.ts";
import type { CallMessage, CallObserver, Handler } from "../core/handler.ts";
import { Logger } from "../core/log.ts";
import { handlerRole, listenerRole } from "../transports/mod.ts";
import { readStandardInput } from "./bounded_input.ts";
import { printOut } from "./console.ts";
import { Redaction } from "./redaction.ts";
import { runTrial } from "./trial.ts";
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
  const messages: string[] = [];
  const show = (message: CallMessage, heading: string, prefix: string) => {
    redaction.add(message.hidden);
    messages.push(messageText(message, { heading, prefix, redaction }));
  };
  await using handler = await openHandler(pipeline, {
    sent: (message) => show(message, `request: ${describe(pipeline)}`, ">"),
    received: (message) => show(message, "response", "<"),
  });
  const trial = await runTrial(eventOf(pipeline, event, value), pipeline, handler);
  await printOut([...messages, trialText(trial, redaction)].join("\n"));
  return trial.isDone;
}

async function payload(): Promise<Bytes> {
  try {
    return await readStandardInput(MAX_PAYLOAD_BYTES);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new Error(`cannot read the payload: ${error.message}`);
  }
}

async function openHandler(pipeline: PipelineConfig, observer: CallObserver): Promise<Handler> {
  const { name, eventHandler, concurrency, maxLookahead, maxBufferedBytes } = pipeline;
  // Lower levels would repeat what the output shows.
  const log = new Logger((record) => report({ kind: "log", record }), {
    level: "WARN",
    pipeline: name,
  });
  const limits = { concurrency, maxLookahead, maxBufferedBytes };
  return await handlerRole(eventHandler).open(eventHandler, {
    pipeline: name,
    log,
    limits,
    observer,
  });
}

function describe({ eventHandler }: PipelineConfig): string {
  return handlerRole(eventHandler).describe(eventHandler);
}

/** Builds the event as the first one of its source. */
function eventOf(
  { eventListener }: PipelineConfig,
  { key, headers }: TryEvent,
  value: Bytes,
): InboundEvent {
  const timestampMs = new Date().getTime();
  return {
    origin: listenerRole(eventListener).firstOrigin(eventListener, timestampMs),
    position: 0,
    key: key === undefined ? null : TEXT_ENCODER.encode(key),
    value,
    headers: headers.map(([name, text]) => [name, TEXT_ENCODER.encode(text)]),
    timestampMs,
  };
}
