import type { AttemptsMade } from "../../../core/event.ts";

/** What a commit says of the event at its offset, for whoever reads on from there. */
export interface AttemptsNote {
  /** None when nothing has failed. */
  readonly attempts?: AttemptsMade | undefined;
  /** Whether it was being handled. */
  readonly isUnderWay: boolean;
}

/** A note as the metadata of a commit; nothing when there is nothing to say. */
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

/** Null for what is none: metadata is free text, and others may have written it. */
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
 * What was tried for an event when its partition is taken over. One that was under way counts as tried, and not survived:
 * whoever gives a partition up in good order takes that back before.
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

/** What was committed of partitions, and noted of the events there, when they were assigned. */
export class AttemptsNotes {
  readonly #commits = new Map<number, { offset: number; note: AttemptsNote | null }>();

  set(partition: number, { offset, metadata }: { offset: string; metadata: string | null }): void {
    this.#commits.set(partition, { offset: Number(offset), note: parseNote(metadata) });
  }

  /** What was tried for the event at which a partition is gone on with. */
  attemptsAt(partition: number, offset: number): AttemptsMade | undefined {
    const committed = this.#commits.get(partition);
    if (committed?.offset !== offset || committed.note === null) return undefined;
    // `Date.now()` need not be the time of day.
    return attemptsBefore(committed.note, new Date().getTime());
  }
}
