import type { EndpointCall, History, Outcome } from "./history.ts";
import type { OutcomeIndex } from "./outcome_index.ts";

/** How long a process may take to heed a signal, on a busy machine. */
const HEED_MS = 1000;

/**
 * Outcomes that repeat an earlier one although no fault between the two explains it. Each fault is the end of a process,
 * which was asked to when the fault began, and the start of the next one. What it leaves to that one are events that it
 * had begun by then, from the first on whose call hung: an earlier outcome of that event does not help, as the process
 * knows only of its own.
 */
export function needlessRepeats({ calls, faults }: History, index: OutcomeIndex): Outcome[] {
  const stops = faults.map(({ beganAtMs, endedAtMs }, at) => {
    const startedAtMs = faults[at - 1]?.endedAtMs ?? -Infinity;
    const ofProcess = calls.filter(({ atMs }) => atMs > startedAtMs && atMs <= endedAtMs);
    return {
      endedAtMs,
      hung: offsets(ofProcess.filter(({ answer }) => answer === "hang"), Math.min),
      begun: offsets(ofProcess.filter(({ atMs }) => atMs <= beganAtMs + HEED_MS), Math.max),
    };
  });
  const isExplained = (outcome: Outcome) =>
    stops.some(({ endedAtMs, hung, begun }) =>
      index.before(outcome).stored.atMs <= endedAtMs && outcome.stored.atMs > endedAtMs &&
      (hung.get(outcome.partition) ?? Infinity) <= outcome.offset &&
      (begun.get(outcome.partition) ?? -1) >= outcome.offset
    );
  return index.repeated.filter((outcome) => !isExplained(outcome));
}

/** One offset of each partition for which there was a call. */
function offsets(
  calls: readonly EndpointCall[],
  choose: (a: number, b: number) => number,
): Map<number, number> {
  const found = new Map<number, number>();
  for (const { partition, offset } of calls) {
    found.set(partition, choose(found.get(partition) ?? offset, offset));
  }
  return found;
}
