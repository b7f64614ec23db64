import type { z } from "zod";
import type { HandlerConfig, RoleConfig } from "../core/transport.ts";
import { httpHandlerSchema } from "./http/config.ts";
import {
  kafkaDeadLetterSchema,
  kafkaListenerSchema,
  kafkaResultProcessorSchema,
} from "./kafka/config/mod.ts";
import type { HANDLERS, LISTENERS, RESULT_PROCESSORS } from "./mod.ts";
import {
  stdinListenerSchema,
  stdoutDeadLetterSchema,
  stdoutResultProcessorSchema,
} from "./stdio/config.ts";

/** Schemas of sections, one for each role in mod.ts: types, defaults, validation and documentation. */
type SchemasOf<Roles> = Readonly<Record<keyof Roles, z.ZodType<RoleConfig>>>;

// Separate from the roles: all threads load those and get a validated configuration, and zod would cost each several
// megabytes.

/** Schemas of `eventListener`. */
export const LISTENER_SCHEMAS = {
  kafka: kafkaListenerSchema,
  stdin: stdinListenerSchema,
} satisfies SchemasOf<typeof LISTENERS>;

/** Schemas of `eventHandler`. */
export const HANDLER_SCHEMAS = {
  http: httpHandlerSchema,
} satisfies Readonly<Record<keyof typeof HANDLERS, z.ZodType<HandlerConfig>>>;

/** Schemas of `eventResultProcessor`. */
export const RESULT_PROCESSOR_SCHEMAS = {
  kafka: kafkaResultProcessorSchema,
  stdout: stdoutResultProcessorSchema,
} satisfies SchemasOf<typeof RESULT_PROCESSORS>;

/** Schemas of `deadLetter`: each transport that stores results also stores dead letters. */
export const DEAD_LETTER_SCHEMAS = {
  kafka: kafkaDeadLetterSchema,
  stdout: stdoutDeadLetterSchema,
} satisfies SchemasOf<typeof RESULT_PROCESSORS>;
