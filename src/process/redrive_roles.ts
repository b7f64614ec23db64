import type { PipelineConfig } from "../config/schema.ts";
import type { ListenerRole, ResultProcessorRole, RoleConfig } from "../core/transport.ts";
import { listenerRole, resultProcessorRole } from "../transports/mod.ts";

/** The sections and roles that a redrive needs. */
export interface RedriveRoles {
  readonly deadLetter: RoleConfig;
  readonly readBack: NonNullable<ResultProcessorRole<RoleConfig>["readBack"]>;
  readonly putBack: NonNullable<ListenerRole<RoleConfig>["putBack"]>;
}

/** What reads a pipeline's dead letters and puts them back, or why that is impossible. */
export function redriveRoles(
  { eventListener, deadLetter }: PipelineConfig,
): RedriveRoles | { readonly problem: string } {
  if (deadLetter === undefined) return { problem: "it has no 'deadLetter': add that section" };
  const { readBack } = resultProcessorRole(deadLetter);
  if (readBack === undefined) {
    return { problem: `a 'deadLetter' of type ${deadLetter.type} cannot be read` };
  }
  const { putBack } = listenerRole(eventListener);
  if (putBack === undefined) {
    return { problem: `an 'eventListener' of type ${eventListener.type} takes nothing back` };
  }
  return { deadLetter, readBack, putBack };
}
