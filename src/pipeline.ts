import { type Backoff, backoffDelays, formatDelay, sleep } from "./backoff.ts";
import { CallSlots } from "./call_slots.ts";
import { formatOrigin, type InboundEvent } from "./event.ts";
import { type Handler, HandlerError, type Result, type When } from "./handler.ts";
import type { Lease } from "./lease.ts";
import { EventNotSettledError, type Listener } from "./listener.ts";
import type { Logger } from "./log.ts";
import { inOrder, type Ordering } from "./ordering.ts";
import { type ResultProcessor, ResultProcessorError } from "./result_processor.ts";
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
  try {
    await publish(result, { event, parts, lease });
    lease.finish();
  } catch (error) {
    lease.rest(event.origin.offset);
    throw error;
  }
}

/** Calls the handler until somebody takes its result. Work has begun in the lease then, so that none slips by. */
async function handle(
  event: InboundEvent,
  { handler, resultProcessors, slots, log, backoff }: Parts,
  lease: Lease,
): Promise<Result> {
  const { offset } = event.origin;
  return await untilItWorks(async () => {
    await slots.take(lease, offset);
    lease.begin(offset);
    let result;
    try {
      log.debug(() => `handling message: ${formatOrigin(event.origin)}`);
      result = await handler.handle(event, lease.ended);
      checkSomebodyTakes(result, resultProcessors);
      return result;
    } catch (error) {
      lease.rest(offset);
      throw error;
    } finally {
      slots.giveBack(lease, { wasAnswered: result !== undefined });
    }
  }, { what: () => `handle ${formatOrigin(event.origin)}`, lease, log, backoff });
}

async function publish(
  result: Result,
  { event, parts: { resultProcessors, log, backoff }, lease }: {
    event: InboundEvent;
    parts: Parts;
    lease: Lease;
  },
): Promise<void> {
  const record = resultRecord(event, result);
  for (const { when, processor } of resultProcessors) {
    if (!when.includes(result.when)) continue;
    const place = await untilItWorks(() => processor.process(record, lease.ended), {
      what: () => `publish the result of ${formatOrigin(event.origin)}`,
      lease,
      log,
      backoff,
    });
    log.debug(() => `successfully produced EventHandler result: ${formatOrigin(place)}`);
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

/** Repeats `attempt` with backoff until it resolves; gives up only when the lease is ending. */
async function untilItWorks<T>(
  attempt: () => Promise<T>,
  { what, lease, log, backoff }: {
    what: () => string;
    lease: Lease;
    log: Logger;
    backoff: Backoff | undefined;
  },
): Promise<T> {
  for (const delayMs of backoffDelays(backoff)) {
    // What came before may have worked in spite of the end; nothing new is started with its outcome.
    if (lease.ended.aborted) throw new EventNotSettledError("The lease ended before the attempt");
    try {
      return await attempt();
    } catch (error) {
      if (lease.ended.aborted) {
        throw new EventNotSettledError("The lease ended during the attempt", { cause: error });
      }
      if (!(error instanceof HandlerError || error instanceof ResultProcessorError)) throw error;
      log.error(`cannot ${what()}: ${error.message}; trying again in ${formatDelay(delayMs)}`);
    }
    await sleep(delayMs, lease.ending);
    if (lease.ending.aborted) throw new EventNotSettledError("The lease ended before a repetition");
  }
  throw new Error("unreachable: delays never end");
}
