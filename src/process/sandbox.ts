import { type ConfiguredRole, rolesOf } from "../config/roles.ts";
import type { PipelineConfig } from "../config/schema.ts";
import type { Discovery, Permissions } from "../core/transport.ts";

/** Permissions of a running pipeline: the hosts of its configuration and of discovery, and nothing else. */
export function pipelinePermissions(
  pipeline: PipelineConfig,
  discoveries: readonly Discovery[] = [],
): Permissions {
  return permissionsOf(rolesOf(pipeline), discoveries);
}

/** Permissions of a redrive: the dead-letter topic and the events' source. */
export function redrivePermissions(
  pipeline: PipelineConfig,
  discoveries: readonly Discovery[],
): Permissions {
  const parts = rolesOf(pipeline)
    .filter(({ path }) => path === "eventListener" || path === "deadLetter");
  return permissionsOf(parts, discoveries);
}

/** Permissions of a trial: those of the handler, and no broker. */
export function tryPermissions(pipeline: PipelineConfig): Permissions {
  return permissionsOf(rolesOf(pipeline).filter(({ path }) => path === "eventHandler"));
}

/** Permissions of discovery: the configured hosts of sections that support it. */
export function discoveryPermissions(pipeline: PipelineConfig): Permissions {
  return permissionsOf(rolesOf(pipeline).filter(({ role }) => role.discover !== undefined));
}

function permissionsOf(
  parts: readonly ConfiguredRole[],
  discoveries: readonly Discovery[] = [],
): Permissions {
  const permissions = parts.map(({ role, config }) => role.permissions(config));
  const discovered = discoveries.flatMap(({ hosts }) => hosts);
  return {
    net: sortedUnique([...permissions.flatMap(({ net }) => net), ...discovered]),
    env: sortedUnique(permissions.flatMap(({ env }) => env)),
  };
}

/**
 * The permission set of a Worker; everything not listed is denied. A name stands for its addresses at that port,
 * whatever they are when a connection opens. Those of `localhost` are fixed (RFC 6761, section 6.3).
 */
export function workerPermissions({ net, env }: Permissions): Deno.PermissionOptionsObject {
  return {
    net: net.length > 0 ? sortedUnique(net.flatMap(withLoopback)) : false,
    env: env.length > 0 ? [...env] : false,
    read: false,
    write: false,
    run: false,
    ffi: false,
    sys: false,
    import: false,
  };
}

/** Permissions of the Worker that reads a configuration: it may name any file and variable. */
export const CONFIG_PERMISSIONS: Deno.PermissionOptionsObject = {
  ...workerPermissions({ net: [], env: [] }),
  env: true,
  read: true,
};

function withLoopback(host: string): string[] {
  const [, port] = /^localhost\.?:(\d+)$/.exec(host) ?? [];
  return port === undefined ? [host] : [host, `127.0.0.1:${port}`, `[::1]:${port}`];
}

function sortedUnique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
