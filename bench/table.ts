import type { Figures, Scenario } from "./scenario.ts";
import { median } from "./statistics.ts";

/** What came of a scenario, in each of its runs. */
export interface Row {
  readonly scenario: Scenario;
  readonly runs: readonly Figures[];
}

const HEADER = "| # | Scenario | Per second | Ratio | CPU µs per event | Max RSS MB | More |\n" +
  "| --: | --- | --: | --: | --: | --: | --- |";

/** One Markdown table. Of several runs each cell shows the median, with minimum and maximum. */
export function markdownTable(rows: readonly Row[]): string {
  const lines = rows.map(({ scenario, runs }) =>
    `| ${
      [
        `${scenario.number}`,
        scenario.name,
        cell(runs.map(({ perSecond }) => perSecond)),
        ratio(scenario, rows),
        cell(runs.map(({ cpuMicros }) => cpuMicros)),
        cell(runs.map(({ maxRssMb }) => maxRssMb)),
        more(runs),
      ].join(" | ")
    } |`
  );
  return [HEADER, ...lines].join("\n");
}

function ratio({ number, comparedWith }: Scenario, rows: readonly Row[]): string {
  const own = medianRate(rows, number);
  const other = comparedWith === undefined ? undefined : medianRate(rows, comparedWith);
  if (own === undefined || other === undefined) return "";
  return `${(own / other).toFixed(2)} × (${comparedWith})`;
}

function medianRate(rows: readonly Row[], number: number): number | undefined {
  const runs = rows.find(({ scenario }) => scenario.number === number)?.runs ?? [];
  const rates = runs.flatMap(({ perSecond }) => perSecond ?? []);
  return rates.length === 0 ? undefined : median(rates);
}

function more(runs: readonly Figures[]): string {
  const names = new Set(runs.flatMap(({ more = {} }) => Object.keys(more)));
  return [...names].map((name) => `${name}: ${cell(runs.map(({ more }) => more?.[name]))}`)
    .join("; ");
}

function cell(values: readonly (number | undefined)[]): string {
  const numbers = values.filter((value) => value !== undefined);
  if (numbers.length === 0) return "";
  const middle = rounded(median(numbers));
  if (numbers.length === 1) return middle;
  return `${middle} (${rounded(Math.min(...numbers))}–${rounded(Math.max(...numbers))})`;
}

/** Three significant digits, or all that stand before the point. */
function rounded(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 0.01))));
  return value.toFixed(digits);
}
