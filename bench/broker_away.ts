import { BrokerPair } from "../tools/kafka/mod.ts";
import { Eventor, type PipelineSettings } from "./eventor.ts";
import { preload } from "./events.ts";
import type { Bench, Figures } from "./scenario.ts";
import { Topics } from "./topics.ts";

/** Who leads each partition of the events: the last one has no leader while the second broker is away. */
const LEADERS = [1, 1, 1, 2];
/** Those with events. */
const FILLED = [0, 1, 2];
const SHORT_EVENTS = 300;
const POLL_INTERVAL_MS = 50;
const DEADLINE_MS = 180_000;

/** How many events there are, and how they are handled. */
interface Drain extends PipelineSettings {
  readonly events: number;
}

/** What is done to the brokers: before eventor starts, and when the first results are there. */
interface Disturbance {
  readonly before?: () => Promise<void>;
  readonly meanwhile?: () => Promise<void>;
}

/** Compares the speed of partitions that have a leader while another one has none with their speed while all have one. */
export async function measureBrokerAway(
  bench: Bench,
  { events, ...settings }: Drain,
): Promise<Figures> {
  bench.say("starting two brokers");
  await using brokers = await BrokerPair.start();
  const count = bench.options.short ? SHORT_EVENTS : bench.options.events ?? events;
  const drain = async (disturbance: Disturbance) => {
    const own = { ...bench, broker: brokers.first.bootstrapServer };
    await using topics = await Topics.create(own.broker, { leaders: LEADERS });
    bench.say(`filling three partitions with ${count} events, and draining them`);
    return await speed(own, topics, { ...settings, ...disturbance, count });
  };
  // What runs first is measured against a slow broker.
  await drain({});
  const undisturbed = await drain({});
  const killed = await drain({ meanwhile: () => brokers.second.kill() });
  await brokers.second.restart();
  const started = await drain({ before: () => brokers.second.kill() });
  return {
    perSecond: killed,
    more: {
      "per second with both brokers": undisturbed,
      "share of speed kept": killed / undisturbed,
      "share kept after a start": started / undisturbed,
    },
  };
}

/** Results a second, from the first tenth of them on. */
async function speed(
  bench: Bench,
  topics: Topics,
  { count, before, meanwhile, ...settings }: PipelineSettings & Disturbance & { count: number },
): Promise<number> {
  for (const partition of FILLED) {
    await preload(
      { broker: bench.broker, topic: topics.events, partition },
      count / FILLED.length,
    );
  }
  await before?.();
  await using eventor = await Eventor.start(bench, topics, settings);
  const deadline = performance.now() + DEADLINE_MS;
  const until = async (results: number) => {
    for (;;) {
      const found = await topics.countResults();
      if (found >= results) return { found, atMs: performance.now() };
      if (performance.now() > deadline) {
        throw new Error(`${found} of ${results} results; ${eventor.logEnd}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    }
  };
  const begun = await until(count / 10);
  await meanwhile?.();
  const done = await until(count);
  return (done.found - begun.found) / ((done.atMs - begun.atMs) / 1000);
}
