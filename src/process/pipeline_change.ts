import type { PipelineConfig } from "../config/schema.ts";
import { handlerRole, listenerRole } from "../transports/mod.ts";
import { pipelinePermissions } from "./sandbox.ts";

/**
 * How a running pipeline can switch to another configuration: `update` happens in the running handler, `restart` needs
 * another Worker, and `impossible` another process.
 */
export type PipelineChange = "none" | "update" | "restart" | "impossible";

export function pipelineChange(from: PipelineConfig, to: PipelineConfig): PipelineChange {
  if (isEqual(from, to)) return "none";
  if (from.name !== to.name) return "impossible";
  if (isUpdate(from, to)) return "update";
  return listenerRole(from.eventListener).promises.resumable ? "restart" : "impossible";
}

function isUpdate(from: PipelineConfig, to: PipelineConfig): boolean {
  const others = { ...from, eventHandler: to.eventHandler };
  const role = handlerRole(from.eventHandler);
  return isEqual(others, to) && from.eventHandler.type === to.eventHandler.type &&
    isEqual(pipelinePermissions(from), pipelinePermissions(to)) &&
    (role.canUpdate?.(from.eventHandler, to.eventHandler) ?? false);
}

/** Configurations are plain data, with keys in the order of the same schema. */
function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
