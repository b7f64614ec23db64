import { formatFilter } from "../core/redrive/dead_letter_filter.ts";
import type { RedriveCounts } from "../core/redrive/redrive.ts";
import type { Offsets } from "../core/transport.ts";
import type { RedriveProgress, RedriveSelection } from "./worker_messages.ts";

/** Source and destination of a redrive, in readable form. */
export interface RedrivePlaces {
  readonly from: string;
  readonly onto: string;
}

/** The progress of a redrive, on one line. */
export function progressLine({ counts, starts, ends }: RedriveProgress): string {
  const seen = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return `redriven ${counts.putBack}, looked at ${seen} of ${span(starts, ends)} dead letters`;
}

/** The outcome of a redrive, in lines. */
export function summary(
  progress: RedriveProgress | null,
  { from, onto, filter, dryRun }: RedrivePlaces & RedriveSelection,
): string {
  const putBack = progress?.counts.putBack ?? 0;
  const lines = [
    `${dryRun ? "would put back" : "put back"} ${putBack} dead letter${putBack === 1 ? "" : "s"}`,
    `  from ${from}`,
    `  onto ${onto}`,
  ];
  if (progress !== null) {
    const { counts, starts, ends, positions } = progress;
    lines.push(`  passed over: ${passedOver(counts, filter && formatFilter(filter))}`);
    if (!dryRun) {
      for (const [partition, start] of [...starts].sort(([one], [other]) => one - other)) {
        const position = positions.get(partition) ?? start;
        if (position > start) {
          lines.push(`  read: partition ${partition}, offsets ${start} to ${position - 1}`);
        }
      }
      const rest = span(positions, ends);
      if (rest > 0) lines.push(`  not read yet: ${rest} record${rest === 1 ? "" : "s"}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function passedOver(counts: RedriveCounts, filter = "the filter"): string {
  const reasons = [
    [counts.notChosen, `without ${filter}`],
    [counts.putBackBefore, "put back by another redrive"],
    [counts.ofOtherPipelines, "of other pipelines"],
    [counts.noDeadLetters, "that are no dead letters"],
  ] as const;
  const parts = reasons.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return parts.join(", ") || "none";
}

/** The number of offsets between two positions. */
function span(starts: Offsets, ends: Offsets): number {
  return ends.entries()
    .reduce((sum, [partition, end]) => sum + Math.max(end - (starts.get(partition) ?? 0), 0), 0);
}
