/** Most partitions or ranges in one line. */
const MAX_SHOWN = 20;

/** Shortest run that is shown as a range. */
const MIN_RANGE = 3;

/** The partitions of a topic as text of bounded length: `0, 1, 4-199, and 7 more`. */
export function shownPartitions(partitions: readonly number[]): string {
  const runs: (readonly number[])[] = [];
  let run: number[] = [];
  for (const partition of partitions.toSorted((one, other) => one - other)) {
    if (run.length > 0 && partition !== run.at(-1)! + 1) {
      runs.push(run);
      run = [];
    }
    run.push(partition);
  }
  runs.push(run);
  const parts = runs.flatMap((run) => run.length < MIN_RANGE ? run.map(single) : [range(run)]);
  const shown = parts.slice(0, MAX_SHOWN);
  const more = partitions.length - shown.reduce((sum, { count }) => sum + count, 0);
  const texts = shown.map(({ text }) => text);
  return (more === 0 ? texts : [...texts, `and ${more} more`]).join(", ") || "none";
}

interface Part {
  readonly text: string;
  readonly count: number;
}

function single(partition: number): Part {
  return { text: `${partition}`, count: 1 };
}

function range(run: readonly number[]): Part {
  return { text: `${run[0]}-${run.at(-1)}`, count: run.length };
}
