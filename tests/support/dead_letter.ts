import type { InboundEvent } from "../../src/core/event.ts";
import { type DeadLetterDetails, deadLetters } from "../../src/core/failures/dead_letter.ts";
import type { OutboundRecord } from "../../src/core/result_processor.ts";

/** The complete dead letter of an event. */
export function deadLetter(event: InboundEvent, details: DeadLetterDetails): OutboundRecord {
  for (const { record } of deadLetters(event, details)) return record;
  throw new Error("there is no dead letter");
}
