import { eventually } from "../../support/eventually.ts";
import { BrokerAdmin } from "../broker_admin.ts";
import type { Row } from "../row.ts";
import { createTopicAnew } from "../row_topics.ts";
import { readEvents } from "../stored_records.ts";
import { byGeneration, type GoneTopic } from "../topic_generations.ts";

const NOTICE_DEADLINE_MS = 20_000;
const OUT_OF_RANGE = /ERROR.*Offset out of range/;

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
    const each = Math.ceil(size.events / (size.faults + 1));
    await world.endpoint.behave([{ latencyMs: [50, 150] }]);
    const member = world.start();
    const sendPart = async () => {
      world.flow();
      await eventually(() => world.source.stored >= each, {
        deadlineMs: 120_000,
        what: () => `${each} events stored, found ${world.source.stored}`,
      });
      await world.source.stop();
    };
    for (let fault = 0; fault < size.faults; fault++) {
      await sendPart();
      await world.progress();
      const events = await readEvents(broker, topics.events);
      await world.fault("deleted and created again", async () => {
        await new BrokerAdmin(broker).deleteTopic(topics.events);
        await createTopicAnew(broker, { topic: topics.events, partitions });
        // Offsets alone do not tell one topic from another: events that come sooner may be taken for known ones.
        await eventually(() => member.count(OUT_OF_RANGE) >= (fault + 1) * partitions, {
          deadlineMs: NOTICE_DEADLINE_MS,
          what: () => `an alarm for each partition; ${member.logEnd}`,
        });
        gone.push({ events, goneAtMs: new Date().getTime() });
        await world.startAnew();
      });
    }
    await sendPart();
    await world.settle();
    return (history) => byGeneration(history, gone);
  },
};
