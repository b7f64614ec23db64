import { type Backoff, backoffDelays } from "../../../core/backoff.ts";
import type { Health } from "../../../core/health.ts";
import type { Logger } from "../../../core/log.ts";

/** A leader change usually takes seconds. Pauses stay short, so that a recovery is noticed soon. */
const TRANSIENT_PAUSES: Backoff = {
  initialDelayMs: 250,
  maxDelayMs: 5000,
  multiplier: 2,
  jitter: "none",
};
const LASTING_PAUSES: Backoff = { ...TRANSIENT_PAUSES, initialDelayMs: 1000, maxDelayMs: 30_000 };

/** Transient problems are not logged before. */
const LASTS_AFTER_MS = 5000;

/** A partition whose reason keeps changing is not logged more often. */
const LOG_AGAIN_AFTER_MS = 30_000;

/** The actions on partitions, in the words of the log and `/readyz`. */
const ACTIONS = {
  read: { cannot: "cannot read", again: "reading", shownForMs: undefined },
  // Expires, as perhaps no further record goes there to show that it works again.
  store: { cannot: "cannot store in", again: "storing in", shownForMs: 90_000 },
} as const;

/** How many partitions a log line names. */
const MAX_NAMED = 10;

/** Why a partition cannot be read or stored in just now. */
export interface PartitionProblem {
  /** The offset that cannot be read, if known. */
  readonly offset?: number | undefined;
  /** Completes "cannot read orders[3]@17: "; holds no payload. */
  readonly reason: string;
  /** Whether it usually passes within seconds: then it is logged only if it lasts, otherwise at once. */
  readonly isTransient: boolean;
  /** Whether it lasts for as long as the member reads the partition. */
  readonly isFinal?: boolean;
}

interface Known {
  readonly problem: PartitionProblem;
  readonly sinceMs: number;
  /** The partition is not tried before. */
  readonly pausedUntilMs: number;
  readonly pauses: Generator<number, never>;
  logged: { readonly reason: string; readonly atMs: number } | null;
}

/**
 * The partitions of a topic that cannot be read or stored in. Each has its own backoff, and holds up no other. The log
 * and `/readyz` name its topic, number and offset until it works again.
 */
export class PartitionProblems {
  readonly #topic: string;
  readonly #action: (typeof ACTIONS)[keyof typeof ACTIONS];
  readonly #log: Logger;
  readonly #health: Health | undefined;
  readonly #now: () => number;
  readonly #known = new Map<number, Known>();
  readonly #worked = new Set<number>();
  #recovered: number[] = [];

  /** @param now monotonic, in milliseconds */
  constructor({ topic, action, log, health, now = () => performance.now() }: {
    topic: string;
    action: keyof typeof ACTIONS;
    log: Logger;
    health: Health | undefined;
    now?: () => number;
  }) {
    this.#topic = topic;
    this.#action = ACTIONS[action];
    this.#log = log;
    this.#health = health;
    this.#now = now;
  }

  get isEmpty(): boolean {
    return this.#known.size === 0;
  }

  /** Notes a failure of a partition, which then pauses, each time for longer. */
  note(partition: number, problem: PartitionProblem): void {
    if (this.#isFinal(partition)) return;
    const nowMs = this.#now();
    const { isTransient } = problem;
    const before = this.#known.get(partition);
    const pauses = before?.problem.isTransient === isTransient
      ? before.pauses
      : backoffDelays(isTransient ? TRANSIENT_PAUSES : LASTING_PAUSES);
    this.#known.set(partition, {
      problem,
      sinceMs: before?.sinceMs ?? nowMs,
      pausedUntilMs: nowMs + pauses.next().value,
      pauses,
      logged: before?.logged ?? null,
    });
    const { cannot, shownForMs: forMs } = this.#action;
    const reason = `${cannot} ${this.#name(partition)}: ${problem.reason}`;
    const afterMs = isTransient ? LASTS_AFTER_MS : 0;
    this.#health?.fails(this.#cause(partition), reason, { afterMs, forMs });
  }

  /** Whether a partition pauses now. */
  isPaused(partition: number): boolean {
    const known = this.#known.get(partition);
    return known !== undefined && this.#now() < known.pausedUntilMs;
  }

  /** Whether a partition has worked since {@linkcode keepOnly} last forgot it. */
  hasWorked(partition: number): boolean {
    return this.#worked.has(partition);
  }

  /** Notes a success, whether the partition failed before or not. */
  works(partition: number): void {
    this.#worked.add(partition);
    const known = this.#known.get(partition);
    if (known === undefined || this.#isFinal(partition)) return;
    if (known.logged !== null) this.#recovered.push(partition);
    this.#forget(partition);
  }

  /** Forgets a final failure, as the partition is read again from its committed offset. */
  beginsAnew(partition: number): void {
    if (this.#isFinal(partition)) this.#forget(partition);
  }

  /** Forgets the partitions that the member no longer has. */
  keepOnly(partitions: readonly number[]): void {
    for (const partition of [...this.#worked, ...this.#known.keys()]) {
      if (partitions.includes(partition)) continue;
      this.#worked.delete(partition);
      this.#forget(partition);
    }
  }

  /** Logs what is new, in one line for all partitions with the same reason. */
  report(): void {
    if (this.#recovered.length > 0) {
      this.#log.info(`${this.#action.again} ${this.#names(this.#recovered)} again`);
      this.#recovered = [];
    }
    const nowMs = this.#now();
    const due = [...this.#known].filter(([, known]) => isDue(known, nowMs));
    for (const [reason, group] of Map.groupBy(due, ([, { problem }]) => problem.reason)) {
      for (const [, known] of group) known.logged = { reason, atMs: nowMs };
      const names = this.#names(group.map(([partition]) => partition));
      const isFinal = group.some(([, { problem }]) => problem.isFinal);
      const again = isFinal ? "" : "; trying again";
      const line = `${this.#action.cannot} ${names}: ${reason}${again}`;
      if (group.every(([, { problem }]) => problem.isTransient)) this.#log.warn(line);
      else this.#log.error(line);
    }
  }

  #isFinal(partition: number): boolean {
    return this.#known.get(partition)?.problem.isFinal === true;
  }

  #forget(partition: number): void {
    if (this.#known.delete(partition)) this.#health?.works(this.#cause(partition));
  }

  #names(partitions: readonly number[]): string {
    const names = partitions.toSorted((a, b) => a - b).map((partition) => this.#name(partition));
    const more = names.splice(MAX_NAMED).length;
    return `${names.join(", ")}${more > 0 ? ` and ${more} more partitions` : ""}`;
  }

  /** `orders[3]@17` */
  #name(partition: number): string {
    const offset = this.#known.get(partition)?.problem.offset;
    return `${this.#topic}[${partition}]${offset === undefined ? "" : `@${offset}`}`;
  }

  #cause(partition: number): string {
    return `${this.#action.again} ${this.#topic}[${partition}]`;
  }
}

function isDue({ problem, sinceMs, logged }: Known, nowMs: number): boolean {
  if (problem.isTransient && nowMs - sinceMs < LASTS_AFTER_MS) return false;
  return logged === null ||
    (logged.reason !== problem.reason && nowMs - logged.atMs >= LOG_AGAIN_AFTER_MS);
}
