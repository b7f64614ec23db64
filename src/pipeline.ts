import { type Backoff, backoffDelays, formatDelay, sleep } from "./backoff.ts";
import { CallSlots } from "./call_slots.ts";
import { formatOrigin, type InboundEvent } from "./event.ts";
import { type Handler, HandlerError, type Result, type When } from "./handler.ts";
import type { Lease } from "./lease.ts";
import { EventNotSettledError, type Listener } from "./listener.ts";
import type { Logger } from "./log.ts";
import { inOrder, type Ordering } from "./ordering.ts";
import {
  type OutboundRecord,
  type ResultProcessor,
  ResultProcessorError,
} from "./result_processor.ts";
import { resultRecord } from "./result_record.ts";

/** A result processor and the outcomes it stands for. */
export interface ConfiguredResultProcessor {
  readonly when: readonly When[];
  readonly processor: ResultProcessor;
}

/** What a pipeline is made of. */
export interface PipelineParts {
  readonly listener: Listener;
  readonly handler: Handler;
  readonly resultProcessors: readonly ConfiguredResultProcessor[];
  readonly ordering: Ordering;
  /** How many calls of the handler may be in flight, 1 at least. */
  readonly concurrency: number;
  readonly log: Logger;
  /** How long to wait before an attempt is repeated, when that is not the default. */
  readonly backoff?: Backoff;
}

/**
 * Runs a pipeline until its lease ends or its input does:
 *
 *     listener ── event ──> its turn ──> handler ── result ──> result processors ── stored ──> settled
 *                                          │  ▲                   │  ▲
 *             no result, or one nobody     └──┘                   └──┘  not stored: again,
 *             takes: again, after a backoff                             with the result at hand
 *
 * An event's turn comes when those before it in its order have settled and a call may be made. The only ways out for an
 * event are "settled" and "the lease ended first".
 */
export function runPipeline(parts: PipelineParts, lease: Lease): Promise<void> {
  const slots = new CallSlots(parts.concurrency);
  return parts.listener.listen(
    inOrder((event, lease) => settle(event, { ...parts, slots }, lease), parts.ordering),
    lease,
  );
}

type Parts = PipelineParts & { readonly slots: CallSlots };

async function settle(event: InboundEvent, parts: Parts, lease: Lease): Promise<void> {
  const result = await handle(event, parts, lease);
  const record = resultRecord(event, result);
  try {
    for (const { when, processor } of parts.resultProcessors) {
      if (when.includes(result.when)) await publish(record, { event, processor, parts, lease });
    }
    lease.finish();
  } catch (error) {
    lease.rest(event.origin.offset);
    throw error;
  }
}

/** Calls the handler until somebody takes its result. Work on the event has begun then. */
async function handle(event: InboundEvent, parts: Parts, lease: Lease): Promise<Result> {
  const { handler, slots, log } = parts;
  const { offset } = event.origin;
  for (let failures: Failures | undefined;;) {
    await slots.take(lease, offset);
    let wasAnswered = false;
    try {
      lease.ended.throwIfAborted();
      if (failures === undefined) {
        log.debug(() => `handling message: ${formatOrigin(event.origin)}`);
      }
      const result = await handler.handle(event, lease.ended);
      wasAnswered = true;
      checkSomebodyTakes(result, parts.resultProcessors);
      return result;
    } catch (error) {
      lease.rest(offset);
      failures ??= new Failures(parts, () => `handle ${formatOrigin(event.origin)}`);
      failures.note(error, lease);
    } finally {
      slots.giveBack(lease, { wasAnswered });
    }
    await failures.pause(lease);
  }
}

/** Publishes until the record is stored. */
async function publish(
  record: OutboundRecord,
  { event, processor, parts, lease }: {
    event: InboundEvent;
    processor: ResultProcessor;
    parts: Parts;
    lease: Lease;
  },
): Promise<void> {
  for (let failures: Failures | undefined;;) {
    // The call has worked in spite of the end; nothing new is started with its outcome.
    if (lease.ended.aborted) throw new EventNotSettledError("The lease ended before the attempt");
    try {
      const place = await processor.process(record, lease.ended);
      parts.log.debug(() => `successfully produced EventHandler result: ${formatOrigin(place)}`);
      return;
    } catch (error) {
      failures ??= new Failures(
        parts,
        () => `publish the result of ${formatOrigin(event.origin)}`,
      );
      failures.note(error, lease);
    }
    await failures.pause(lease);
  }
}

/** A success may have no result processor: then the call was the purpose. An error that nobody takes is a failure. */
function checkSomebodyTakes(
  { when, summary }: Result,
  resultProcessors: readonly ConfiguredResultProcessor[],
): void {
  if (when === "onError" && !resultProcessors.some((each) => each.when.includes("onError"))) {
    throw new HandlerError(`${summary}, and no eventResultProcessor is configured for onError`);
  }
}

/** What has failed, again and again, and is repeated after pauses that grow. */
class Failures {
  readonly #what: () => string;
  readonly #log: Logger;
  readonly #delays: Generator<number, never>;
  #delayMs = 0;

  constructor({ log, backoff }: PipelineParts, what: () => string) {
    this.#what = what;
    this.#log = log;
    this.#delays = backoffDelays(backoff);
  }

  /** @throws what cannot be repeated: an error that is nobody's failure, or any error when the lease has ended */
  note(error: unknown, { ended }: Lease): void {
    if (ended.aborted) {
      throw new EventNotSettledError("The lease ended during the attempt", { cause: error });
    }
    if (!(error instanceof HandlerError || error instanceof ResultProcessorError)) throw error;
    this.#delayMs = this.#delays.next().value;
    const delay = formatDelay(this.#delayMs);
    this.#log.error(`cannot ${this.#what()}: ${error.message}; trying again in ${delay}`);
  }

  /** @throws {EventNotSettledError} when the lease is ending, before the pause is over */
  async pause({ ending }: Lease): Promise<void> {
    await sleep(this.#delayMs, ending);
    if (ending.aborted) throw new EventNotSettledError("The lease ended before a repetition");
  }
}
