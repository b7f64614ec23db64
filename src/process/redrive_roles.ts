import type { PipelineConfig } from "../config/schema.ts";
import type { ListenerRole, ResultProcessorRole, RoleConfig } from "../core/transport.ts";
import { listenerRole, resultProcessorRole } from "../transports/mod.ts";

/** The sections and roles that a redrive needs. */
export interface RedriveRoles {
  readonly deadLetter: RoleConfig;
  readonly readBack: NonNullable<ResultProcessorRole<RoleConfig>["readBack"]>;
  readonly writeBack: NonNullable<ListenerRole<RoleConfig>["writeBack"]>;
}

/** What reads a pipeline's dead letters and writes their events back, or why that is impossible. */
export function redriveRoles(
  { eventListener, deadLetter }: PipelineConfig,
): RedriveRoles | { readonly problem: string } {
  if (deadLetter === undefined) return { problem: "it has no 'deadLetter': add that section" };
  const { readBack } = resultProcessorRole(deadLetter);
  if (readBack === undefined) {
    return { problem: `a 'deadLetter' of type ${deadLetter.type} cannot be read` };
  }
  const { writeBack } = listenerRole(eventListener);
  if (writeBack === undefined) {
    return { problem: `an 'eventListener' of type ${eventListener.type} cannot take events back` };
  }
  return { deadLetter, readBack, writeBack };
}
