import { isAmong, type Rule } from "../endpoint_rules.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { withoutEviction } from "../endpoint_row.ts";
import { calledOften, misplaced } from "../examinations.ts";
import type { StoredEvent } from "../history.ts";
import type { Row } from "../row.ts";
import { configureTopic } from "../row_topics.ts";

const TOO_LARGE_FOR_TOPIC = { fromPercent: 0, toPercent: 1 };
const TOO_LARGE = { fromPercent: 1, toPercent: 2 };
const BOMB = { fromPercent: 2, toPercent: 2.5 };
const DESERVES_ERROR = { fromPercent: 0, toPercent: 2.5 };

const TOPIC_BYTES = 100_000;
const MIB = 1024 * 1024;
/** Of what is never to be in memory at a time: some of the bombs would be. */
const MOST_GROWTH_MB = 250;

const RULES: readonly Rule[] = [
  { events: TOO_LARGE_FOR_TOPIC, answer: { kind: "large", bytes: 3 * TOPIC_BYTES } },
  { events: TOO_LARGE, answer: { kind: "large", bytes: 2 * MIB } },
  { events: BOMB, answer: { kind: "bomb", bytes: 200 * MIB } },
];

/** Each is the end of its own event only. */
export const endpointLarge: Row = {
  number: 19,
  fault: "responses larger than their topic or maxResponseBytes, and gzip bombs of 200 MiB",
  short: { events: 3000, perSecond: 400, faults: 0 },
  long: { events: 12_000, perSecond: 200, faults: 0 },
  limits: () => ({ duplicates: 0, stallMs: 5000 }),
  async run(world) {
    await configureTopic(world.broker.bootstrapServer, {
      topic: world.topics.results,
      settings: { "max.message.bytes": `${TOPIC_BYTES}` },
    });
    await world.endpoint.behave(RULES);
    const { errors } = world.topics;
    const eventor = world.start({ pipeline: { errors } });
    world.flow();
    await world.progress();
    const before = await eventor.usage();
    let mostMb = 0;
    let isOver = false;
    const watching = (async () => {
      for (; !isOver; await sleep(100)) mostMb = Math.max(mostMb, (await eventor.usage()).rssMb);
    })();
    try {
      await withoutEviction(world, async () => {
        await world.finishFlow();
        await world.settle();
      });
    } finally {
      isOver = true;
      await watching;
    }
    if (mostMb > before.rssMb + MOST_GROWTH_MB) {
      world.finding(`memory went from ${Math.round(before.rssMb)} to ${Math.round(mostMb)} MB`);
    }
  },
  examine(history, { topics }) {
    const isHeavy = (event: StoredEvent) => isAmong(event, DESERVES_ERROR);
    return [
      ...misplaced(history, (event) => isHeavy(event) ? topics.errors : topics.results),
      ...calledOften(history, { isMeant: () => true, most: 1 }),
      ...["large", "bomb"].flatMap((kind) =>
        history.calls.some(({ answer }) => answer === kind) ? [] : [`no call met '${kind}'`]
      ),
    ];
  },
};
