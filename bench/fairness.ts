import { Eventor, type PipelineSettings } from "./eventor.ts";
import { preload } from "./events.ts";
import type { Bench, Figures } from "./scenario.ts";
import { Topics } from "./topics.ts";

const PARTITIONS = 12;
const EVENTS_OF_PARTITION = 3000;
const SHORT_EVENTS_OF_PARTITION = 50;
const HANGING_EVENTS = 1000;
const POLL_INTERVAL_MS = 100;
const DEADLINE_MS = 120_000;

/** Compares the speed of eleven partitions while all calls for a twelfth hang with their speed while none does. */
export async function measureFairness(bench: Bench, settings: PipelineSettings): Promise<Figures> {
  const undisturbed = await speedOfOthers(bench, settings, { hang: false });
  const disturbed = await speedOfOthers(bench, settings, { hang: true });
  return {
    perSecond: disturbed,
    more: {
      "per second while nothing hangs": undisturbed,
      "share of speed kept": disturbed / undisturbed,
    },
  };
}

/** Events a second of all partitions but the first. */
async function speedOfOthers(
  bench: Bench,
  settings: PipelineSettings,
  { hang }: { hang: boolean },
): Promise<number> {
  const count = bench.options.short ? SHORT_EVENTS_OF_PARTITION : EVENTS_OF_PARTITION;
  await using topics = await Topics.create(bench.broker, { partitions: PARTITIONS });
  bench.say(`filling ${PARTITIONS} partitions${hang ? ", the first with what hangs" : ""}`);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const hangs = hang && partition === 0;
    const where = { broker: bench.broker, topic: topics.events, partition, hang: hangs };
    await preload(where, hangs ? HANGING_EVENTS : count);
  }
  const expected = (hang ? PARTITIONS - 1 : PARTITIONS) * count;
  await using eventor = await Eventor.start(bench, topics, settings);
  const deadline = performance.now() + DEADLINE_MS;
  while (await topics.countResults() < expected) {
    if (performance.now() > deadline) throw new Error(`too few results; ${eventor.logEnd}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
  const { firstMs, lastMs } = await topics.resultTimes();
  return (PARTITIONS - 1) * count / ((lastMs - firstMs) / 1000);
}
