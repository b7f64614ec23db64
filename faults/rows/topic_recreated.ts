import { eventually } from "../../tests/support/eventually.ts";
import { BrokerAdmin } from "../broker_admin.ts";
import type { Row } from "../row.ts";
import { createTopicAnew } from "../row_topics.ts";
import { readEvents } from "../stored_records.ts";
import type { World } from "../world.ts";
import { byGeneration, type GoneTopic } from "../topic_generations.ts";

const NOTICE_DEADLINE_MS = 20_000;
const QUIET_MS = 2000;
/** The group waits for a member that is suspended. */
const PATIENT = { "session.timeout.ms": 30_000 };
const OUT_OF_RANGE = /ERROR.*has no offset/;

/** Another topic takes the place of one of which not everything is committed, and begins at offset 0. */
export const topicRecreated: Row = {
  number: 12,
  fault: "the topic is deleted and created again",
  short: { events: 6000, perSecond: 3000, faults: 1 },
  long: { events: 50_000, perSecond: 3000, faults: 2 },
  limits: () => ({ duplicates: 0, recoveryMs: 15_000 }),
  async run(world) {
    const { broker: { bootstrapServer: broker }, topics, partitions, size } = world;
    const gone: GoneTopic[] = [];
    const each = Math.ceil(size.events / (2 * size.faults + 1));
    await world.endpoint.behave([{ latencyMs: [50, 150] }]);
    const member = world.start({ pipeline: { consumerConfig: PATIENT } });
    for (let fault = 0; fault < size.faults; fault++) {
      await Promise.all([world.progress(world.committed), world.source.send(each)]);
      // What is in the topic from now on, it has not fetched.
      member.signal("SIGSTOP");
      await world.source.send(each);
      const events = await readEvents(broker, topics.events);
      await world.fault("deleted and created again", async () => {
        await new BrokerAdmin(broker).deleteTopic(topics.events);
        await createTopicAnew(broker, { topic: topics.events, partitions });
        member.signal("SIGCONT");
        // Offsets alone do not tell one topic from another: events that come sooner may be taken for known ones.
        await eventually(() => member.count(OUT_OF_RANGE) >= (fault + 1) * partitions, {
          deadlineMs: NOTICE_DEADLINE_MS,
          what: () => `an alarm for each partition; ${member.logEnd}`,
        });
        await untilQuiet(world);
        gone.push({ events, goneAtMs: new Date().getTime() });
        await world.startAnew();
      });
    }
    await world.source.send(each);
    await world.settle();
    return (history) => byGeneration(history, gone);
  },
};

/** What a member holds of a topic that is gone is done, and committed, until something comes of the next one. */
async function untilQuiet(world: World): Promise<void> {
  let last = -1;
  let since = performance.now();
  await eventually(() => {
    if (world.committed !== last) since = performance.now();
    last = world.committed;
    return performance.now() - since > QUIET_MS;
  }, { deadlineMs: 10 * NOTICE_DEADLINE_MS, what: "that nothing more is committed" });
}
