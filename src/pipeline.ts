import { type Backoff, backoffDelays, formatDelay, sleep } from "./backoff.ts";
import { formatOrigin, type InboundEvent } from "./event.ts";
import { type Handler, HandlerError, type Result, type When } from "./handler.ts";
import type { Lease } from "./lease.ts";
import { EventNotSettledError, type Listener } from "./listener.ts";
import type { Logger } from "./log.ts";
import { inOrder, partitionLane } from "./ordering.ts";
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
  readonly log: Logger;
  /** How long to wait before an attempt is repeated, when that is not the default. */
  readonly backoff?: Backoff;
}

/**
 * Runs a pipeline until its lease ends or its input does:
 *
 *     listener ── event ──> handler ── result ──> result processors ── stored ──> settled
 *                             │  ▲                   │  ▲
 *        no result, or one    └──┘                   └──┘  not stored: again,
 *        nobody takes: again, after a backoff              with the result at hand
 *
 * The only ways out for an event are "settled" and "the lease ended first".
 */
export function runPipeline(parts: PipelineParts, lease: Lease): Promise<void> {
  return parts.listener.listen(
    inOrder((event, lease) => settle(event, parts, lease), partitionLane),
    lease,
  );
}

async function settle(event: InboundEvent, parts: PipelineParts, lease: Lease): Promise<void> {
  const { handler, resultProcessors, log, backoff } = parts;
  const origin = formatOrigin(event.origin);
  log.debug(() => `handling message: ${origin}`);

  const result = await untilItWorks(async () => {
    const result = await handler.handle(event, lease.ended);
    checkSomebodyTakes(result, resultProcessors);
    return result;
  }, { what: `handle ${origin}`, lease, log, backoff });

  const record = resultRecord(event, result);
  for (const { when, processor } of resultProcessors) {
    if (!when.includes(result.when)) continue;
    const place = await untilItWorks(
      () => processor.process(record, lease.ended),
      { what: `publish the result of ${origin}`, lease, log, backoff },
    );
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
    what: string;
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
      log.error(`cannot ${what}: ${error.message}; trying again in ${formatDelay(delayMs)}`);
    }
    await sleep(delayMs, lease.ending);
    if (lease.ending.aborted) throw new EventNotSettledError("The lease ended before a repetition");
  }
  throw new Error("unreachable: delays never end");
}
