import type { PipelineConfig } from "../config/schema.ts";
import { handlerRole, listenerRole } from "../transports/mod.ts";
import { pipelinePermissions } from "./sandbox.ts";

/**
 * How a running pipeline can go over to another configuration: `update` is something its handler takes while it works,
 * `restart` needs another Worker, and `impossible` another process.
 */
export type PipelineChange = "none" | "update" | "restart" | "impossible";

/** What it takes to go over from one configuration of a pipeline to another one. */
export function pipelineChange(from: PipelineConfig, to: PipelineConfig): PipelineChange {
  if (isEqual(from, to)) return "none";
  if (from.name !== to.name) return "impossible";
  if (isUpdate(from, to)) return "update";
  return listenerRole(from.eventListener).resumable ? "restart" : "impossible";
}

function isUpdate(from: PipelineConfig, to: PipelineConfig): boolean {
  const others = { ...from, eventHandler: to.eventHandler };
  const role = handlerRole(from.eventHandler);
  return isEqual(others, to) && from.eventHandler.type === to.eventHandler.type &&
    isEqual(pipelinePermissions(from, []), pipelinePermissions(to, [])) &&
    (role.canUpdate?.(from.eventHandler, to.eventHandler) ?? false);
}

/** Configurations are plain data, and the same schema writes their keys in the same order. */
function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
