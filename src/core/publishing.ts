import type { Delivery } from "./delivery.ts";
import { EventNotSettledError } from "./listener.ts";
import {
  type OutboundRecord,
  type ResultProcessor,
  ResultProcessorError,
} from "./result_processor.ts";
import type { RecordContent } from "./telemetry.ts";
import { type RetryOptions, RetryPauses } from "./retry_pauses.ts";

/** A record of an event, and its destination. */
export interface Publication {
  readonly record: OutboundRecord;
  readonly content: RecordContent;
  readonly delivery: Delivery;
  readonly processor: ResultProcessor;
  /** Whether a smaller record follows when this one is too large: then only DEBUG logs the refusal. */
  readonly hasSmaller?: boolean;
}

/**
 * Publishes until the record is stored. Resolves with its place, or with null when it is too large.
 *
 * @throws {EventNotSettledError} when the lease ended first
 */
export async function publish(
  publication: Publication,
  options: RetryOptions,
): Promise<string | null> {
  const { record, content, delivery, processor } = publication;
  const { lease } = delivery;
  let pauses: RetryPauses | undefined;
  try {
    for (;;) {
      // The lease may have ended after the handler's response: then the result must not be stored.
      if (lease.ended.aborted) throw new EventNotSettledError("The lease ended before the attempt");
      let error: ResultProcessorError;
      try {
        const place = await processor.process(record, lease.ended);
        delivery.telemetry?.stored(delivery, content, place);
        return place;
      } catch (cause) {
        if (lease.ended.aborted) {
          throw new EventNotSettledError("The lease ended during the attempt", { cause });
        }
        if (!(cause instanceof ResultProcessorError)) throw cause;
        error = cause;
      }
      if (error.isTooLarge) {
        const message = `cannot ${describe(publication)}: ${error.message}`;
        if (publication.hasSmaller === true) options.log.debug(() => message);
        else options.log.error(message);
        return null;
      }
      delivery.enter("storing");
      pauses ??= new RetryPauses(() => describe(publication), options);
      await pauses.pause(error.message, { lease });
    }
  } finally {
    pauses?.end();
  }
}

function describe({ content, delivery }: Publication): string {
  return `publish the ${content} of ${delivery.event.origin}`;
}
