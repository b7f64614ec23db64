import { sleep } from "../core/backoff.ts";

/** Interval of checks. */
const INTERVAL_MS = 5000;

/** A change must be stable for this long, since the file may still be written. */
const SETTLE_MS = 500;

/** Texts by path; `undefined` for unreadable files. */
export type FileTexts = ReadonlyMap<string, string | undefined>;

export interface WatchOptions {
  read(path: string): Promise<string>;
  /** Called once a change is stable; resolves with what it has read of the files. */
  onChange(): Promise<FileTexts>;
  readonly signal: AbortSignal;
  readonly intervalMs?: number | undefined;
}

/**
 * Polls files for changes until `signal` aborts. Compares contents, since a file may be a symbolic link with changing
 * targets.
 *
 * @param known contents when the files were last read; without any, there is nothing to poll
 */
export async function watchFiles(
  known: FileTexts,
  { read, onChange, signal, intervalMs = INTERVAL_MS }: WatchOptions,
): Promise<void> {
  let last = known;
  while (known.size > 0) {
    await sleep(last === known ? intervalMs : SETTLE_MS, signal);
    if (signal.aborted) return;
    const seen = await readAll(known.keys(), read);
    if (signal.aborted) return;
    if (isEqual(seen, known)) last = known;
    else if (isEqual(seen, last)) last = known = await onChange();
    else last = seen;
  }
}

async function readAll(
  paths: Iterable<string>,
  read: WatchOptions["read"],
): Promise<FileTexts> {
  const texts = Iterator.from(paths)
    .map(async (path) => [path, await read(path).catch(() => undefined)] as const);
  return new Map(await Promise.all(texts));
}

function isEqual(one: FileTexts, other: FileTexts): boolean {
  return one.size === other.size &&
    one.entries().every(([path, text]) => other.has(path) && other.get(path) === text);
}
