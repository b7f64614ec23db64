import { FakeResultProcessor } from "./result_processor.ts";
import type { FailurePolicy } from "../../../src/core/failure_policy.ts";
import { HandlerError } from "../../../src/core/handler.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import type { PipelineOptions } from "../../../src/core/pipeline/pipeline.ts";
import { ResultProcessorError } from "../../../src/core/result_processor.ts";
import { anEvent } from "../events.ts";
import { aResult, type FakeHandler } from "./handler.ts";
import { FakeListener } from "./listener.ts";
import { RecordedLog } from "../recorded_log.ts";
import { NO_WAIT, runParts } from "./run_parts.ts";

export const RETRY = { maxAttempts: 3, backoff: NO_WAIT };
export const POLICY: FailurePolicy = { retry: RETRY, noResponse: RETRY, onFailure: "deadLetter" };

/** Where the event of a {@linkcode FailingPipeline} comes from, for the log. */
export const ORIGIN = "MY_FIRST_TOPIC[0]@184";

export const TRANSIENT = aResult("onError", { status: "503" });
export const PERMANENT = aResult("onError", {
  status: "400",
  isTransient: false,
  suggestsOutage: false,
});
export const NO_RESPONSE = new HandlerError("no response from 'POST http://a/': connection reset");
export const TOO_LARGE = new ResultProcessorError("a record of 9 bytes", { isTooLarge: true });

/** A pipeline with a processor for each outcome and dead letters, and one event unless it has others. */
export class FailingPipeline {
  readonly successes = new FakeResultProcessor();
  readonly errors = new FakeResultProcessor();
  readonly deadLetters = new FakeResultProcessor();
  readonly log = new RecordedLog();
  readonly listener: FakeListener;
  readonly handler: FakeHandler;
  readonly lease = new LeaseController();

  constructor(
    handler: FakeHandler,
    { listener = new FakeListener(anEvent()) }: { listener?: FakeListener } = {},
  ) {
    this.handler = handler;
    this.listener = listener;
  }

  async run(
    { takesErrors = true, ...parts }: Partial<PipelineOptions> & { takesErrors?: boolean } = {},
  ): Promise<void> {
    await runParts({
      listener: this.listener,
      handler: this.handler,
      resultProcessors: [
        { when: ["onSuccess"], processor: this.successes },
        ...(takesErrors ? [{ when: ["onError"] as const, processor: this.errors }] : []),
      ],
      deadLetters: this.deadLetters,
      policy: POLICY,
      log: this.log.log,
      ...parts,
    }, this.lease);
  }

  /** How many calls there were, and how many records went where. */
  get counts(): Record<string, number> {
    return {
      calls: this.handler.calls.length,
      successes: this.successes.stored.length,
      errors: this.errors.stored.length,
      deadLetters: this.deadLetters.stored.length,
    };
  }
}

/** The value of a record's header as text; undefined when there is none. */
export function headerOf(
  { headers }: { headers: readonly (readonly [string, Uint8Array | null])[] },
  name: string,
): string | undefined {
  const value = headers.find(([each]) => each === name)?.[1];
  return value ? new TextDecoder().decode(value) : undefined;
}
