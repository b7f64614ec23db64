import { BrokerAdmin } from "../broker_admin.ts";
import type { StoredEvent } from "../history.ts";
import { type FirstOffsets, withoutRemoved } from "../removed_events.ts";
import type { Row } from "../row.ts";
import { readEvents } from "../stored_records.ts";
import type { World } from "../world.ts";

const KEPT_EVENTS = 100;
/** A fetch that waits while events are sent gets few of them, and the group waits for a member that is suspended. */
const CONSUMER_CONFIG = { "max.partition.fetch.bytes": 4096, "session.timeout.ms": 30_000 };
const OUT_OF_RANGE = /ERROR.*has no offset/;

/** Events are removed before eventor gets to them, half of the times while it runs. They are lost, and no others. */
export const retention: Row = {
  number: 12,
  fault: "retention removes events that are not committed",
  short: { events: 8000, perSecond: 4000, faults: 2 },
  long: { events: 100_000, perSecond: 4000, faults: 10 },
  limits: () => ({ duplicates: 0, recoveryMs: 10_000 }),
  async run(world) {
    const broker = world.broker.bootstrapServer;
    const seen = new Map<string, StoredEvent>();
    const removals: FirstOffsets[] = [];
    const start = () => world.start({ pipeline: { consumerConfig: CONSUMER_CONFIG } });
    let member = start();
    const each = Math.ceil(world.size.events / world.size.faults / 2);
    for (let fault = 0; fault < world.size.faults; fault++) {
      const isSuspended = fault % 2 === 0;
      await world.source.send(each);
      await world.settle();
      if (isSuspended) member.signal("SIGSTOP");
      else await world.stop(member);
      await world.source.send(each);
      for (const event of await readEvents(broker, world.topics.events)) {
        seen.set(`${event.partition}@${event.offset}`, event);
      }
      const alarms = isSuspended ? member.count(OUT_OF_RANGE) : 0;
      const what = isSuspended ? "removed while it is suspended" : "removed while it is stopped";
      await world.fault(what, async () => {
        removals.push(await removeAllButTheLast(world));
        if (isSuspended) member.signal("SIGCONT");
        else member = start();
      });
      await world.settle();
      if (member.count(OUT_OF_RANGE) === alarms) {
        world.finding(`no alarm in the log of ${member.name} that its offset is out of range`);
      }
    }
    const events = [...seen.values()];
    return (history) => withoutRemoved(history, { events, removals });
  },
};

async function removeAllButTheLast(world: World): Promise<FirstOffsets> {
  const admin = new BrokerAdmin(world.broker.bootstrapServer);
  const firstOffsets = (await admin.ends(world.topics.events))
    .map(({ partition, low, high }) => ({ partition, offset: Math.max(high - KEPT_EVENTS, low) }));
  await admin.deleteRecords(world.topics.events, firstOffsets);
  return new Map(firstOffsets.map(({ partition, offset }) => [partition, offset]));
}
