import type { Verdict } from "./checker.ts";
import type { Row } from "./row.ts";

/** What came of a row. */
export interface RowResult {
  readonly row: Row;
  readonly verdict: Verdict;
  /** The most duplicates that it may have. */
  readonly maxDuplicates: number;
  readonly tookMs: number;
}

const HEADER =
  "| # | Fault | Events | Faults | Lost | Out of order | Duplicates (at most) | Endpoint copies | Recovery s | Verdict |\n" +
  "| --: | --- | --: | --: | --: | --: | --: | --: | --: | --- |";

/** A Markdown table of all rows, with their totals. */
export function markdownTable(results: readonly RowResult[]): string {
  const lines = results.map(({ row, verdict: { figures, violations }, maxDuplicates }) =>
    line([
      `${row.number}`,
      row.fault,
      figures.events,
      figures.faults,
      figures.lost,
      figures.outOfOrder,
      `${figures.duplicates} (${maxDuplicates})`,
      figures.endpointCopies,
      seconds(figures.recoveryMs),
      violations.length === 0
        ? "passed"
        : `failed: ${[...new Set(violations.map(({ invariant }) => invariant))].join(", ")}`,
    ])
  );
  const sum = (
    figure: "events" | "faults" | "lost" | "outOfOrder" | "duplicates" | "endpointCopies",
  ) => results.reduce((sum, { verdict }) => sum + verdict.figures[figure], 0);
  const passed = results.filter(({ verdict }) => verdict.violations.length === 0).length;
  const totals = line([
    "",
    "all",
    sum("events"),
    sum("faults"),
    sum("lost"),
    sum("outOfOrder"),
    sum("duplicates"),
    sum("endpointCopies"),
    seconds(Math.max(...results.map(({ verdict }) => verdict.figures.recoveryMs ?? 0))),
    `${passed} of ${results.length} passed`,
  ]);
  return [HEADER, ...lines, totals].join("\n");
}

/** One row as one line, for whoever watches. */
export function summary({ row, verdict, maxDuplicates, tookMs }: RowResult): string {
  const { figures, violations } = verdict;
  return [
    violations.length === 0 ? "ok    " : "FAILED",
    `${row.number}`.padStart(2),
    `${row.fault}: ${figures.events} events, ${figures.faults} faults, ${figures.lost} lost,`,
    `${figures.outOfOrder} out of order, ${figures.duplicates} duplicates of at most`,
    `${maxDuplicates}, ${figures.endpointCopies} endpoint copies,`,
    `recovery ${seconds(figures.recoveryMs) || "-"} s (${(tookMs / 1000).toFixed(1)} s)`,
  ].join(" ");
}

function line(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}

function seconds(ms: number | null): string {
  return ms === null ? "" : (ms / 1000).toFixed(1);
}
