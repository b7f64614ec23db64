import { TICKS_PER_SECOND } from "./process_usage.ts";

/** CPU time of each thread of a process so far, in microseconds, by `name/identifier`. */
export async function threadUsage(pid: number): Promise<Map<string, number>> {
  const usage = new Map<string, number>();
  for await (const { name: thread } of Deno.readDir(`/proc/${pid}/task`)) {
    const stat = await Deno.readTextFile(`/proc/${pid}/task/${thread}/stat`).catch(() => undefined);
    // It has ended since.
    if (stat === undefined) continue;
    const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    usage.set(`${name}/${thread}`, ticks * 1_000_000 / TICKS_PER_SECOND);
  }
  return usage;
}
