import type { AttemptsMade } from "../../../core/event.ts";

/** What a commit's metadata says of the event at its offset, for the member that takes over. */
export interface AttemptsNote {
  /** Absent when nothing has failed. */
  readonly attempts?: AttemptsMade | undefined;
  /** Whether the event was being handled. */
  readonly isUnderWay: boolean;
}

/** Formats a note as commit metadata; empty when there is nothing to note. */
export function formatNote({ attempts, isUnderWay }: AttemptsNote): string {
  if (attempts === undefined && !isUnderWay) return "";
  const { firstFailedAtMs, ...counts } = attempts ?? {};
  return JSON.stringify({
    eventor: {
      ...counts,
      ...(firstFailedAtMs === undefined
        ? {}
        : { firstFailedAt: new Date(firstFailedAtMs).toISOString() }),
      isUnderWay,
    },
  });
}

/** Returns null for metadata of other programs, which may be any text. */
export function parseNote(metadata: string | null): AttemptsNote | null {
  if (metadata === null || !metadata.startsWith('{"eventor":')) return null;
  let note: Record<string, unknown>;
  try {
    note = Object(JSON.parse(metadata).eventor);
  } catch {
    return null;
  }
  const { made, counted, crashes, firstFailedAt, isUnderWay } = note;
  if (typeof isUnderWay !== "boolean") return null;
  const firstFailedAtMs = typeof firstFailedAt === "string" ? Date.parse(firstFailedAt) : NaN;
  if (!isCount(made) || !isCount(counted) || !isCount(crashes) || Number.isNaN(firstFailedAtMs)) {
    return { isUnderWay };
  }
  return { attempts: { made, counted, crashes, firstFailedAtMs }, isUnderWay };
}

/**
 * Attempts for an event when its partition is taken over. An event that was under way counts one more attempt and
 * crash: a member that gives a partition up in good order clears that mark first.
 *
 * @param nowMs since 1970
 */
export function attemptsBefore(
  { attempts, isUnderWay }: AttemptsNote,
  nowMs: number,
): AttemptsMade | undefined {
  if (!isUnderWay) return attempts;
  const { made, counted, crashes, firstFailedAtMs } = attempts ??
    { made: 0, counted: 0, crashes: 0, firstFailedAtMs: nowMs };
  return { made: made + 1, counted: counted + 1, crashes: crashes + 1, firstFailedAtMs };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Committed offsets and notes of partitions at their assignment. */
export class AttemptsNotes {
  readonly #commits = new Map<number, { offset: number; note: AttemptsNote | null }>();

  set(partition: number, { offset, metadata }: { offset: string; metadata: string | null }): void {
    this.#commits.set(partition, { offset: Number(offset), note: parseNote(metadata) });
  }

  /** Attempts for the event at which a partition continues; undefined unless the commit is at `offset`. */
  attemptsAt(partition: number, offset: number): AttemptsMade | undefined {
    const committed = this.#commits.get(partition);
    if (committed?.offset !== offset || committed.note === null) return undefined;
    // `Date.now()` is replaced by a monotonic clock, and may differ from the time of day.
    return attemptsBefore(committed.note, new Date().getTime());
  }
}
