import type { EventOrigin } from "../../core/event.ts";

/** The origin of a line, by its index from 0. No two runs read it at the same time, so ids differ between runs. */
export function lineOrigin(index: number, timestampMs: number): EventOrigin {
  return {
    id: `stdin-${index}-${timestampMs}`,
    facts: () => [["topic", "stdin"], ["offset", `${index}`]],
    toString: () => `stdin@${index}`,
  };
}
