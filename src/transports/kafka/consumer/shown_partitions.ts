/** Most partitions or ranges in one line. */
const MAX_SHOWN = 20;

/** Shortest run that is shown as a range. */
const MIN_RANGE = 3;

/** The partitions of a topic as text of bounded length: `0, 1, 4-199, and 7 more`. */
export function shownPartitions(partitions: readonly number[]): string {
  const runs: { readonly first: number; last: number }[] = [];
  for (const partition of partitions.toSorted((one, other) => one - other)) {
    const run = runs.at(-1);
    if (run?.last === partition - 1) run.last = partition;
    else runs.push({ first: partition, last: partition });
  }
  const parts = runs.flatMap(({ first, last }) => {
    const count = last - first + 1;
    if (count >= MIN_RANGE) return [{ text: `${first}-${last}`, count }];
    return Array.from({ length: count }, (_, index) => ({ text: `${first + index}`, count: 1 }));
  });
  const shown = parts.slice(0, MAX_SHOWN);
  const more = partitions.length - shown.reduce((sum, { count }) => sum + count, 0);
  const texts = shown.map(({ text }) => text);
  return (more === 0 ? texts : [...texts, `and ${more} more`]).join(", ") || "none";
}
