import type { Limits } from "../../src/core/transport.ts";

/** The limits of a pipeline that says nothing about them. */
export const DEFAULT_LIMITS: Limits = {
  concurrency: 32,
  maxLookahead: 1000,
  maxBufferedBytes: 64 * 1024 * 1024,
};
