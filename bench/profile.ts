/**
 * `deno run -A bench/profile.ts`: runs eventor from source under load, and prints where the time of its pipeline's
 * Worker goes. An executable has no inspector, so the runtime is the same but not the file.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { fileURLToPath } from "node:url";
import { RUN_ARGUMENTS, V8_FLAGS } from "../tools/compile.ts";
import { EventSource } from "./event_source.ts";
import { Eventor, type PipelineSettings } from "./eventor.ts";
import { preload } from "./events.ts";
import { pipelineKey } from "./options.ts";
import { profileReport } from "./profile_report.ts";
import type { Bench } from "./scenario.ts";
import { print, say, Surroundings } from "./surroundings.ts";
import { threadUsage } from "./thread_usage.ts";
import { Topics } from "./topics.ts";
import { type CpuProfile, WorkerProfiler } from "./worker_profiler.ts";

const USAGE = `Usage: deno run -A bench/profile.ts [options]

  --latency MS         the endpoint's latency, 0
  --ordering ORDER     of the pipeline, key
  --concurrency N      of the pipeline, 64
  --config key=value   a further key of the pipeline; may be repeated
  --rate N             send N events a second instead of draining a backlog
  --seconds N          how long to profile, 10
  --backlog N          how many events to fill the topic with, 200000
  --v8-flags=FLAGS     V8's flags, separated by commas, instead of the executable's
  --output FILE        write the profile there, for the developer tools of Chrome (.cpuprofile)`;

const flags = parseArgs(Deno.args, {
  string: [
    "latency",
    "ordering",
    "concurrency",
    "config",
    "rate",
    "seconds",
    "backlog",
    "v8-flags",
    "output",
  ],
  boolean: ["help"],
  collect: ["config"],
  default: {
    latency: "0",
    ordering: "key",
    concurrency: "64",
    seconds: "10",
    backlog: "200000",
  },
});

const WARM_UP_SECONDS = 5;
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const seconds = Number(flags.seconds);

/** What was seen of a process while it was profiled. */
interface Observation {
  readonly profile: CpuProfile;
  readonly events: number;
  readonly threads: ReadonlyMap<string, number>;
  readonly rssMb: number;
}

function command(): string[] {
  const [run = "", ...rest] = RUN_ARGUMENTS;
  const v8Flags = [`--v8-flags=${flags["v8-flags"] ?? V8_FLAGS.join(",")}`];
  const options = rest.map((option) => option === "main.ts" ? `${ROOT}main.ts` : option);
  return [Deno.execPath(), run, "--inspect=127.0.0.1:0", ...v8Flags, ...options];
}

async function profileDrain(bench: Bench, settings: PipelineSettings): Promise<Observation> {
  await using topics = await Topics.create(bench.broker);
  say(`filling a topic with ${flags.backlog} events`);
  await preload({ broker: bench.broker, topic: topics.events }, Number(flags.backlog));
  await using eventor = await Eventor.start(bench, topics, settings);
  return await observe(eventor, topics, sleep);
}

async function profileRate(bench: Bench, settings: PipelineSettings): Promise<Observation> {
  const perSecond = Number(flags.rate);
  await using topics = await Topics.create(bench.broker);
  await using eventor = await Eventor.start(bench, topics, settings);
  await using source = await EventSource.open(bench.broker, topics.events);
  await source.sendEvenly(1, { perSecond });
  return await observe(eventor, topics, async (ms) => {
    await source.sendEvenly(Math.round(perSecond * ms / 1000), { perSecond });
  });
}

/** @param load lets eventor work for so many milliseconds */
async function observe(
  eventor: Eventor,
  topics: Topics,
  load: (ms: number) => Promise<void>,
): Promise<Observation> {
  const url = await eventor.logged(/Debugger listening on (ws:\S+)/);
  while (await topics.countResults() === 0) await sleep(100);
  await load(WARM_UP_SECONDS * 1000);
  using profiler = await WorkerProfiler.attach(url);
  say(`profiling for ${seconds} s`);
  const [resultsBefore, before] = [await topics.countResults(), await threadUsage(eventor.pid)];
  await profiler.start();
  await load(seconds * 1000);
  const profile = await profiler.stop();
  const [resultsAfter, after] = [await topics.countResults(), await threadUsage(eventor.pid)];
  const threads = [...after].map(([name, micros]) =>
    [name, micros - (before.get(name) ?? 0)] as const
  );
  const { rssMb } = await eventor.usage();
  return { profile, events: resultsAfter - resultsBefore, threads: new Map(threads), rssMb };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function threadReport({ events, threads, rssMb }: Observation): string {
  const busy = [...threads].filter(([, micros]) => micros > 0).sort(([, a], [, b]) => b - a);
  return [
    `${events} events, RSS ${
      rssMb.toFixed(0)
    } MB with the profiler. CPU of each thread for each event:`,
    ...busy.map(([name, micros]) => `${(micros / events).toFixed(1).padStart(8)} µs  ${name}`),
  ].join("\n");
}

if (flags.help) {
  print(USAGE);
  Deno.exit(0);
}
{
  await using surroundings = await Surroundings.start();
  const bench: Bench = {
    options: {
      only: [],
      events: undefined,
      repeat: 1,
      short: false,
      pipelineKeys: flags.config.map(pipelineKey),
    },
    broker: surroundings.broker,
    command: command(),
    endpoint: (behaviour) => surroundings.endpoint(behaviour),
    say,
  };
  const settings: PipelineSettings = {
    latencyMs: Number(flags.latency),
    ordering: flags.ordering as PipelineSettings["ordering"],
    concurrency: Number(flags.concurrency),
  };
  const observation = flags.rate === undefined
    ? await profileDrain(bench, settings)
    : await profileRate(bench, settings);
  print(`${threadReport(observation)}\n\n${profileReport(observation.profile)}`);
  if (flags.output !== undefined) {
    await Deno.writeTextFile(flags.output, JSON.stringify(observation.profile));
  }
}
Deno.exit(0);
