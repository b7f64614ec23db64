import type { CpuProfile } from "./worker_profiler.ts";

const MAX_FUNCTIONS = 40;
const MAX_MODULES = 20;
const ROOT = new URL("..", import.meta.url).href;

/** Where the time of a thread went, as text: kinds of work, modules and functions, by their own time. */
export function profileReport(profile: CpuProfile): string {
  const micros = ownMicros(profile);
  const total = sum(micros.values());
  const scripts = profile.nodes.filter(({ callFrame }) => !isState(callFrame.functionName));
  const line = (value: number, name: string) =>
    `${(100 * value / total).toFixed(1).padStart(6)} %  ${name}`;

  function ranking(
    nameOf: (frame: CpuProfile["nodes"][number]["callFrame"]) => string,
    max: number,
  ): string[] {
    const byName = new Map<string, number>();
    for (const { id, callFrame } of scripts) {
      const name = nameOf(callFrame);
      byName.set(name, (byName.get(name) ?? 0) + (micros.get(id) ?? 0));
    }
    return [...byName].sort(([, a], [, b]) => b - a).slice(0, max)
      .map(([name, value]) => line(value, name));
  }

  const state = (name: string) =>
    sum(
      profile.nodes.filter(({ callFrame }) => callFrame.functionName === name)
        .map(({ id }) => micros.get(id) ?? 0),
    );
  return [
    `${(total / 1_000_000).toFixed(1)} s of the Worker's thread`,
    line(sum(scripts.map(({ id }) => micros.get(id) ?? 0)), "JavaScript, and what it calls"),
    line(state("(garbage collector)"), "garbage collector"),
    line(state("(program)") + state("(idle)"), "native code outside of JavaScript, and waiting"),
    "\nModules, by their own time",
    ...ranking(({ url }) => moduleOf(url), MAX_MODULES),
    "\nFunctions, by their own time",
    ...ranking(
      ({ functionName, url, lineNumber }) =>
        `${functionName || "(anonymous)"}  ${moduleOf(url)}:${lineNumber + 1}`,
      MAX_FUNCTIONS,
    ),
  ].join("\n");
}

/** What the profiler names in parentheses is no function. */
function isState(functionName: string): boolean {
  return ["(root)", "(program)", "(idle)", "(garbage collector)"].includes(functionName);
}

function ownMicros({ samples, timeDeltas }: CpuProfile): Map<number, number> {
  const micros = new Map<number, number>();
  samples.forEach((id, index) => {
    // A sample stands for the time until the next one.
    micros.set(id, (micros.get(id) ?? 0) + Math.max(0, timeDeltas[index + 1] ?? 0));
  });
  return micros;
}

function moduleOf(url: string): string {
  if (url === "") return "(native)";
  const [, packageName, path] = /\/([^/]+)\/\d+\.\d+\.\d+\/(.+)$/.exec(url) ?? [];
  if (packageName !== undefined) return `${packageName}/${path}`;
  return url.startsWith(ROOT) ? url.slice(ROOT.length) : url;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
