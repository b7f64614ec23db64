/**
 * Worker that asks the remote systems before a pipeline runs: for hosts beyond the configuration, sources and
 * destinations, or for problems. Ends after one command.
 *
 * @module
 */
import { rolesOf } from "../config/roles.ts";
import type { Discovery } from "../core/transport.ts";
import type { DiscoveryCommand } from "./worker_messages.ts";
import { contextOf, reportEnd } from "./worker_side.ts";

/** For sections without discovery. */
const NOTHING: Discovery = { hosts: [], destinations: [] };

self.addEventListener(
  "message",
  ({ data }: MessageEvent<DiscoveryCommand>) => reportEnd(find(data)),
);

// A client library's late errors, after the answer, must not end the process.
self.addEventListener("unhandledrejection", (event) => event.preventDefault());
self.addEventListener("error", (event) => event.preventDefault());

async function find(
  { pipeline, find }: DiscoveryCommand,
): Promise<readonly Discovery[] | readonly string[]> {
  const context = contextOf(pipeline);
  const parts = rolesOf(pipeline);
  if (find === "discoveries") {
    return await Promise.all(
      parts.map(({ role, config }) => role.discover?.(config, context) ?? NOTHING),
    );
  }
  const problems = await Promise.all(parts.map(async ({ path, role, config }) => {
    const problems = await role.check?.(config, context) ?? [];
    return problems.map((problem) => `${path}: ${problem}`);
  }));
  return problems.flat();
}
