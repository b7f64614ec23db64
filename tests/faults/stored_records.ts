import { linesOf } from "../../bench/guarded_child.ts";
import type { Outcome, StoredEvent } from "./history.ts";

/** Partition, offset, time, key, value and headers. */
const FORMAT = "%p\\t%o\\t%T\\t%k\\t%s\\t%h\\n";

/** Reads all events of a topic. */
export async function readEvents(broker: string, topic: string): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  const keys = new Map<string, string>();
  for await (const line of recordLines(broker, topic)) {
    const [partition, offset, , key = "", value = ""] = line.split("\t");
    // One string for all events of a key: each would hold the whole piece that was read with it.
    if (!keys.has(key)) keys.set(key, key);
    events.push({
      partition: Number(partition),
      offset: Number(offset),
      key: keys.get(key)!,
      sequence: sequenceIn(value),
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
  for await (const line of recordLines(broker, topic)) {
    const [storedPartition, storedOffset, atMs, , value = "", headers = ""] = line.split("\t");
    const place = `${topic}[${storedPartition}]@${storedOffset}`;
    if (line.includes(canary)) leaked(place);
    const partition = numberIn(headers, /source-partition=(\d+)/);
    const offset = numberIn(headers, /source-offset=(\d+)/);
    if (partition === null || offset === null) {
      throw new Error(`${place} does not say by its headers of which event it is`);
    }
    const by = value.split(" ")[1] ?? "";
    if (!members.has(by)) members.set(by, by);
    outcomes.push({
      partition,
      offset,
      sequence: sequenceIn(value),
      by: members.get(by)!,
      stored: {
        topic,
        partition: Number(storedPartition),
        offset: Number(storedOffset),
        atMs: Number(atMs),
      },
    });
  }
  return outcomes;
}

async function* recordLines(broker: string, topic: string): AsyncGenerator<string> {
  const child = new Deno.Command("kcat", {
    args: ["-b", broker, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", FORMAT],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  yield* linesOf(child.stdout);
  if (!(await child.status).success) throw new Error(`kcat cannot read '${topic}' at ${broker}`);
}

function sequenceIn(value: string): number | null {
  return numberIn(value, /^[^:\s]+:\d+:(\d+)(?: |$)/);
}

function numberIn(text: string, pattern: RegExp): number | null {
  const digits = pattern.exec(text)?.[1];
  return digits === undefined ? null : Number(digits);
}
