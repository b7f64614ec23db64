import { assertEquals } from "@std/assert";
import type { Ordering } from "../../src/core/ordering.ts";
import { FakeTimers } from "../support/fakes/timers.ts";
import type { ModelEvent } from "../support/order/order_model.ts";
import {
  type Ending,
  type LoggedBatch,
  World,
  type WorldOptions,
} from "../support/order/order_world.ts";
import { seededRandom } from "../support/seeded_random.ts";

const CASES = 10_000;
const ORDERINGS: readonly Ordering[] = ["key", "key", "partition", "none"];
const KEYS = [null, "", "a", "b", "c"];

/** How a case goes wrong besides the order in which calls end. */
interface Trouble {
  readonly failures: number;
  readonly rebalances: number;
}

const TROUBLES: Record<string, Trouble> = {
  "calls end in any order": { failures: 0, rebalances: 0 },
  "calls and publications fail": { failures: 0.3, rebalances: 0 },
  "partitions come and go": { failures: 0, rebalances: 0.15 },
  "everything happens": { failures: 0.2, rebalances: 0.1 },
};

for (const [name, trouble] of Object.entries(TROUBLES)) {
  const cases = CASES / Object.keys(TROUBLES).length;
  Deno.test(`order is kept, nothing is lost, and nothing is committed too early, when ${name}, in ${cases} cases`, async () => {
    using timers = new FakeTimers();
    for (let seed = 0; seed < cases; seed++) {
      try {
        await new Case(seededRandom(seed), { trouble, timers }).run();
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, {
          cause: error,
        });
      }
    }
  });
}

/** One story of a member of a group, from the first event to the last commit. */
class Case {
  readonly #random: () => number;
  readonly #trouble: Trouble;
  readonly #options: WorldOptions;
  readonly #world: World;
  #isTroubled = false;

  constructor(
    random: () => number,
    { trouble, timers }: { trouble: Trouble; timers: FakeTimers },
  ) {
    this.#random = random;
    this.#trouble = trouble;
    this.#options = {
      ordering: this.#oneOf(ORDERINGS),
      concurrency: 1 + this.#below(6),
      maxLookahead: 1 + this.#below(8),
      maxBufferedBytes: this.#oneOf([1, 50, 1_000_000]),
      processors: 1 + this.#below(2),
      mayBeRefused: this.#random() < 0.3,
      partitions: Array.from({ length: 1 + this.#below(3) }, (_, index) => this.#log(index)),
      timers,
    };
    this.#world = new World(this.#options);
  }

  async run(): Promise<void> {
    for (let steps = this.#below(60); steps > 0; steps--) {
      await this.#step();
      this.#check();
    }
    await this.#finish();
    await this.#world.stop();
    this.#check();
  }

  async #step(): Promise<void> {
    if (this.#random() < this.#trouble.rebalances) return await this.#rebalance();
    const choice = this.#random();
    if (choice < 0.15) this.#world.assign(this.#somePartition());
    else if (choice < 0.35) this.#fetch();
    else if (choice < 0.4) this.#world.commit();
    else this.#goOn();
    // What happens at once is seen at once by nobody.
    if (this.#random() < 0.8) await this.#world.check();
  }

  /** As the listener does it: rest, drain for a while, commit; then some partitions go, some stay. */
  async #rebalance(): Promise<void> {
    const isEnd = this.#random() < 0.2;
    const isCrash = this.#random() < 0.1;
    const before = this.#world.held;
    if (!isCrash) await this.#drain({ isEnd });
    for (const { partition } of before) {
      const isKept = !isEnd && !isCrash && this.#random() < 0.5;
      if (isKept) {
        this.#world.keep(partition);
        continue;
      }
      this.#isTroubled = true;
      this.#world.lose(partition);
      if (this.#random() < 0.5) this.#world.workElsewhere(partition, this.#below(4));
      if (this.#random() < 0.7) this.#world.assign(partition);
    }
    await this.#world.check();
  }

  async #drain({ isEnd }: { isEnd: boolean }): Promise<void> {
    const draining = this.#world.held.map((assigned) => {
      const { lease, tracker } = assigned;
      if (isEnd) lease.beginEnd();
      else lease.suspend();
      this.#world.model.closed(lease);
      const drain = { isIdle: false, isOver: false };
      assigned.idle().then(() => {
        drain.isIdle = true;
        if (!drain.isOver) this.#world.model.idle(lease, tracker.committable);
      });
      return drain;
    });
    for (let steps = this.#below(30); steps > 0; steps--) {
      await this.#world.check();
      if (draining.every(({ isIdle }) => isIdle)) break;
      this.#goOn();
    }
    await this.#world.check();
    for (const drain of draining) drain.isOver = true;
    this.#world.commit();
  }

  /** Brings some call to an end, well or not. */
  #goOn(): void {
    const { underWay } = this.#world;
    if (underWay > 0) this.#world.goOn(this.#below(underWay), this.#ending());
  }

  #ending(): Ending {
    if (this.#random() >= this.#trouble.failures) return "well";
    this.#isTroubled = true;
    return this.#random() < 0.5 ? "badly" : "well, but it seems badly";
  }

  #fetch(): void {
    this.#world.fetch(this.#somePartition(), {
      count: 1 + this.#below(3),
      isRepeated: this.#random() < 0.1,
    });
  }

  /** Lets everything go well until all is committed. */
  async #finish(): Promise<void> {
    const { partitions } = this.#options;
    const events = partitions.flat().flatMap(({ events }) => events).length;
    for (let rounds = 20 + 10 * events; !this.#world.isDone; rounds--) {
      if (rounds === 0) throw new Error(`it is stuck; committed: ${this.#world.committed}`);
      for (const partition of partitions.keys()) {
        this.#world.assign(partition);
        this.#world.fetch(partition, { count: 1 + this.#below(3), isRepeated: false });
      }
      for (let { underWay } = this.#world; underWay > 0; underWay--) {
        this.#world.goOn(this.#below(underWay), "well");
      }
      await this.#world.check();
      this.#world.commit();
      this.#check();
    }
    if (!this.#isTroubled) assertEquals(this.#world.model.isEachStoredOnce(), true, "stored once");
  }

  #check(): void {
    const { violation } = this.#world.model;
    if (violation !== null) throw new Error(violation);
  }

  /** Batches of some events each, with gaps in them, between them and behind them. */
  #log(partition: number): LoggedBatch[] {
    const log: LoggedBatch[] = [];
    let offset = this.#below(3);
    let index = 0;
    for (let batches = this.#below(6); batches > 0; batches--) {
      const isControl = this.#random() < 0.15;
      const events: ModelEvent[] = [];
      for (let count = isControl ? 0 : this.#below(5); count > 0; count--) {
        if (this.#random() < 0.15) offset += this.#below(4);
        events.push({ partition, offset: offset++, index: index++, key: this.#oneOf(KEYS) });
      }
      if (events.length === 0) offset++;
      if (this.#random() < 0.15) offset += this.#below(4);
      log.push({ events, lastOffset: offset - 1, isControl, sizeInBytes: this.#below(60) });
    }
    return log;
  }

  #somePartition(): number {
    return this.#below(this.#options.partitions.length);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #oneOf<Choice>(choices: readonly Choice[]): Choice {
    return choices[this.#below(choices.length)] as Choice;
  }
}
