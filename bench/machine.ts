const BUSY_SAMPLE_MS = 1000;
const MAX_BUSY_SHARE = 0.1;

/** The machine and the runtime, in one line. */
export async function describeMachine(): Promise<string> {
  const cpuinfo = await Deno.readTextFile("/proc/cpuinfo");
  const model = /^model name\s*:\s*(.+)$/m.exec(cpuinfo)?.[1] ?? Deno.build.arch;
  const memoryGb = Deno.systemMemoryInfo().total / 1e9;
  return `${model}, ${navigator.hardwareConcurrency} cores, ${memoryGb.toFixed(0)} GB; ` +
    `Linux ${Deno.osRelease()}, Deno ${Deno.version.deno} (V8 ${Deno.version.v8})`;
}

/** A warning when something else uses the machine now, as every figure suffers from that; before anything is started. */
export async function warningOfOtherLoad(): Promise<string | undefined> {
  const before = await cpuTicks();
  await new Promise((resolve) => setTimeout(resolve, BUSY_SAMPLE_MS));
  const after = await cpuTicks();
  const share = 1 - (after.idle - before.idle) / (after.all - before.all);
  if (share <= MAX_BUSY_SHARE) return undefined;
  return `!! the machine is busy to ${(share * 100).toFixed(0)} % before anything was started: ` +
    "the figures will be worse than they would be, and differ from run to run";
}

async function cpuTicks(): Promise<{ all: number; idle: number }> {
  const [first = ""] = (await Deno.readTextFile("/proc/stat")).split("\n");
  const [user, nice, system, idle, wait, irq, softIrq, stolen] = first.trim().split(/\s+/)
    .slice(1).map(Number) as [number, number, number, number, number, number, number, number];
  // What the host took from this machine counts as busy.
  return { all: user + nice + system + idle + wait + irq + softIrq + stolen, idle: idle + wait };
}
