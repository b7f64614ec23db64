import { type Command, EXIT_CODE } from "./command_line.ts";
import { printError } from "../process/console.ts";
import { LogWriter } from "../process/log_writer.ts";
import { tryPermissions, workerPermissions } from "../process/sandbox.ts";
import { SandboxedWorker } from "../process/sandboxed_worker.ts";
import type { TryCommand } from "../process/worker_messages.ts";
import { loadFiles, pipelineOf, STANDARD_INPUT } from "./configuration.ts";

const TRY_WORKER = new URL("../process/try_worker.ts", import.meta.url);

/** Runs a pipeline for one event and prints the outcome; resolves with the exit code. */
export async function tryEvent(command: Command & { kind: "try" }): Promise<number> {
  const { files, key, headers } = command;
  if (files.includes(STANDARD_INPUT)) {
    await printError(
      "eventor: -f - is not possible here: the payload is read from standard input\n",
    );
    return EXIT_CODE.misuse;
  }
  const config = await loadFiles(files);
  if (config === null) return EXIT_CODE.misuse;
  const pipeline = await pipelineOf(config, command.pipeline);
  if (pipeline === null) return EXIT_CODE.misuse;
  if (Deno.stdin.isTerminal()) {
    await printError("type the payload, then press Ctrl-D on an empty line\n");
  }
  const writer = new LogWriter(config.logFormat, Deno.stderr);
  using worker = new SandboxedWorker<TryCommand, boolean>(TRY_WORKER, {
    name: `${pipeline.name} (try)`,
    permissions: workerPermissions(tryPermissions(pipeline)),
    log: writer.log,
  });
  worker.send({ pipeline, event: { key, headers }, secrets: config.secrets });
  const end = await worker.end;
  await writer.flush();
  if (end.kind === "ended") return end.result ? EXIT_CODE.stopped : EXIT_CODE.failed;
  await printError(`eventor: ${end.reason}\n`);
  return EXIT_CODE.failed;
}
