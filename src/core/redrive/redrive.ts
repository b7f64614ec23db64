import { deadLetterFacts } from "../failures/dead_letter_facts.ts";
import { isChosen } from "./dead_letter_filter.ts";
import type { InboundEvent } from "../event.ts";
import type { Lease, LeaseController } from "../lease.ts";
import { EventNotSettledError, type Listener } from "../listener.ts";
import { inOrder, type Ordering } from "../ordering.ts";
import type { RedriveScope } from "./redrive_reader.ts";
import type { Offsets } from "../transport.ts";

/** What happened to the records of a dead-letter store. */
export interface RedriveCounts {
  readonly putBack: number;
  /** Not selected by the filter. */
  readonly notChosen: number;
  /** Put back by another redrive of the pipeline, with another filter or none. */
  readonly putBackBefore: number;
  readonly ofOtherPipelines: number;
  readonly noDeadLetters: number;
}

/** Another redrive, and its positions. */
export interface EarlierRedrive extends RedriveScope {
  readonly positions: Offsets;
}

/**
 * Puts a dead letter back. Resolves with null, or with why that is never possible.
 *
 * @throws {EventNotSettledError} when the lease ended first
 */
export type PutBack = (letter: InboundEvent, lease: Lease) => Promise<string | null>;

/** Dependencies and options of a redrive. */
export interface RedriveParts extends RedriveScope {
  readonly letters: Listener;
  /** Other redrives of the same pipeline. */
  readonly earlier: readonly EarlierRedrive[];
  readonly ordering: Ordering;
  /** Maximum number of dead letters to put back. */
  readonly limit?: number | undefined;
  readonly putBack: PutBack;
}

/** Puts the dead letters of a pipeline back, in their order. */
export class Redrive {
  readonly #parts: RedriveParts;
  readonly #counts = {
    putBack: 0,
    notChosen: 0,
    putBackBefore: 0,
    ofOtherPipelines: 0,
    noDeadLetters: 0,
  };
  #taken = 0;
  #underWay = 0;
  #hasTurnedAway = false;
  #refusal: string | null = null;

  constructor(parts: RedriveParts) {
    this.#parts = parts;
  }

  /** Counts so far. */
  get counts(): RedriveCounts {
    return { ...this.#counts };
  }

  /**
   * Runs until the dead letters end, the limit is reached or `lease` ends. Resolves with null, or with why a dead
   * letter can never be put back: it then ends the lease, so that this letter is not skipped.
   */
  async run(lease: LeaseController): Promise<string | null> {
    const putInOrder = inOrder(
      (letter, ofPartition) => this.#putBack(letter, { lease, ofPartition }),
      this.#parts.ordering,
    );
    await this.#parts.letters.listen(async (letter, ofPartition) => {
      if (this.#isLimitReached) {
        this.#hasTurnedAway = true;
        this.#endAtLimit(lease);
        // The next redrive begins here.
        throw new EventNotSettledError("The limit is reached");
      }
      const reason = this.#reasonToPassOver(letter);
      if (reason !== null) {
        this.#counts[reason]++;
        return;
      }
      this.#taken++;
      this.#underWay++;
      try {
        await putInOrder(letter, ofPartition);
      } catch (error) {
        // This redrive gets it again, unless it already turned others away: then all are left to the next redrive.
        if (!this.#hasTurnedAway) this.#taken--;
        throw error;
      } finally {
        this.#underWay--;
        this.#endAtLimit(lease);
      }
    }, lease);
    return this.#refusal;
  }

  get #isLimitReached(): boolean {
    return this.#taken >= (this.#parts.limit ?? Infinity);
  }

  /** Waits for those in progress: the lease's end would abandon letters that wait for their turn. */
  #endAtLimit(lease: LeaseController): void {
    if (this.#isLimitReached && this.#underWay === 0) lease.beginEnd();
  }

  #reasonToPassOver(letter: InboundEvent): Exclude<keyof RedriveCounts, "putBack"> | null {
    const { pipeline, filter, earlier } = this.#parts;
    const { partition, offset } = letter.origin;
    const facts = deadLetterFacts(letter);
    if (facts === null) return "noDeadLetters";
    if (facts.get("pipeline") !== pipeline) return "ofOtherPipelines";
    if (!isChosen(facts, filter)) return "notChosen";
    const isPutBack = earlier.some(({ filter, positions }) =>
      offset < (positions.get(partition) ?? 0) && isChosen(facts, filter)
    );
    return isPutBack ? "putBackBefore" : null;
  }

  async #putBack(
    letter: InboundEvent,
    { lease, ofPartition }: { lease: LeaseController; ofPartition: Lease },
  ): Promise<void> {
    // After a refusal, a letter in progress must not overtake the refused one.
    if (this.#refusal !== null) throw new EventNotSettledError("One before it cannot be put back");
    const refusal = await this.#parts.putBack(letter, ofPartition);
    if (refusal !== null) {
      this.#refusal ??= refusal;
      lease.beginEnd();
      throw new EventNotSettledError("It cannot be put back");
    }
    this.#counts.putBack++;
  }
}
