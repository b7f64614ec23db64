import { formatFilter } from "../core/redrive/selection.ts";
import type { RedriveCounts } from "../core/redrive/redrive.ts";
import type { RedriveProgress, RedriveSelection } from "../process/worker_messages.ts";

/** Source and destination of a redrive, in readable form. */
export interface RedriveRoute {
  readonly from: string;
  readonly onto: string;
}

/** The progress of a redrive, on one line. */
export function progressLine({ counts, reading }: RedriveProgress): string {
  const seen = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return `redriven ${counts.redriven}, looked at ${seen} of ${reading.total} dead letters`;
}

/** The outcome of a redrive, in lines. */
export function summary(
  progress: RedriveProgress | null,
  { from, onto, filter, dryRun }: RedriveRoute & RedriveSelection,
): string {
  const count = progress?.counts.redriven ?? 0;
  const lines = [
    `${dryRun ? "would put back" : "put back"} ${count} dead letter${count === 1 ? "" : "s"}`,
    `  from ${from}`,
    `  onto ${onto}`,
  ];
  if (progress !== null) {
    const { counts, reading: { read, unread } } = progress;
    lines.push(`  passed over: ${passedOver(counts, filter && formatFilter(filter))}`);
    if (!dryRun) {
      lines.push(...read.map((part) => `  read: ${part}`));
      if (unread > 0) lines.push(`  not read yet: ${unread} record${unread === 1 ? "" : "s"}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function passedOver(counts: RedriveCounts, filter = "the filter"): string {
  const reasons = [
    [counts.notMatching, `without ${filter}`],
    [counts.ofOtherPipelines, "of other pipelines"],
    [counts.notDeadLetters, "that are no dead letters"],
  ] as const;
  const parts = reasons.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return parts.join(", ") || "none";
}
