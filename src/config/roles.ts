import type { Role, RoleConfig } from "../core/transport.ts";
import { handlerRole, listenerRole, resultProcessorRole } from "../transports/mod.ts";
import type { PipelineConfig } from "./schema.ts";

/** A role of a pipeline, and its section of the configuration. */
export interface ConfiguredRole {
  /** Path in the configuration: `eventResultProcessor[1]`. */
  readonly path: string;
  readonly role: Role<RoleConfig, unknown>;
  readonly config: RoleConfig;
}

/** The roles of a pipeline, in the order in which an event meets them. */
export function rolesOf(pipeline: PipelineConfig): ConfiguredRole[] {
  const { eventListener, eventHandler, eventResultProcessor, deadLetter } = pipeline;
  return [
    { path: "eventListener", role: listenerRole(eventListener), config: eventListener },
    { path: "eventHandler", role: handlerRole(eventHandler), config: eventHandler },
    ...eventResultProcessor.map((config, index) => ({
      path: `eventResultProcessor[${index}]`,
      role: resultProcessorRole(config),
      config,
    })),
    ...(deadLetter === undefined
      ? []
      : [{ path: "deadLetter", role: resultProcessorRole(deadLetter), config: deadLetter }]),
  ];
}
