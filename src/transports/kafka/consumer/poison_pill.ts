import type { AttemptsMade } from "../../../core/event.ts";
import { EventNotSettledError } from "../../../core/listener.ts";

/** Fewer crashes at one offset may be chance. */
const CRASHES_TO_ISOLATE = 2;

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
 * Attempts for the event at `offset` when its partition is taken over; undefined unless the commit is there. An event
 * that was under way counts one more attempt and crash: a member that gives a partition up in good order clears that
 * mark first.
 */
export function attemptsBefore(
  committed: { readonly offset: string; readonly metadata?: string | null } | undefined,
  offset: number,
): AttemptsMade | undefined {
  if (Number(committed?.offset) !== offset) return undefined;
  const note = parseNote(committed?.metadata ?? null);
  if (note === null || !note.isUnderWay) return note?.attempts;
  // `Date.now()` is replaced by a monotonic clock, and may differ from the time of day.
  const { made, counted, crashes, firstFailedAtMs } = note.attempts ??
    { made: 0, counted: 0, crashes: 0, firstFailedAtMs: new Date().getTime() };
  return { made: made + 1, counted: counted + 1, crashes: crashes + 1, firstFailedAtMs };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Whether the event where a partition begins, or a later one, may be a poison pill. */
export function isSuspect(past: AttemptsMade | undefined): past is AttemptsMade {
  return past !== undefined && past.crashes >= CRASHES_TO_ISOLATE;
}

/** Lets one suspect of all partitions be called at a time: a crash with several would be blamed on each. */
export class SuspectTurns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn, with a callback that ends it. */
  async take(): Promise<() => void> {
    const previous = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await previous;
    return resolve;
  }
}

/** Where the suspects of a partition begin, and what their delivery needs. */
interface SuspectsOptions {
  readonly nextOffset: number;
  readonly past: AttemptsMade | undefined;
  readonly maxLookahead: number;
  readonly turns: SuspectTurns;
  /** Resolves when a commit of all partitions has succeeded or failed. */
  readonly commit: () => Promise<void>;
}

/**
 * The events that were in flight when the process ended repeatedly. Each is called alone, after a commit that marks it.
 * So if the process ends, the crash counts for this event, and not for the lowest one in flight.
 */
export class Suspects {
  readonly #options: SuspectsOptions;
  /** Offsets below are suspects. */
  readonly #end: number;
  /** The offset of the event that is called alone at present. */
  #current: number | null = null;
  #endTurn = () => {};

  constructor(options: SuspectsOptions) {
    const { nextOffset, past, maxLookahead } = options;
    this.#options = options;
    this.#end = isSuspect(past) ? nextOffset + maxLookahead : nextOffset;
  }

  has(offset: number): boolean {
    return offset < this.#end;
  }

  /** Whether a crash is blamed on the suspect at `offset`. */
  isBlamed(offset: number): boolean {
    return this.#current === offset;
  }

  /**
   * Waits for the suspect's turn, and for the commit that blames it.
   *
   * @throws {EventNotSettledError} when `ending` has aborted meanwhile
   */
  async begin(offset: number, ending: AbortSignal): Promise<void> {
    const endTurn = await this.#options.turns.take();
    if (ending.aborted) {
      endTurn();
      throw new EventNotSettledError("The lease ended before its turn");
    }
    this.#current = offset;
    this.#endTurn = endTurn;
    await this.#options.commit();
  }

  /** Ends the turn of the current suspect: its call has ended, and others need not wait for its retry pause. */
  end(): void {
    this.#current = null;
    this.#endTurn();
  }
}
