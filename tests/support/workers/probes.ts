import type { PipelineConfig } from "../../../src/config/schema.ts";
import type { LogRecord } from "../../../src/core/log.ts";

/** Something that code in a sandbox might try. */
export type Probe =
  | { readonly name: string; readonly does: "fetch"; readonly url: string }
  | { readonly name: string; readonly does: "connect"; readonly hostname: string; port: number }
  | { readonly name: string; readonly does: "env"; readonly variable: string }
  | { readonly name: string; readonly does: "import"; readonly url: string }
  | { readonly name: string; readonly does: keyof typeof WITHOUT_PARAMETERS };

/** What came of each probe, by its name: `allowed`, or the name of the error. */
export type Outcomes = Readonly<Record<string, string>>;

const PREFIX = "probed: ";

const WITHOUT_PARAMETERS = {
  read: () => Deno.readTextFile("/etc/hostname"),
  readDirectory: () => Deno.readDirSync("/").next(),
  write: () => Deno.writeTextFile("/tmp/eventor-probe", ""),
  run: () => new Deno.Command("true").output(),
  ffi: () => Deno.dlopen("libc.so.6", {}),
  sys: () => Deno.hostname(),
  allEnv: () => Deno.env.toObject(),
  unixSocket: () => Deno.connect({ transport: "unix", path: "/var/run/docker.sock" }),
  lookUp: () => Deno.resolveDns("example.com", "A"),
  moreRights: () =>
    new Worker("data:text/javascript,", {
      type: "module",
      deno: { permissions: { net: true } },
    }),
  askForMore: async () => {
    const { state } = await Deno.permissions.request({ name: "net" });
    if (state !== "granted") throw new Deno.errors.NotCapable();
  },
};

/** A pipeline whose probed Worker does probes as soon as it gets its configuration. */
export interface ProbedPipeline extends PipelineConfig {
  readonly probes: readonly Probe[];
}

/** Does the probes of the configuration that comes with the next message, and logs what came of them. */
export function probeWithNextMessage(): void {
  self.addEventListener(
    "message",
    async ({ data }: MessageEvent<{ pipeline: ProbedPipeline }>) => {
      const outcomes = await Promise.all(
        data.pipeline.probes.map(async (probe) => [probe.name, await outcomeOf(probe)]),
      );
      const message = PREFIX + JSON.stringify(Object.fromEntries(outcomes));
      const record: LogRecord = { timestampMs: Date.now(), level: "INFO", message };
      self.postMessage({ kind: "log", record });
    },
    { once: true },
  );
}

/** What came of the probes, once a Worker has said so. */
export function outcomesIn(records: readonly LogRecord[]): Outcomes | undefined {
  const record = records.find(({ message }) => message.startsWith(PREFIX));
  return record && JSON.parse(record.message.slice(PREFIX.length));
}

async function outcomeOf(probe: Probe): Promise<string> {
  try {
    await attempt(probe);
    return "allowed";
  } catch (error) {
    if (!(error instanceof Error)) return String(error);
    // The module loader makes a TypeError of what is not allowed.
    return /^Requires (read|import) access/.test(error.message) ? "NotCapable" : error.name;
  }
}

async function attempt(probe: Probe): Promise<void> {
  switch (probe.does) {
    case "fetch":
      await (await fetch(probe.url, { redirect: "follow" })).body?.cancel();
      break;
    case "connect":
      (await Deno.connect({ hostname: probe.hostname, port: probe.port })).close();
      break;
    case "env":
      Deno.env.get(probe.variable);
      break;
    case "import":
      await import(probe.url);
      break;
    default:
      await WITHOUT_PARAMETERS[probe.does]();
  }
}
