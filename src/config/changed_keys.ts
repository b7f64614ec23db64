import { formatPath, isMapping, type Path } from "../schema/document.ts";

/** The keys whose values differ between two readings of the same text, as shown in messages. */
export function changedKeys(before: unknown, after: unknown): readonly string[] {
  return changedPaths(before, after, []).map(formatPath);
}

function changedPaths(before: unknown, after: unknown, path: Path): readonly Path[] {
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    return before.flatMap((item, index) => changedPaths(item, after[index], [...path, index]));
  }
  if (isMapping(before) && isMapping(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => changedPaths(before[key], after[key], [...path, key]));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path];
}
