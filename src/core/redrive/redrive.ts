import { deadLetterFacts } from "../failures/dead_letter_facts.ts";
import type { InboundEvent } from "../event.ts";
import type { Delivery } from "../delivery.ts";
import type { LeaseController } from "../lease.ts";
import { EventNotSettledError, type Listener } from "../listener.ts";
import { inOrder, type Ordering } from "../ordering.ts";
import { matches, type RedriveScope } from "./selection.ts";

/** What happened to the records of a dead-letter store. */
export interface RedriveCounts {
  readonly redriven: number;
  /** Not selected by the filter. */
  readonly notMatching: number;
  readonly ofOtherPipelines: number;
  readonly notDeadLetters: number;
}

/**
 * Redrives one dead letter. Resolves with null, or with why that is never possible.
 *
 * @throws {EventNotSettledError} when the lease ended first
 */
export type RedriveOne = (deadLetter: Delivery) => Promise<string | null>;

/** Dependencies and options of a redrive. */
export interface RedriveOptions extends RedriveScope {
  readonly deadLetters: Listener;
  readonly ordering: Ordering;
  /** Maximum number of dead letters to redrive. */
  readonly limit?: number | undefined;
  readonly redriveOne: RedriveOne;
}

/** Redrives the dead letters of a pipeline, in their order. */
export class Redrive {
  readonly #options: RedriveOptions;
  readonly #counts = { redriven: 0, notMatching: 0, ofOtherPipelines: 0, notDeadLetters: 0 };
  #taken = 0;
  #underWay = 0;
  #hasTurnedAway = false;
  #refusal: string | null = null;

  constructor(options: RedriveOptions) {
    this.#options = options;
  }

  /** Counts so far. */
  get counts(): RedriveCounts {
    return { ...this.#counts };
  }

  /**
   * Runs until the dead letters end, the limit is reached or `lease` ends. Resolves with null, or with why a dead
   * letter can never be redriven: it then ends the lease, so that this dead letter is not skipped.
   */
  async run(lease: LeaseController): Promise<string | null> {
    const redriveInOrder = inOrder(
      (delivery) => this.#redrive(delivery, lease),
      this.#options.ordering,
    );
    await this.#options.deadLetters.listen(async (delivery) => {
      if (this.#isLimitReached) {
        this.#hasTurnedAway = true;
        this.#endAtLimit(lease);
        // The next redrive begins here.
        throw new EventNotSettledError("The limit is reached");
      }
      const reason = this.#reasonToPassOver(delivery.event);
      if (reason !== null) {
        this.#counts[reason]++;
        return;
      }
      this.#taken++;
      this.#underWay++;
      try {
        await redriveInOrder(delivery);
      } catch (error) {
        // It was not taken after all, and may be delivered to this redrive again. But once the limit has turned another
        // one away, the count stays, so that all from there on are left to the next redrive.
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
    return this.#taken >= (this.#options.limit ?? Infinity);
  }

  /** Waits for those in progress: the lease's end would abandon dead letters that wait for their turn. */
  #endAtLimit(lease: LeaseController): void {
    if (this.#isLimitReached && this.#underWay === 0) lease.beginEnd();
  }

  #reasonToPassOver(deadLetter: InboundEvent): Exclude<keyof RedriveCounts, "redriven"> | null {
    const { pipeline, filter } = this.#options;
    const facts = deadLetterFacts(deadLetter);
    if (facts === null) return "notDeadLetters";
    if (facts.get("pipeline") !== pipeline) return "ofOtherPipelines";
    return matches(facts, filter) ? null : "notMatching";
  }

  async #redrive(delivery: Delivery, lease: LeaseController): Promise<void> {
    try {
      // After a refusal, a dead letter in progress must not overtake the refused one.
      if (this.#refusal !== null) {
        throw new EventNotSettledError("One before it cannot be redriven");
      }
      const refusal = await this.#options.redriveOne(delivery);
      if (refusal !== null) {
        this.#refusal ??= refusal;
        throw new EventNotSettledError("It cannot be redriven");
      }
      this.#counts.redriven++;
    } catch (error) {
      // Before the rejection lets the next of its key begin: the lease must know by then that this one is unsettled.
      delivery.enter("givenUp");
      if (this.#refusal !== null) lease.beginEnd();
      throw error;
    }
  }
}
