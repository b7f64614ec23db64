import { rolesOf } from "../config/roles.ts";
import type { PipelineConfig } from "../config/schema.ts";
import { AccessRefusedError } from "../core/access_refused.ts";
import { atMost, orAborted } from "../core/backoff.ts";
import type { LogSink } from "../core/log.ts";
import type { Discovery, Permissions } from "../core/transport.ts";
import { discoveryPermissions, workerPermissions } from "./sandbox.ts";
import { SandboxedWorker } from "./sandboxed_worker.ts";
import type { DiscoveryCommand } from "./worker_messages.ts";

const DISCOVERY_WORKER = new URL("./discovery_worker.ts", import.meta.url);

/** Its clients give up long before. */
const DEADLINE_MS = 60_000;

interface DiscoveryOptions {
  readonly log: LogSink;
  readonly signal: AbortSignal;
  readonly workerUrl?: URL;
}

/**
 * Discovers the remote systems of a pipeline's sections, in the order of the sections. It runs in a Worker that may
 * connect only to the configured hosts. Rejects when discovery fails, and with the reason of `signal` when that aborts.
 */
export async function discover(
  pipeline: PipelineConfig,
  options: DiscoveryOptions,
): Promise<readonly Discovery[]> {
  if (!rolesOf(pipeline).some(({ role }) => role.discover !== undefined)) return [];
  const permissions = discoveryPermissions(pipeline);
  return await ask({ pipeline, find: "discoveries" }, { ...options, permissions });
}

/** Finds what would stop a running pipeline, in a Worker with these `permissions`. */
export async function findProblems(
  pipeline: PipelineConfig,
  options: DiscoveryOptions & { readonly permissions: Permissions },
): Promise<readonly string[]> {
  return await ask({ pipeline, find: "problems" }, options);
}

async function ask<Result>(
  command: DiscoveryCommand,
  { log, signal, permissions, workerUrl = DISCOVERY_WORKER }: DiscoveryOptions & {
    readonly permissions: Permissions;
  },
): Promise<Result> {
  const name = `${command.pipeline.name} (discovery)`;
  using worker = new SandboxedWorker<DiscoveryCommand, Result>(workerUrl, {
    name,
    permissions: workerPermissions(permissions),
    log,
  });
  worker.send(command);
  const end = await atMost(orAborted(worker.end, signal), DEADLINE_MS);
  if (end === undefined) throw new Error(`no answer within ${DEADLINE_MS / 1000} s`);
  if (end.kind === "ended") return end.result;
  throw end.isRefusal ? new AccessRefusedError(end.reason) : new Error(end.reason);
}
