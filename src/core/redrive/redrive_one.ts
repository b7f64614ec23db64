import type { RetryOptions } from "../retry_pauses.ts";
import { CallSlots } from "../call_slots.ts";
import type { Delivery } from "../delivery.ts";
import {
  type DeadLetterFact,
  type DeadLetterFacts,
  deadLetterFacts,
  factsOf,
} from "../failures/dead_letter_facts.ts";
import { remedyOf } from "../failures/failed_event.ts";
import { bareEventRecord, eventRecord } from "../failures/first_failure.ts";
import type { InboundEvent } from "../event.ts";
import { visible } from "../idempotency_key.ts";
import { publish } from "../publishing.ts";
import type { RedriveOne } from "./redrive.ts";
import type { ResultProcessor } from "../result_processor.ts";

/** Dependencies of `redriveTo()`. */
export interface RedriveToOptions extends RetryOptions {
  /** The source of the pipeline's events. */
  readonly source: ResultProcessor;
}

/** Publishes the event of each dead letter to where it came from, and retries until it is stored. */
export function redriveTo(options: RedriveToOptions): RedriveOne {
  const { source: processor, log } = options;
  // The listener limits the work in progress; the slots only check the lease.
  const slots = new CallSlots(Infinity);

  async function store(delivery: Delivery): Promise<string | null> {
    const { event: deadLetter } = delivery;
    const putBackTo = originOf(deadLetter);
    const publication = { content: "event", delivery, processor } as const;
    await slots.beginWithoutCall(delivery);
    const full = { ...eventRecord(deadLetter), putBackTo };
    const stored = await publish({ ...publication, record: full, hasSmaller: true }, options);
    if (stored !== null) return stored;
    const bare = { ...bareEventRecord(deadLetter), putBackTo };
    const storedBare = await publish({ ...publication, record: bare }, options);
    if (storedBare !== null) log.warn(withoutKey(deadLetter));
    return storedBare;
  }

  return async (delivery) => {
    const { event: deadLetter } = delivery;
    const name = `${deadLetter.origin}`;
    const leftOutBytes = deadLetterFacts(deadLetter)?.get("value-left-out");
    if (leftOutBytes !== undefined) {
      return `${name} does not hold the value of its event, which had ${
        visible(leftOutBytes)
      } bytes, ` +
        "more than maxEventBytes allowed; select other dead letters by --filter";
    }
    if (await store(delivery) !== null) return null;
    return `the event of ${name} is larger than its destination accepts${remedyOf(processor)}`;
  };
}

/** Prints a line for each dead letter that would be redriven. */
export function listTo(print: (text: string) => Promise<void>): RedriveOne {
  let printed = Promise.resolve();
  return async ({ event: deadLetter }) => {
    printed = printed.then(() => print(`${describe(deadLetter)}\n`));
    await printed;
    return null;
  };
}

/**
 * Where the event failed this time: `last-source-*` if present, else `source-*`. After a redrive, `source-*` comes from
 * headers that a producer can forge.
 */
function originOf(deadLetter: InboundEvent): ReadonlyMap<string, string> {
  const facts = factsOf(deadLetter);
  const last = withoutPrefix("last-source-", facts);
  return last.size > 0 ? last : withoutPrefix("source-", facts);
}

function withoutPrefix(prefix: string, facts: DeadLetterFacts): ReadonlyMap<string, string> {
  return new Map(
    [...facts].filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

function withoutKey({ origin }: InboundEvent): string {
  return `the event of ${origin} is put back without its idempotency key and its first ` +
    "failure, as its destination accepts no larger record: the endpoint cannot recognize it";
}

/** Shows nothing of the event itself. Anyone may have written the headers. */
function describe(deadLetter: InboundEvent): string {
  const facts = deadLetterFacts(deadLetter);
  const fact = (name: DeadLetterFact) => visible(facts?.get(name) ?? "-");
  const source = [...withoutPrefix("source-", facts ?? new Map())]
    .map(([name, value]) => `${visible(name)} ${visible(value)}`).join(", ") || "-";
  return `${deadLetter.origin} of ${source}: reason ${fact("reason")}, ` +
    `status ${fact("status")}, attempts ${fact("attempts")}, redrives ${fact("redrives")}, ` +
    `first failed at ${fact("first-failed-at")}`;
}
