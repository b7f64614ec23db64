import { Attempts, type AttemptsParts } from "./attempts.ts";
import { type DeadLetter, deadLetters } from "./dead_letter.ts";
import { formatOrigin, type InboundEvent } from "../event.ts";
import type { OnFailure } from "./failure_policy.ts";
import type { Lease } from "../lease.ts";
import { isOrderedByPartition, type Ordering } from "../ordering.ts";
import { publish } from "../publishing.ts";
import type { OutboundRecord, ResultProcessor } from "../result_processor.ts";
import type { EventFailure } from "./verdict.ts";

const TOO_LARGE =
  "the dead letter is too large for its topic: raise the topic's max.message.bytes, and message.max.bytes of the " +
  "producerConfig when it is set";

/** Dependencies and options for failed events. */
export interface FailedEventParts extends AttemptsParts {
  readonly name: string;
  readonly ordering: Ordering;
  readonly onFailure: OnFailure;
  /** Destination of dead letters; set when `onFailure` is `deadLetter`. */
  readonly deadLetters: ResultProcessor | undefined;
}

export interface FailedEvent {
  readonly event: InboundEvent;
  readonly failure: EventFailure;
  readonly attempts: Attempts | undefined;
  readonly lease: Lease;
}

/**
 * Does what is configured for a failed event. Resolves with true when it has settled, with false when it blocks.
 *
 * @throws {EventNotSettledError} when the lease ended first
 */
export async function disposeOf(failed: FailedEvent, parts: FailedEventParts): Promise<boolean> {
  const { event, failure } = failed;
  const { onFailure, deadLetters, log } = parts;
  if (onFailure === "deadLetter" && deadLetters !== undefined) {
    await storeDeadLetter(failed, { ...parts, deadLetters });
    log.warn(`dead letter of ${formatOrigin(event.origin)}: ${failure.message}`);
    return true;
  }
  if (onFailure !== "discard") return false;
  log.warn(`discarded ${formatOrigin(event.origin)}: ${failure.message}`);
  return true;
}

/** Blocks while the dead letter cannot be stored: otherwise the event would be lost. */
async function storeDeadLetter(
  { event, failure, attempts, lease }: FailedEvent,
  parts: FailedEventParts & { readonly deadLetters: ResultProcessor },
): Promise<void> {
  const { name: pipeline, ordering, deadLetters: processor } = parts;
  const publication = { event, processor, lease, what: "the dead letter" };
  const pauses = new Attempts(
    () => `store the dead letter of ${formatOrigin(event.origin)}`,
    parts,
  );
  try {
    for (;;) {
      for (const letter of deadLetters(event, { pipeline, failure, attempts })) {
        const record = { ...letter.record, ...laneOf(event, ordering) };
        const hasSmaller = !letter.isBare;
        if (await publish({ ...publication, record, hasSmaller }, parts) === null) continue;
        return logLeftOut(letter, event, parts);
      }
      await pauses.pause(TOO_LARGE, { lease });
    }
  } finally {
    pauses.end();
  }
}

function logLeftOut(
  { leftOut, isBare }: DeadLetter,
  { origin }: InboundEvent,
  { log }: FailedEventParts,
): void {
  if (leftOut.length === 0) return;
  const without = `the dead letter of ${formatOrigin(origin)} is stored without ${
    leftOut.join(", ")
  }, as its topic takes no larger record: raise the topic's max.message.bytes`;
  if (isBare) log.error(`${without}; a redrive does not know it as a dead letter`);
  else log.warn(without);
}

/** Keeps dead letters of events that are ordered by partition in one partition; several would lose the order. */
function laneOf(event: InboundEvent, ordering: Ordering): Pick<OutboundRecord, "lane"> {
  return isOrderedByPartition(event, ordering) ? { lane: event.origin.partition } : {};
}
