/**
 * Worker that runs a pipeline for one event and prints the outcome. It publishes nothing.
 *
 * @module
 */
import type { PipelineConfig } from "../config/schema.ts";
import { FileError } from "../config/external_values.ts";
import type { Bytes, InboundEvent } from "../core/event.ts";
import type { CallMessage } from "../core/handler.ts";
import { handlerRole, listenerRole } from "../transports/mod.ts";
import { readStandardInput } from "./bounded_input.ts";
import { printOut } from "./console.ts";
import { Redaction } from "./redaction.ts";
import { runTrial } from "./trial.ts";
import { messageText, trialText } from "./trial_text.ts";
import type { TryCommand, TryEvent } from "./worker_messages.ts";
import { contextOf, reportEnd, reportUncaughtErrors } from "./worker_side.ts";

/** Largest payload of a trial. */
const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

const TEXT_ENCODER = new TextEncoder();

reportUncaughtErrors();

self.addEventListener("message", ({ data }: MessageEvent<TryCommand>) => reportEnd(run(data)));

async function run({ pipeline, event, secrets }: TryCommand): Promise<boolean> {
  const value = await payload();
  const redaction = new Redaction(secrets);
  const messages: string[] = [];
  const show = (message: CallMessage, heading: string, prefix: string) => {
    redaction.add(message.hidden);
    messages.push(messageText(message, { heading, prefix, redaction }));
  };
  const { eventHandler } = pipeline;
  const role = handlerRole(eventHandler);
  await using handler = await role.open(eventHandler, {
    // Lower levels would repeat what the output shows.
    ...contextOf({ ...pipeline, logLevel: "WARN" }),
    observer: {
      sent: (message) => show(message, `request: ${role.describe(eventHandler)}`, ">"),
      received: (message) => show(message, "response", "<"),
    },
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
