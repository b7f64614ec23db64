import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../tests/support/eventually.ts";
import { configureTopic } from "./row_topics.ts";
import { readEvents } from "./stored_records.ts";

const COMPACTING = {
  "cleanup.policy": "compact",
  "segment.ms": "100",
  "min.cleanable.dirty.ratio": "0",
  "min.compaction.lag.ms": "0",
};

/** The cleaner of a broker sleeps for 15 s when it has nothing to do. */
const DEADLINE_MS = 60_000;
const PAUSE_MS = 2000;

/**
 * Has the broker remove records whose key comes again later, and leaves the topic as it was. A record is only removed
 * once its segment is closed, which `append` has happen.
 *
 * @param append adds events, and resolves with the number of all there have been
 */
export async function compact(
  { broker, topic, append }: { broker: string; topic: string; append: () => Promise<number> },
): Promise<void> {
  const count = async () => (await readEvents(broker, topic)).length;
  await configureTopic(broker, { topic, settings: COMPACTING });
  let [sent, left] = [0, 0];
  await eventually(async () => {
    sent = await append();
    await sleep(PAUSE_MS);
    left = await count();
    return left < sent;
  }, { deadlineMs: DEADLINE_MS, what: () => `fewer than ${sent} records, found ${left}` });
  await configureTopic(broker, { topic, settings: {} });
  // It may not have come to all partitions yet, and whoever reads later has to find what was there.
  await eventually(async () => {
    const before = left;
    await sleep(PAUSE_MS);
    left = await count();
    return left === before;
  }, { deadlineMs: DEADLINE_MS, what: () => `no further compaction, found ${left}` });
}
