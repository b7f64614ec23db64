import { Attempts, type AttemptsParts } from "./failures/attempts.ts";
import { type EventOrigin, formatOrigin, type InboundEvent } from "./event.ts";
import type { Lease } from "./lease.ts";
import { EventNotSettledError } from "./listener.ts";
import {
  type OutboundRecord,
  type ResultProcessor,
  ResultProcessorError,
} from "./result_processor.ts";

/** A record of an event, and where it goes. */
export interface Publication {
  readonly record: OutboundRecord;
  /** What the record is of the event: `the result`. */
  readonly what: string;
  readonly event: InboundEvent;
  readonly processor: ResultProcessor;
  readonly lease: Lease;
  /** Whether a smaller record is tried when this one is too large: then only DEBUG tells of it. */
  readonly hasSmaller?: boolean;
}

/**
 * Publishes until the record is stored: resolves with its place then, and with null when it is too large to be.
 *
 * @throws {EventNotSettledError} when the lease ended first
 */
export async function publish(
  publication: Publication,
  parts: AttemptsParts,
): Promise<EventOrigin | null> {
  const { record, event, processor, lease } = publication;
  let attempts: Attempts | undefined;
  try {
    for (;;) {
      // The call has worked in spite of the end; nothing new is started with its outcome.
      if (lease.ended.aborted) throw new EventNotSettledError("The lease ended before the attempt");
      let error: ResultProcessorError;
      try {
        return await processor.process(record, lease.ended);
      } catch (cause) {
        if (lease.ended.aborted) {
          throw new EventNotSettledError("The lease ended during the attempt", { cause });
        }
        if (!(cause instanceof ResultProcessorError)) throw cause;
        error = cause;
      }
      if (error.isTooLarge) {
        const message = `cannot ${describe(publication)}: ${error.message}`;
        if (publication.hasSmaller === true) parts.log.debug(() => message);
        else parts.log.error(message);
        return null;
      }
      lease.noteStoring(event.origin.offset);
      attempts ??= new Attempts(() => describe(publication), parts);
      await attempts.pause(error.message, { lease });
    }
  } finally {
    attempts?.end();
  }
}

function describe({ what, event }: Publication): string {
  return `publish ${what} of ${formatOrigin(event.origin)}`;
}
