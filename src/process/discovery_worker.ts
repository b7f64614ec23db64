/**
 * Finds out, before a pipeline runs, what only its other sides can tell: which hosts it needs beyond its
 * configuration and where it reads and writes, or what it would stumble over. Ends after one command.
 *
 * @module
 */
import { Logger } from "../core/log.ts";
import { partsOf } from "./sandbox.ts";
import type { OtherSide } from "../core/transport.ts";
import { failedReport } from "./worker_failures.ts";
import type { DiscoveryCommand, DiscoveryReport } from "./worker_messages.ts";

/** Of parts whose other side has nothing to tell. */
const NOTHING: OtherSide = { hosts: [], places: [] };

function report(message: DiscoveryReport): void {
  self.postMessage(message);
}

function fail(error: unknown): void {
  report(failedReport(error));
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
  const parts = partsOf(pipeline);
  if (find === "otherSides") {
    const otherSides = parts.map(({ role, config }) => role.discover?.(config, context) ?? NOTHING);
    return { kind: "found", otherSides: await Promise.all(otherSides) };
  }
  const problems = await Promise.all(parts.map(async ({ path, role, config }) => {
    const problems = await role.check?.(config, context) ?? [];
    return problems.map((problem) => `${path}: ${problem}`);
  }));
  return { kind: "checked", problems: problems.flat() };
}
