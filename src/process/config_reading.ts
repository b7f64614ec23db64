import type { ConfigSnapshot } from "../config/mod.ts";
import { CONFIG_PERMISSIONS } from "./sandbox.ts";
import { SandboxedWorker } from "./sandboxed_worker.ts";
import type { ConfigCommand } from "./worker_messages.ts";

const CONFIG_WORKER = new URL("./config_worker.ts", import.meta.url);

/**
 * Reads a configuration in a Worker of its own. Schemas and parsers take several megabytes, which end with the Worker.
 *
 * @throws {Error} when the Worker cannot start, as when too many files are open, or fails
 */
export async function takeSnapshot(command: ConfigCommand): Promise<ConfigSnapshot> {
  using worker = new SandboxedWorker<ConfigCommand, ConfigSnapshot>(CONFIG_WORKER, {
    name: "configuration",
    permissions: CONFIG_PERMISSIONS,
    log: () => {},
  });
  worker.send(command);
  const end = await worker.end;
  if (end.kind === "failed") throw new Error(`cannot read the configuration: ${end.reason}`);
  return deepFreeze(end.result);
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
