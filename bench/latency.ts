import { Eventor, type PipelineSettings } from "./eventor.ts";
import { LatencyProbe } from "./latency_probe.ts";
import type { Bench, Figures } from "./scenario.ts";
import { percentile } from "./statistics.ts";
import { type StoredRecord, Topics } from "./topics.ts";

/** How events are sent in time. */
interface Pace {
  readonly perSecond: number;
  /** For a minute at this rate, V8 compiles what turns out to be used often; a sidecar runs for weeks. */
  readonly warmUp: number;
  readonly measured: number;
  /** Of each, so many to see what sending and reading take. */
  readonly probed: number;
}

const PACE: Pace = { perSecond: 500, warmUp: 30_000, measured: 12_500, probed: 2500 };
const SHORT_PACE: Pace = { perSecond: 200, warmUp: 100, measured: 200, probed: 100 };

/** Sends events evenly, and measures how long each takes to become a result. */
export async function measureLatency(bench: Bench, settings: PipelineSettings): Promise<Figures> {
  const pace = bench.options.short ? SHORT_PACE : PACE;
  bench.say(`sending ${pace.perSecond} events a second`);
  const direct = await measureProbe(bench, pace);
  await using topics = await Topics.create(bench.broker);
  await using eventor = await Eventor.start(bench, topics, settings);
  await using probe = await LatencyProbe.start(bench.broker, {
    write: topics.events,
    read: topics.results,
  });
  await probe.sendOne().catch((error) => {
    throw new Error(`${error.message}; ${eventor.logEnd}`);
  });
  await probe.sendEvenly(pace.warmUp, pace);
  const before = await eventor.usage();
  const micros = await probe.sendEvenly(pace.measured, pace);
  const after = await eventor.usage();
  const stored = (await storedLatencies(topics)).slice(-pace.measured);
  return {
    perSecond: pace.perSecond,
    cpuMicros: (after.cpuMicros - before.cpuMicros) / pace.measured,
    maxRssMb: after.rssMb,
    more: {
      "written to written p50 ms": percentile(stored, 0.5),
      "written to written p99 ms": percentile(stored, 0.99),
      "sent to read p50 ms": percentile(micros, 0.5) / 1000,
      "sent to read p99 ms": percentile(micros, 0.99) / 1000,
      "without eventor p50 ms": percentile(direct, 0.5) / 1000,
      "without eventor p99 ms": percentile(direct, 0.99) / 1000,
    },
  };
}

/** What sending and reading take by themselves: the reader reads what was sent. */
async function measureProbe(bench: Bench, pace: Pace): Promise<number[]> {
  await using topics = await Topics.create(bench.broker);
  await using probe = await LatencyProbe.start(bench.broker, {
    write: topics.events,
    read: topics.events,
  });
  await probe.sendOne();
  await probe.sendEvenly(pace.probed, pace);
  return await probe.sendEvenly(pace.probed, pace);
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
