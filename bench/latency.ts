import { startBareRelay } from "./bare_relay.ts";
import { EventSource } from "./event_source.ts";
import { Eventor, type PipelineSettings } from "./eventor.ts";
import type { ProcessUsage } from "./process_usage.ts";
import type { Bench, Figures } from "./scenario.ts";
import { mean, percentile } from "./statistics.ts";
import { type StoredRecord, Topics } from "./topics.ts";

const DEADLINE_MS = 60_000;
const POLL_INTERVAL_MS = 100;

/** How events are sent in time. */
interface Pace {
  readonly perSecond: number;
  /** For a minute at this rate, V8 compiles what turns out to be used often; a sidecar runs for weeks. */
  readonly warmUp: number;
  readonly measured: number;
}

const PACE: Pace = { perSecond: 500, warmUp: 30_000, measured: 12_500 };
const SHORT_PACE: Pace = { perSecond: 200, warmUp: 100, measured: 200 };

/** A process that makes results of events. */
export interface Relay extends AsyncDisposable {
  usage(): Promise<ProcessUsage>;
  /** For messages: what it said last. */
  readonly logEnd: string;
}

/** What a relay took for each event. */
interface Latency {
  readonly cpuMicros: number;
  readonly rssMb: number;
  /** From the writing of each event to that of its result, in whole milliseconds. */
  readonly millis: readonly number[];
}

/** Sends events evenly, and measures how long each takes to become a result: with the bare relay, then with eventor. */
export async function measureLatency(bench: Bench, settings: PipelineSettings): Promise<Figures> {
  const pace = bench.options.short ? SHORT_PACE : PACE;
  bench.say(`sending ${pace.perSecond} events a second through a bare relay`);
  const bare = await measure(bench, pace, startBareRelay);
  bench.say(`sending ${pace.perSecond} events a second through eventor`);
  const eventor = await measure(
    bench,
    pace,
    (bench, topics) => Eventor.start(bench, topics, settings),
  );
  return {
    perSecond: pace.perSecond,
    cpuMicros: eventor.cpuMicros,
    maxRssMb: eventor.rssMb,
    more: {
      ...figures("written to written", eventor),
      ...figures("bare relay", bare),
      "bare relay CPU µs": bare.cpuMicros,
    },
  };
}

async function measure(
  bench: Bench,
  { warmUp, measured, perSecond }: Pace,
  start: (bench: Bench, topics: Topics) => Promise<Relay>,
): Promise<Latency> {
  await using topics = await Topics.create(bench.broker);
  await using relay = await start(bench, topics);
  await using source = await EventSource.open(bench.broker, topics.events);
  // The first one takes as long as starting does.
  await source.sendEvenly(1, { perSecond });
  await untilResults(topics, source.sent, relay);
  await source.sendEvenly(warmUp, { perSecond });
  const before = await relay.usage();
  await source.sendEvenly(measured, { perSecond });
  const after = await relay.usage();
  await untilResults(topics, source.sent, relay);
  const millis = await storedLatencies(topics);
  return {
    cpuMicros: (after.cpuMicros - before.cpuMicros) / measured,
    rssMb: after.rssMb,
    millis: millis.slice(-measured),
  };
}

function figures(name: string, { millis }: Latency): Record<string, number> {
  return {
    [`${name} p50 ms`]: percentile(millis, 0.5),
    [`${name} mean ms`]: mean(millis),
    [`${name} p99 ms`]: percentile(millis, 0.99),
  };
}

async function untilResults(topics: Topics, count: number, relay: Relay): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const results = await topics.countResults();
    if (results >= count) return;
    if (performance.now() > deadline) {
      const seconds = DEADLINE_MS / 1000;
      throw new Error(`${results} of ${count} results within ${seconds} s; ${relay.logEnd}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

/** From the writing of each event to that of its result, in whole milliseconds, in the order of the events. */
async function storedLatencies(topics: Topics): Promise<number[]> {
  const events = await topics.readAll(topics.events);
  const results = await topics.readAll(topics.results);
  const resultAtMs = new Map(
    results.map((result) => [sourceOf(result), result.writtenAtMs]),
  );
  return events.sort((a, b) => a.writtenAtMs - b.writtenAtMs).map((event) => {
    const atMs = resultAtMs.get(`${event.partition}/${event.offset}`);
    if (atMs === undefined) {
      throw new Error(`event ${event.offset} of partition ${event.partition} has no result`);
    }
    return atMs - event.writtenAtMs;
  });
}

function sourceOf({ headers }: StoredRecord): string {
  const values = Object.fromEntries(headers.split(",").map((header) => header.split("=")));
  return `${values["eventor-source-partition"]}/${values["eventor-source-offset"]}`;
}
