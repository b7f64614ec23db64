/**
 * Finds out, before a pipeline runs, what only its other sides can tell: which hosts it needs beyond its
 * configuration, or what it would stumble over. Ends after one command.
 *
 * @module
 */
import { Logger } from "./log.ts";
import { partsOf } from "./sandbox.ts";
import type { DiscoveryCommand, DiscoveryReport } from "./worker_messages.ts";

function report(message: DiscoveryReport): void {
  self.postMessage(message);
}

function fail(error: unknown): void {
  report({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
}

self.addEventListener("message", ({ data }: MessageEvent<DiscoveryCommand>) => {
  find(data).then(report, fail);
});

// What a client library leaves behind after its answer must not end the process.
self.addEventListener("unhandledrejection", (event) => event.preventDefault());
self.addEventListener("error", (event) => event.preventDefault());

async function find({ pipeline, find }: DiscoveryCommand): Promise<DiscoveryReport> {
  const log = new Logger((record) => report({ kind: "log", record }), {
    level: pipeline.logLevel,
    pipeline: pipeline.name,
  });
  const context = { pipeline: pipeline.name, log };
  const answers = await Promise.all(
    partsOf(pipeline).map(async ({ path, role, config }) => {
      if (find === "hosts") return await role.discover?.(config, context) ?? [];
      const problems = await role.check?.(config, context) ?? [];
      return problems.map((problem) => `${path}: ${problem}`);
    }),
  );
  return find === "hosts"
    ? { kind: "found", hosts: answers.flat() }
    : { kind: "checked", problems: answers.flat() };
}
