import type { Attempts } from "./attempts.ts";
import type { EventFailure } from "./classify.ts";
import { type DeadLetter, deadLetters } from "./dead_letter.ts";
import type { Delivery } from "../delivery.ts";
import type { InboundEvent } from "../event.ts";
import type { OnFailure } from "../failure_policy.ts";
import { isOrderedByGroup, type Ordering } from "../ordering.ts";
import { publish } from "../publishing.ts";
import type { OutboundRecord, ResultProcessor } from "../result_processor.ts";
import { type RetryOptions, RetryPauses } from "../retry_pauses.ts";

/** Dependencies and options for failed events. */
export interface FailedEventOptions extends RetryOptions {
  readonly name: string;
  readonly ordering: Ordering;
  readonly onFailure: OnFailure;
  /** Destination of dead letters; set when `onFailure` is `deadLetter`. */
  readonly deadLetters: ResultProcessor | undefined;
}

export interface FailedEvent {
  readonly delivery: Delivery;
  readonly failure: EventFailure;
  readonly attempts: Attempts | undefined;
}

/**
 * Does what is configured for a failed event. Resolves with true when it has settled, with false when it blocks.
 *
 * @throws {EventNotSettledError} when the lease ended first
 */
export async function applyOnFailure(
  failed: FailedEvent,
  options: FailedEventOptions,
): Promise<boolean> {
  const { delivery, delivery: { event }, failure } = failed;
  const { onFailure, deadLetters, log } = options;
  if (onFailure === "deadLetter" && deadLetters !== undefined) {
    await storeDeadLetter(failed, { ...options, deadLetters });
    log.warn(`dead letter of ${event.origin}: ${failure.message}`);
    delivery.telemetry?.settled(delivery, "deadLetter");
    return true;
  }
  if (onFailure !== "discard") return false;
  log.warn(`discarded ${event.origin}: ${failure.message}`);
  delivery.telemetry?.settled(delivery, "discarded");
  return true;
}

/** Blocks while the dead letter cannot be stored: otherwise the event would be lost. */
async function storeDeadLetter(
  { delivery, failure, attempts }: FailedEvent,
  options: FailedEventOptions & { readonly deadLetters: ResultProcessor },
): Promise<void> {
  const { name: pipeline, ordering, deadLetters: processor } = options;
  const tooLarge = `the dead letter is too large for its destination${remedyOf(processor)}`;
  const { event, lease } = delivery;
  const publication = { delivery, processor, content: "dead letter" } as const;
  const pauses = new RetryPauses(
    () => `store the dead letter of ${event.origin}`,
    options,
  );
  try {
    for (;;) {
      for (const letter of deadLetters(event, { pipeline, failure, attempts: attempts?.soFar })) {
        const record = { ...letter.record, ...orderGroupOf(event, ordering) };
        const hasSmaller = !letter.isBare;
        if (await publish({ ...publication, record, hasSmaller }, options) === null) continue;
        return logLeftOut(letter, event, options);
      }
      await pauses.pause(tooLarge, { lease });
    }
  } finally {
    pauses.end();
  }
}

function logLeftOut(
  { leftOut, isBare }: DeadLetter,
  { origin }: InboundEvent,
  { log, deadLetters }: FailedEventOptions,
): void {
  if (leftOut.length === 0) return;
  const without = `the dead letter of ${origin} is stored without ${
    leftOut.join(", ")
  }, as its destination takes no larger record${remedyOf(deadLetters)}`;
  if (isBare) log.error(`${without}; a redrive does not know it as a dead letter`);
  else log.warn(without);
}

export function remedyOf(processor: ResultProcessor | undefined): string {
  return processor?.sizeRemedy === undefined ? "" : `: ${processor.sizeRemedy}`;
}

/** Keeps dead letters of events that share an order in that order, whatever their keys. */
function orderGroupOf(event: InboundEvent, ordering: Ordering): Pick<OutboundRecord, "orderGroup"> {
  const { orderGroup } = event.origin;
  const isGrouped = orderGroup !== undefined && isOrderedByGroup(event, ordering);
  return isGrouped ? { orderGroup } : {};
}
