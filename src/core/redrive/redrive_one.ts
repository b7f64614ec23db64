import type { AttemptsParts } from "../failures/attempts.ts";
import { CallSlots } from "../call_slots.ts";
import { type DeadLetterFact, deadLetterFacts } from "../failures/dead_letter_facts.ts";
import { bareEventRecord, eventRecord } from "../failures/first_failure.ts";
import { type EventOrigin, formatOrigin, type InboundEvent } from "../event.ts";
import { visible } from "../idempotency_key.ts";
import type { Lease } from "../lease.ts";
import { publish } from "../publishing.ts";
import type { RedriveOne } from "./redrive.ts";
import type { OutboundRecord, ResultProcessor } from "../result_processor.ts";

/** Dependencies of `redriveTo()`. */
export interface RedriveToParts extends AttemptsParts {
  /** The source of the pipeline's events. */
  readonly source: ResultProcessor;
}

/** Publishes the event of each dead letter to its partition again, and retries until it is stored. */
export function redriveTo(parts: RedriveToParts): RedriveOne {
  const { source: processor, log } = parts;
  // The listener limits the work in progress; the slots only check the lease.
  const slots = new CallSlots(Infinity);
  let isMoveKnown = false;

  function noteMove(from: string | undefined, onto: string): void {
    if (isMoveKnown || from === undefined || from === onto) return;
    isMoveKnown = true;
    const events = `events of topic ${visible(from)}`;
    log.warn(`${events} go to ${onto}, which the pipeline reads now; keys decide on partitions`);
  }

  async function store(deadLetter: InboundEvent, lease: Lease): Promise<EventOrigin | null> {
    const { offset } = deadLetter.origin;
    const place = originOf(deadLetter);
    const publication = { what: "the event", event: deadLetter, processor, lease };
    await slots.take(lease, offset);
    slots.giveBack(lease);
    try {
      const full = { ...eventRecord(deadLetter), ...place };
      let stored = await publish({ ...publication, record: full, hasSmaller: true }, parts);
      if (stored === null) {
        const bare = { ...bareEventRecord(deadLetter), ...place };
        stored = await publish({ ...publication, record: bare }, parts);
        if (stored !== null) log.warn(withoutKey(deadLetter));
      }
      if (stored === null) {
        lease.rest(offset);
        return null;
      }
      lease.finish(offset);
      noteMove(place.origin?.topic, stored.topic);
      return stored;
    } catch (error) {
      lease.rest(offset);
      throw error;
    }
  }

  return async (deadLetter, lease) => {
    const name = formatOrigin(deadLetter.origin);
    const leftOutBytes = deadLetterFacts(deadLetter)?.get("value-left-out");
    if (leftOutBytes !== undefined) {
      return `${name} does not hold the value of its event, which had ${
        visible(leftOutBytes)
      } bytes, ` +
        "more than maxEventBytes allowed; select other dead letters by --filter";
    }
    if (await store(deadLetter, lease) !== null) return null;
    return `the event of ${name} is larger than its topic accepts: raise the topic's max.message.bytes`;
  };
}

/** Prints a line for each dead letter that would be redriven. */
export function listTo(print: (text: string) => Promise<void>): RedriveOne {
  let printed = Promise.resolve();
  return async (deadLetter) => {
    printed = printed.then(() => print(`${describe(deadLetter)}\n`));
    await printed;
    return null;
  };
}

/** If the partition is gone, the lane keeps events without a key together. */
function originOf(deadLetter: InboundEvent): Pick<OutboundRecord, "origin" | "lane"> {
  const facts = deadLetterFacts(deadLetter);
  // The last position counts for a second redrive: a producer can forge the first one.
  const [topic, partition] = facts?.has("last-source-partition")
    ? [facts.get("last-source-topic"), facts.get("last-source-partition")]
    : [facts?.get("source-topic"), facts?.get("source-partition")];
  if (topic === undefined || partition === undefined || !/^\d{1,10}$/.test(partition)) return {};
  const origin = { topic, partition: Number(partition) };
  return deadLetter.key === null ? { origin, lane: origin.partition } : { origin };
}

function withoutKey({ origin }: InboundEvent): string {
  return `the event of ${
    formatOrigin(origin)
  } is put back without its idempotency key and its first ` +
    "failure, as its topic accepts no larger record: the endpoint cannot recognize it";
}

/** Shows nothing of the event itself. Anyone may have written the headers. */
function describe(deadLetter: InboundEvent): string {
  const facts = deadLetterFacts(deadLetter);
  const fact = (name: DeadLetterFact) => visible(facts?.get(name) ?? "-");
  const source = `${fact("source-topic")}[${fact("source-partition")}]@${fact("source-offset")}`;
  return `${formatOrigin(deadLetter.origin)} of ${source}: reason ${fact("reason")}, ` +
    `status ${fact("status")}, attempts ${fact("attempts")}, redrives ${fact("redrives")}, ` +
    `first failed at ${fact("first-failed-at")}`;
}
