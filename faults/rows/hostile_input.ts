import { eventually } from "../../tests/support/eventually.ts";
import { compact } from "../compaction.ts";
import { startWithAll, withoutEviction } from "../endpoint_row.ts";
import { callsForNothing, misplaced } from "../examinations.ts";
import { deleteFirst, endOf, LARGE_KEY, sendHostile } from "../hostile_events.ts";
import type { Row } from "../row.ts";

const DELETED = 20;

/** Whatever the protocol admits is an event like another, and what is no event is passed. */
export const hostileInput: Row = {
  number: 30,
  fault:
    "events of all forms and encodings, transactions, aborted ones, deleted and compacted records",
  short: { events: 3000, perSecond: 600, faults: 2 },
  long: { events: 100_000, perSecond: 1000, faults: 40 },
  limits: () => ({ duplicates: 0, stallMs: 10_000 }),
  async run(world) {
    const { broker: { bootstrapServer: broker }, topics: { events: topic }, partitions } = world;
    const target = { broker, topic, partitions };
    const sendSome = async () => {
      await world.source.send(50 * partitions);
      return world.source.stored;
    };
    await sendSome();
    // It takes the cleaner a while.
    if (world.isLong) await compact({ broker, topic, append: sendSome });
    await deleteFirst(target, DELETED);
    startWithAll(world, {
      // What eventor has to say of large results shall not depend on the default.
      pipeline: { handler: { maxResponseBytes: "900KiB" } },
    });
    world.flow();
    await world.progress();
    await withoutEviction(world, async () => {
      for await (const _ of world.faultMoments()) {
        await world.fault("hostile events", () => sendHostile(target));
      }
      await world.finishFlow();
      // Behind everything else, so that all is committed when these are.
      await sendSome();
      // Offsets that are no events count here, as does what was deleted.
      const end = await endOf(target);
      await eventually(() => world.committed >= end, {
        deadlineMs: 60_000,
        what: () => `all committed up to the sum ${end}, found ${world.committed}`,
      });
    });
  },
  examine: (history, { topics }) => [
    ...misplaced(history, ({ key }) => key === LARGE_KEY ? topics.errors : topics.results),
    ...callsForNothing(history),
    ...["large", "(no key)", "zstd", "transaction"].flatMap((key) =>
      history.events.some((event) => event.key === key) ? [] : [`no event of the key '${key}'`]
    ),
  ],
};
