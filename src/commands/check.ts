import { cyclesOf, describeDiscoveredCycle, flowOf, type PipelineFlow } from "../config/cycles.ts";
import { type Command, EXIT_CODE } from "./command_line.ts";
import { rolesOf } from "../config/roles.ts";
import type { Config, PipelineConfig } from "../config/schema.ts";
import type { ListenerPromises, RoleConfig } from "../core/transport.ts";
import { printError, printOut } from "../process/console.ts";
import { pipelinePermissions } from "../process/sandbox.ts";
import { discover, findProblems } from "../process/discovery.ts";
import { loadFiles } from "./configuration.ts";
import { listenerRole } from "../transports/mod.ts";

/** Validates the configuration and prints what each pipeline will do; resolves with the exit code. */
export async function check(command: Command & { kind: "check" }): Promise<number> {
  const config = await loadFiles(command.files);
  if (config === null) return EXIT_CODE.misuse;
  for (const pipeline of config.pipelines) await printOut(describe(pipeline, config));
  if (!command.online) return EXIT_CODE.stopped;
  const problems = await checkOnline(config.pipelines);
  await printError(problems.map((problem) => `${problem}\n`).join(""));
  if (problems.length > 0) return EXIT_CODE.failed;
  await printOut("online: brokers, topics and endpoints answer\n");
  return EXIT_CODE.stopped;
}

function describe(pipeline: PipelineConfig, { warnings }: Config): string {
  const { net, env } = pipelinePermissions(pipeline);
  const parts = rolesOf(pipeline);
  const when = (config: RoleConfig & { readonly when?: readonly string[] }) =>
    config.when === undefined ? "" : ` when ${config.when.join(", ")}`;
  const { name, logLevel, ordering, concurrency } = pipeline;
  const lines = [
    `pipeline '${name}' (log level ${logLevel}, ordering ${ordering}, concurrency ${concurrency})`,
    ...parts.map(({ path, role, config }) => `  ${path}: ${role.describe(config)}${when(config)}`),
    ...sayPromises(listenerRole(pipeline.eventListener).promises).map((line) => `  ${line}`),
    `  may connect to: ${net.join(", ") || "no host"}${discoversMore(pipeline)}`,
    `  may read the environment variables: ${env.join(", ") || "none"}`,
    `  may not: read or write files, run programs, load libraries, query the operating system`,
    ...warnings.filter((warning) => warning.pipeline === name)
      .map(({ message }) => `  warning: ${message}`),
  ];
  return `${lines.join("\n")}\n`;
}

function sayPromises(
  { resumable, acknowledges, keepsOrder, identifies }: ListenerPromises,
): readonly string[] {
  const others = acknowledges === "cumulative" ? ", and finished ones behind them" : "";
  return [
    resumable
      ? `after a stop or a crash: unfinished events are handled again${others}`
      : "after a stop or a crash: unfinished events are lost",
    keepsOrder
      ? "order: as in the source"
      : "order: as in the source, except for events that come again",
    identifies
      ? "Idempotency-Key: the same in each call for an event"
      : "Idempotency-Key: none, as the source cannot tell events apart",
  ];
}

function discoversMore(pipeline: PipelineConfig): string {
  const discovers = rolesOf(pipeline).some(({ role }) => role.discover !== undefined);
  return discovers ? ", and the brokers these advertise" : "";
}

async function checkOnline(pipelines: readonly PipelineConfig[]): Promise<readonly string[]> {
  const findings = await Promise.all(pipelines.map(askRemoteSystems));
  const known = findings.flatMap(({ flow }) => flow ?? []);
  return findings.flatMap(({ pipeline, problems, flow }) => {
    const cycles = flow === undefined ? [] : cyclesOf(flow, known);
    return [...problems, ...cycles.map(describeDiscoveredCycle)]
      .map((problem) => `pipeline '${pipeline.name}': ${problem}`);
  });
}

/** `flow` is absent when discovery failed. */
async function askRemoteSystems(
  pipeline: PipelineConfig,
): Promise<{ pipeline: PipelineConfig; problems: readonly string[]; flow?: PipelineFlow }> {
  // Failures are returned as problems.
  const options = { log: () => {}, signal: new AbortController().signal };
  try {
    const discoveries = await discover(pipeline, options);
    const permissions = pipelinePermissions(pipeline, discoveries);
    const problems = await findProblems(pipeline, { ...options, permissions });
    return { pipeline, problems, flow: flowOf(pipeline, discoveries) };
  } catch (error) {
    return { pipeline, problems: [error instanceof Error ? error.message : String(error)] };
  }
}
