/** How much a process of Linux has used so far. */
export interface ProcessUsage {
  readonly cpuMicros: number;
  readonly rssMb: number;
}

/** What `getconf CLK_TCK` says on every Linux that Deno runs on. */
export const TICKS_PER_SECOND = 100;

/** @param pid a process identifier, or `self` */
export async function processUsage(pid: number | "self"): Promise<ProcessUsage> {
  const [stat, status] = await Promise.all([
    Deno.readTextFile(`/proc/${pid}/stat`),
    Deno.readTextFile(`/proc/${pid}/status`),
  ]);
  // The name, in parentheses, may hold anything; user and system time are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const rssKb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  return { cpuMicros: ticks * 1_000_000 / TICKS_PER_SECOND, rssMb: rssKb * 1024 / 1_000_000 };
}
