import type {
  HandlerConfig,
  HandlerRole,
  ListenerRole,
  ResultProcessorRole,
  RoleConfig,
} from "../core/transport.ts";
import { httpHandler } from "./http/mod.ts";
import { kafkaListener, kafkaResultProcessor } from "./kafka/mod.ts";
import { stdinListener, stdoutResultProcessor } from "./stdio/mod.ts";

/** Listeners by the `type` of their section. These three maps name every transport, as `schemas.ts` does. */
export const LISTENERS = { kafka: kafkaListener, stdin: stdinListener } as const;

/** Names of the facts that events of at least one listener have. */
export const ORIGIN_FACTS: ReadonlySet<string> = new Set(
  Object.values(LISTENERS).flatMap(({ facts }) => facts),
);

/** Handlers by the `type` of their section. */
export const HANDLERS = { http: httpHandler } as const;

/** Result processors by the `type` of their section. */
export const RESULT_PROCESSORS = {
  kafka: kafkaResultProcessor,
  stdout: stdoutResultProcessor,
} as const;

/** The role that a validated section is configured for. */
export function listenerRole({ type }: RoleConfig): ListenerRole<RoleConfig> {
  return roleOf<ListenerRole<RoleConfig>>(LISTENERS, type);
}

/** The role that a validated section is configured for. */
export function handlerRole({ type }: HandlerConfig): HandlerRole<HandlerConfig> {
  return roleOf<HandlerRole<HandlerConfig>>(HANDLERS, type);
}

/** The role that a validated section is configured for. */
export function resultProcessorRole({ type }: RoleConfig): ResultProcessorRole<RoleConfig> {
  return roleOf<ResultProcessorRole<RoleConfig>>(RESULT_PROCESSORS, type);
}

// The schema of the type's role has validated the section, so the two fit together.
function roleOf<SomeRole>(roles: object, type: string): SomeRole {
  const role = new Map<string, unknown>(Object.entries(roles)).get(type);
  if (role === undefined) throw new RangeError(`No transport of type '${type}'`);
  return role as SomeRole;
}
