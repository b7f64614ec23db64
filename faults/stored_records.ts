import { Buffer } from "node:buffer";
import { GuardedChild } from "../bench/guarded_child.ts";
import type { Outcome, StoredEvent } from "./history.ts";

/** Nothing longer comes before the space that ends the member's name in a value. */
const VALUE_LOOKED_AT = 200;

/** A record as kcat prints it, one character for each byte. */
export interface StoredRecord {
  readonly partition: number;
  readonly offset: number;
  readonly atMs: number;
  readonly key: string | null;
  readonly value: string | null;
  /** `name=value`, with commas between them. */
  readonly headers: string;
}

/** Reads all events of a topic. */
export async function readEvents(broker: string, topic: string): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  const keys = new Map<string, string>();
  for await (const { partition, offset, atMs, key, value } of recordsOf(broker, topic)) {
    const name = key ?? "(no key)";
    // One string for all events of a key: each would hold the whole piece that was read with it.
    if (!keys.has(name)) keys.set(name, name);
    events.push({
      partition,
      offset,
      key: keys.get(name)!,
      sequence: sequenceIn(value ?? ""),
      atMs,
    });
  }
  return events;
}

/** Reads all that came of events and stands in a topic; tells `leaked` where the canary shows. */
export async function readOutcomes(
  broker: string,
  topic: string,
  { canary, leaked }: { canary: string; leaked: (where: string) => void },
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const members = new Map<string, string>();
  for await (const record of recordsOf(broker, topic)) {
    const { headers } = record;
    const value = record.value ?? "";
    const place = `${topic}[${record.partition}]@${record.offset}`;
    if (value.includes(canary) || headers.includes(canary)) leaked(place);
    const partition = lastNumberIn(headers, /source-partition=(\d+)/g);
    const offset = lastNumberIn(headers, /source-offset=(\d+)/g);
    if (partition === null || offset === null) {
      throw new Error(`${place} does not say by its headers of which event it is`);
    }
    const by = value.slice(0, VALUE_LOOKED_AT).split(" ")[1] ?? "";
    if (!members.has(by)) members.set(by, by);
    outcomes.push({
      partition,
      offset,
      sequence: sequenceIn(value),
      by: members.get(by)!,
      stored: { topic, partition: record.partition, offset: record.offset, atMs: record.atMs },
    });
  }
  return outcomes;
}

/**
 * Reads all records of a topic.
 *
 * Keys, values and headers may hold whatever they like: lengths, and a text that nobody can foresee, tell them apart.
 */
export async function* recordsOf(broker: string, topic: string): AsyncGenerator<StoredRecord> {
  const end = `<${crypto.randomUUID()}>`;
  const format = `%p %o %T %K %S %k%s%h${end}`;
  await using child = new GuardedChild("kcat", {
    args: ["-b", broker, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", format],
    stdout: "piped",
    stderr: "inherit",
  });
  let rest: string[] = [];
  for await (const chunk of child.process.stdout) {
    // Each byte is the character of its number, which TextDecoder's "latin1" is not.
    const text = Buffer.from(chunk).toString("latin1");
    // The end may stand across the border of two pieces.
    const isEnded = ((rest.at(-1) ?? "").slice(-end.length) + text).includes(end);
    rest.push(text);
    if (!isEnded) continue;
    const records = rest.join("").split(end);
    rest = [records.pop() ?? ""];
    for (const record of records) yield parse(record);
  }
  if (!(await child.ended).success) throw new Error(`kcat cannot read '${topic}' at ${broker}`);
}

function parse(text: string): StoredRecord {
  const numbers: number[] = [];
  let start = 0;
  while (numbers.length < 5) {
    const end = text.indexOf(" ", start);
    numbers.push(Number(text.slice(start, end)));
    start = end + 1;
  }
  const [partition = 0, offset = 0, atMs = 0, keyLength = 0, valueLength = 0] = numbers;
  const valueStart = start + Math.max(keyLength, 0);
  const headersStart = valueStart + Math.max(valueLength, 0);
  return {
    partition,
    offset,
    atMs,
    key: keyLength < 0 ? null : text.slice(start, valueStart),
    value: valueLength < 0 ? null : text.slice(valueStart, headersStart),
    headers: text.slice(headersStart),
  };
}

function sequenceIn(value: string): number | null {
  return lastNumberIn(value.slice(0, VALUE_LOOKED_AT), /^[^:\s]+:\d+:(\d+)(?: |$)/g);
}

/** Our own headers stand behind those of the event. */
function lastNumberIn(text: string, pattern: RegExp): number | null {
  const digits = [...text.matchAll(pattern)].at(-1)?.[1];
  return digits === undefined ? null : Number(digits);
}
