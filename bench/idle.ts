import { Eventor, type PipelineSettings } from "./eventor.ts";
import { preload } from "./events.ts";
import type { Bench, Figures } from "./scenario.ts";
import { Topics } from "./topics.ts";

const START_DEADLINE_MS = 60_000;

/** Measures a pipeline that has handled one event and has nothing more to do. */
export async function measureIdle(bench: Bench, settings: PipelineSettings): Promise<Figures> {
  const [settleMs, measureMs] = bench.options.short ? [500, 1000] : [10_000, 20_000];
  await using topics = await Topics.create(bench.broker);
  await preload({ broker: bench.broker, topic: topics.events }, 1);
  await using eventor = await Eventor.start(bench, topics, settings);
  const deadline = performance.now() + START_DEADLINE_MS;
  while (await topics.countResults() === 0) {
    if (performance.now() > deadline) {
      throw new Error(`no result within ${START_DEADLINE_MS / 1000} s; ${eventor.logEnd}`);
    }
    await sleep(100);
  }
  await sleep(settleMs);
  const before = { at: performance.now(), ...await eventor.usage() };
  await sleep(measureMs);
  const after = { at: performance.now(), ...await eventor.usage() };
  const share = (after.cpuMicros - before.cpuMicros) / ((after.at - before.at) * 1000);
  return { maxRssMb: after.rssMb, more: { "CPU % of a core": share * 100 } };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
