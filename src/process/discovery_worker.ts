/**
 * Worker that asks the remote systems before a pipeline runs: for hosts beyond the configuration, sources and
 * destinations, or for problems. Ends after one command.
 *
 * @module
 */
import { Logger } from "../core/log.ts";
import { partsOf } from "../config/parts.ts";
import type { Discovery } from "../core/transport.ts";
import { failedReport } from "./worker_failures.ts";
import type { DiscoveryCommand, DiscoveryReport } from "./worker_messages.ts";

/** For sections without discovery. */
const NOTHING: Discovery = { hosts: [], destinations: [] };

function report(message: DiscoveryReport): void {
  self.postMessage(message);
}

function fail(error: unknown): void {
  report(failedReport(error));
}

self.addEventListener("message", ({ data }: MessageEvent<DiscoveryCommand>) => {
  find(data).then(report, fail);
});

// A client library's late errors, after the answer, must not end the process.
self.addEventListener("unhandledrejection", (event) => event.preventDefault());
self.addEventListener("error", (event) => event.preventDefault());

async function find({ pipeline, find }: DiscoveryCommand): Promise<DiscoveryReport> {
  const log = new Logger((record) => report({ kind: "log", record }), {
    level: pipeline.logLevel,
    pipeline: pipeline.name,
  });
  const context = { pipeline: pipeline.name, log };
  const parts = partsOf(pipeline);
  if (find === "discoveries") {
    const discoveries = parts.map(({ role, config }) =>
      role.discover?.(config, context) ?? NOTHING
    );
    return { kind: "found", discoveries: await Promise.all(discoveries) };
  }
  const problems = await Promise.all(parts.map(async ({ path, role, config }) => {
    const problems = await role.check?.(config, context) ?? [];
    return problems.map((problem) => `${path}: ${problem}`);
  }));
  return { kind: "checked", problems: problems.flat() };
}
