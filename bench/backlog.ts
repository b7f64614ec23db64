import { Eventor, type PipelineSettings } from "./eventor.ts";
import { preload } from "./events.ts";
import type { Bench, Figures } from "./scenario.ts";
import { mean } from "./statistics.ts";
import { Topics } from "./topics.ts";

const POLL_INTERVAL_MS = 250;
const STALL_DEADLINE_MS = 60_000;
const SHORT_EVENTS = 300;

/** How a backlog is drained, and how much of one. */
export interface Drain extends PipelineSettings {
  /** How many events, unless the options say otherwise. */
  readonly events: number;
  /** As many at most, whatever the options say. */
  readonly maxEvents?: number;
  /** Whether its memory is to be told over time. */
  readonly memory?: boolean;
}

/** What was seen at one moment while a backlog was drained. */
interface Sample {
  readonly results: number;
  readonly cpuMicros: number;
  readonly rssMb: number;
}

/** Has eventor drain a topic that was filled before. */
export async function drainBacklog(
  bench: Bench,
  { events, maxEvents = Infinity, memory = false, ...settings }: Drain,
): Promise<Figures> {
  const wanted = bench.options.short ? SHORT_EVENTS : bench.options.events ?? events;
  const count = Math.min(wanted, maxEvents);
  await using topics = await Topics.create(bench.broker);
  bench.say(`filling a topic with ${count} events`);
  await preload({ broker: bench.broker, topic: topics.events }, count);
  bench.say("draining it");
  const samples = await watchDrain(bench, topics, { ...settings, count });
  const { firstMs, lastMs } = await topics.resultTimes();
  const begun = samples[0]!;
  const done = samples.at(-1)!;
  return {
    perSecond: (done.results - 1) / ((lastMs - firstMs) / 1000),
    // Of a drain that was over at the first look there is nothing to tell.
    ...(done.results > begun.results
      ? { cpuMicros: (done.cpuMicros - begun.cpuMicros) / (done.results - begun.results) }
      : {}),
    maxRssMb: Math.max(...samples.map(({ rssMb }) => rssMb)),
    ...(memory ? { more: memoryOverTime(samples) } : {}),
  };
}

/** Runs eventor until all results are there. Samples begin with the first result. */
async function watchDrain(
  bench: Bench,
  topics: Topics,
  { count, ...settings }: PipelineSettings & { count: number },
): Promise<Sample[]> {
  await using eventor = await Eventor.start(bench, topics, settings);
  const samples: Sample[] = [];
  let results = 0;
  let progressAt = performance.now();
  while (results < count) {
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    const [now, usage] = await Promise.all([topics.countResults(), eventor.usage()]);
    if (now > results) progressAt = performance.now();
    if (performance.now() - progressAt > STALL_DEADLINE_MS) {
      throw new Error(
        `no result for ${STALL_DEADLINE_MS / 1000} s after ${now} of ${count}; ${eventor.logEnd}`,
      );
    }
    results = now;
    if (results > 0) samples.push({ results, ...usage });
  }
  if (results > count) bench.say(`${results - count} results more than events`);
  return samples;
}

/** The means over the first and the last tenth of the results. */
function memoryOverTime(samples: readonly Sample[]): Record<string, number> {
  const all = samples.at(-1)!.results;
  const first = samples.filter(({ results }) => results <= all * 0.1);
  const last = samples.filter(({ results }) => results >= all * 0.9);
  return {
    "mean RSS MB over the first tenth": mean((first.length > 0 ? first : samples).map(rss)),
    "over the last tenth": mean(last.map(rss)),
  };
}

function rss({ rssMb }: Sample): number {
  return rssMb;
}
