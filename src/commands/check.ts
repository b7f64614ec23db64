import { type Command, EXIT_CODE } from "../command_line.ts";
import type { Config, PipelineConfig } from "../config/schema.ts";
import { printError, printOut } from "../console.ts";
import { partsOf, pipelinePermissions } from "../sandbox.ts";
import { discover } from "../supervised_worker.ts";
import { loadFiles } from "./configuration.ts";

/** Validates the configuration and prints what each pipeline will do; resolves with the exit code. */
export async function check(command: Command & { kind: "check" }): Promise<number> {
  const config = await loadFiles(command.files);
  if (config === null) return EXIT_CODE.misuse;
  for (const pipeline of config.pipelines) await printOut(describe(pipeline, config));
  if (!command.online) return EXIT_CODE.stopped;
  const problems = (await Promise.all(config.pipelines.map(checkOnline))).flat();
  await printError(problems.map((problem) => `${problem}\n`).join(""));
  if (problems.length > 0) return EXIT_CODE.failed;
  await printOut("online: brokers, topics and endpoints answer\n");
  return EXIT_CODE.stopped;
}

function describe(pipeline: PipelineConfig, { warnings }: Config): string {
  const { net, env } = pipelinePermissions(pipeline, []);
  const parts = partsOf(pipeline);
  const whenOf = new Map<object, readonly string[]>(
    pipeline.eventResultProcessor.map((processor) => [processor, processor.when]),
  );
  const when = (config: object) => {
    const outcomes = whenOf.get(config);
    return outcomes === undefined ? "" : ` when ${outcomes.join(", ")}`;
  };
  const { name, logLevel, ordering, concurrency } = pipeline;
  const lines = [
    `pipeline '${name}' (log level ${logLevel}, ordering ${ordering}, concurrency ${concurrency})`,
    ...parts.map(({ path, role, config }) => `  ${path}: ${role.describe(config)}${when(config)}`),
    `  may reach: ${net.join(", ") || "no host"}${discoversMore(pipeline)}`,
    `  may read the environment variables: ${env.join(", ") || "none"}`,
    `  may not: read or write files, run programs, load libraries, ask about the system`,
    ...warnings.filter((warning) => warning.pipeline === name)
      .map(({ message }) => `  warning: ${message}`),
  ];
  return `${lines.join("\n")}\n`;
}

function discoversMore(pipeline: PipelineConfig): string {
  const discovers = partsOf(pipeline).some(({ role }) => role.discover !== undefined);
  return discovers ? ", and the brokers these advertise" : "";
}

async function checkOnline(pipeline: PipelineConfig): Promise<string[]> {
  const options = {
    // What goes wrong comes back as a problem.
    log: () => {},
    signal: new AbortController().signal,
  };
  try {
    const hosts = await discover({ pipeline, find: "hosts" }, options);
    const permissions = pipelinePermissions(pipeline, hosts);
    const problems = await discover({ pipeline, find: "problems" }, { ...options, permissions });
    return problems.map((problem) => `pipeline '${pipeline.name}': ${problem}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [`pipeline '${pipeline.name}': ${reason}`];
  }
}
