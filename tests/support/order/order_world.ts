import { CircuitBreaker } from "../../../src/core/failures/circuit_breaker.ts";
import type { Bytes } from "../../../src/core/event.ts";
import { type Handler, HandlerError, type Result, type When } from "../../../src/core/handler.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import type { Deliver, Listener } from "../../../src/core/listener.ts";
import { Logger } from "../../../src/core/log.ts";
import { runPipeline } from "../../../src/core/pipeline/pipeline.ts";
import { type ResultProcessor, ResultProcessorError } from "../../../src/core/result_processor.ts";
import { AssignedPartition } from "../../../src/transports/kafka/consumer/assigned_partition.ts";
import { FetchDemand } from "../../../src/transports/kafka/consumer/fetch_buffer.ts";
import { LargeRecords } from "../../../src/transports/kafka/records/large_records.ts";
import { SuspectTurns } from "../../../src/transports/kafka/consumer/poison_pill.ts";
import { bytes } from "../events.ts";
import { promisesSettled } from "../eventually.ts";
import type { FakeTimers } from "../fakes/timers.ts";
import { aRecord, FakeRecords } from "../kafka/fetched_records.ts";
import { type ModelEvent, type ModelOptions, OrderModel } from "./order_model.ts";
import { DEFAULT_FAILURE_POLICY, NO_WAIT } from "../fakes/run_parts.ts";

/** A record batch of the log of a partition, or what is left of one. */
export interface LoggedBatch {
  readonly events: readonly ModelEvent[];
  readonly lastOffset: number;
  /** Fetched, but not handed over: control records. */
  readonly isControl: boolean;
  readonly sizeInBytes: number;
}

export interface WorldOptions extends ModelOptions {
  readonly maxBufferedBytes: number;
  /** Whether one call goes first, as where credentials may be refused. */
  readonly mayBeRefused: boolean;
  /** The log of each partition. */
  readonly partitions: readonly (readonly LoggedBatch[])[];
  readonly timers: FakeTimers;
}

/** How a call of the handler or a result processor can end. */
export type Ending = "well" | "badly" | "well, but it seems badly";

/** A partition that this member holds. */
interface Held {
  readonly assigned: AssignedPartition;
  /** Where the next fetch begins. */
  position: number;
}

const PLACE = "RESULTS[0]@0";
const VALUE = new Uint8Array(10);

/**
 * A member of a group with a pipeline, of the real parts: all but the broker, the endpoint, and the listener, which is
 * the caller. Calls end when the caller says so. Everything is held against the model.
 */
export class World {
  readonly model: OrderModel;
  /** What the group has committed. */
  readonly committed: number[];
  readonly #options: WorldOptions;
  readonly #held: (Held | null)[];
  readonly #eventOfResult = new WeakMap<Bytes, ModelEvent>();
  readonly #calls: ((ending: Ending) => void)[] = [];
  readonly #pipelineLease = new LeaseController();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  readonly #suspectTurns = new SuspectTurns();
  #unsettled = 0;
  #deliver: Deliver = () => Promise.reject(new Error("The pipeline does not listen"));

  constructor(options: WorldOptions) {
    const { ordering, concurrency, processors, partitions } = options;
    this.#options = options;
    this.model = new OrderModel(
      partitions.map((log) => log.flatMap(({ events }) => events)),
      options,
    );
    this.committed = partitions.map(() => 0);
    this.#held = partitions.map(() => null);
    const log = new Logger(() => {}, { level: "ERROR" });
    this.#running = runPipeline({
      name: "orders",
      listener: this.#listener(),
      handler: this.#handler(),
      policy: DEFAULT_FAILURE_POLICY,
      onTombstone: "send",
      breaker: new CircuitBreaker({
        log,
        backoff: NO_WAIT,
        startsHalfOpen: options.mayBeRefused,
      }),
      resultProcessors: Array.from({ length: processors }, (_, processor) => ({
        when: ["onSuccess"],
        processor: this.#resultProcessor(processor),
      })),
      ordering,
      concurrency,
      log,
      backoff: NO_WAIT,
    }, this.#pipelineLease);
  }

  /** How many calls and pauses are under way. */
  get underWay(): number {
    return this.#calls.length + this.#options.timers.count;
  }

  get held(): readonly AssignedPartition[] {
    return this.#held.flatMap((held) => held === null ? [] : [held.assigned]);
  }

  /** Brings one of the calls to an end, or fires one of the timers. */
  goOn(index: number, ending: Ending): void {
    const [end] = this.#calls.splice(index, 1);
    if (end === undefined) this.#options.timers.fire(index - this.#calls.length);
    else end(ending);
  }

  /** Assigns a partition that is not held. */
  assign(partition: number): void {
    if (this.#held[partition] !== null) return;
    const nextOffset = this.committed[partition] ?? 0;
    const assigned = new AssignedPartition({
      topic: "T",
      partition,
      nextOffset,
      past: isOdd(nextOffset) ? CRASHED_TWICE : undefined,
      limits: this.#options,
      deliver: (delivery) => {
        const settling = this.#deliver(delivery);
        this.#unsettled++;
        const settled = () => void this.#unsettled--;
        settling.then(settled, settled);
        return settling;
      },
      demand: new FetchDemand(),
      commit: () => Promise.resolve(this.commit()),
      suspectTurns: this.#suspectTurns,
      largeRecords: new LargeRecords({ maxBufferedBytes: Infinity }),
      maxEventBytes: Infinity,
      unreadable: (_offset, reason) => this.model.violation ??= reason,
      fail: (error) => this.model.violation ??= `the pipeline cannot go on: ${error}`,
    });
    this.#held[partition] = { assigned, position: nextOffset };
    this.model.assign(assigned.lease, partition, nextOffset);
    this.#tellPeers();
  }

  /** Takes so many batches as a fetch would bring; of a partition that was kept, from where it was committed. */
  fetch(partition: number, { count, isRepeated }: { count: number; isRepeated: boolean }): void {
    const held = this.#held[partition] ?? null;
    if (held === null || !held.assigned.wantsMore) return;
    const { assigned } = held;
    const isKept = !assigned.ownership.isConfirmed;
    if (isKept) held.position = this.committed[partition] ?? 0;
    const fetched = (this.#options.partitions[partition] ?? [])
      .filter(({ lastOffset }) => lastOffset >= held.position)
      .slice(0, count);
    const last = fetched.at(-1);
    if (last === undefined) return;
    if (isKept && !assigned.confirm(held.position)) throw new Error("It was kept");
    if (!isRepeated) held.position = last.lastOffset + 1;
    assigned.enqueue(
      fetched.filter(({ isControl }) => !isControl).map(toRecords),
      last.lastOffset + 1,
    );
  }

  /** Commits what may be committed of the partitions that are certainly this member's. */
  commit(): void {
    for (const assigned of this.held) {
      const { partition, ownership, commits, committable } = assigned;
      if (!ownership.isConfirmed) continue;
      this.model.committable(partition, committable.offset);
      commits.send(committable);
      commits.stored(committable);
      this.committed[partition] = committable.offset;
    }
  }

  /** Gives a partition up at once. */
  lose(partition: number): void {
    this.#held[partition]?.assigned.lease.end();
    this.#held[partition] = null;
    this.#tellPeers();
  }

  /** A partition stays with this member, which cannot know that before it has fetched of it. */
  keep(partition: number): void {
    const held = this.#held[partition] ?? null;
    held?.assigned.ownership.unconfirm();
  }

  /** Another member had the partition, and has come so many events further. */
  workElsewhere(partition: number, count: number): void {
    const events = (this.#options.partitions[partition] ?? []).flatMap(({ events }) => events);
    const from = this.committed[partition] ?? 0;
    for (const event of events.filter(({ offset }) => offset >= from).slice(0, count)) {
      this.model.storedElsewhere(event);
      this.committed[partition] = event.offset + 1;
    }
  }

  /** Lets promises settle, and holds what could be committed then against the model. */
  async check(): Promise<void> {
    await promisesSettled();
    for (const { partition, tracker, lease } of this.held) {
      this.model.turnEnds(lease);
      this.model.committable(partition, tracker.committable);
    }
  }

  /** Whether everything is stored and committed. */
  get isDone(): boolean {
    return this.#options.partitions.every((log, partition) =>
      (this.committed[partition] ?? 0) > (log.at(-1)?.lastOffset ?? -1)
    );
  }

  /** Gives everything up, and waits for the last call: no event must be left that hangs. */
  async stop(): Promise<void> {
    for (const { partition } of this.held) this.lose(partition);
    await promisesSettled();
    while (this.underWay > 0) {
      this.goOn(0, "badly");
      await promisesSettled();
    }
    if (this.#unsettled > 0) this.model.violation ??= `${this.#unsettled} events hang for ever`;
    this.#stopped.resolve();
    await this.#running;
  }

  #tellPeers(): void {
    for (const { lease } of this.held) lease.leaseCount = this.held.length;
  }

  #listener(): Listener {
    return {
      listen: (deliver) => {
        this.#deliver = deliver;
        return this.#stopped.promise;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  #handler(): Handler {
    return {
      mayBeRefused: this.#options.mayBeRefused,
      handle: ({ origin: { orderGroup }, position }, signal) => {
        const event = this.#event(Number(orderGroup), position);
        const call = Promise.withResolvers<Result>();
        this.model.callStarts(signal, event);
        this.#calls.push((ending) => {
          this.model.callEnds(signal, event, { hasResult: ending === "well" });
          const value = new Uint8Array();
          this.#eventOfResult.set(value, event);
          if (ending === "badly") call.reject(new HandlerError("no response"));
          else if (ending === "well") call.resolve(aResult({ when: "onSuccess", value }));
          else call.resolve(aResult({ when: "onError", value }));
        });
        return call.promise;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  #resultProcessor(processor: number): ResultProcessor {
    return {
      process: ({ value }, signal) => {
        const event = this.#eventOfResult.get(value ?? new Uint8Array());
        if (event === undefined) throw new Error("No call had this result");
        const publication = Promise.withResolvers<string>();
        this.model.publishStarts(signal, event, processor);
        this.#calls.push((ending) => {
          const isKnown = ending === "well";
          if (ending !== "badly") this.model.stored(signal, event, { processor, isKnown });
          if (isKnown) return publication.resolve(PLACE);
          this.model.publishFails(signal, event);
          publication.reject(new ResultProcessorError("no acknowledgement"));
        });
        return publication.promise;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  #event(partition: number, offset: number): ModelEvent {
    for (const { events, lastOffset } of this.#options.partitions[partition] ?? []) {
      const event = lastOffset >= offset && events.find((event) => event.offset === offset);
      if (event) return event;
    }
    throw new Error(`${partition}@${offset} was delivered, which does not exist`);
  }
}

function aResult({ when, value }: { when: When; value: Bytes }): Result {
  const answer = { summary: "status", value, headers: [] };
  const error = { status: "503", isTransient: true, suggestsOutage: true, isAboutServer: true };
  return when === "onSuccess" ? { when, ...answer } : { when, error, ...answer };
}

function toRecords({ events, lastOffset, sizeInBytes }: LoggedBatch): FakeRecords {
  const records = events.map(({ offset, key }) =>
    aRecord(offset, { key: key === null ? null : bytes(key), value: VALUE })
  );
  return new FakeRecords(records, { lastOffset, sizeInBytes });
}

/** At every other offset, a member handles events one by one. */
const CRASHED_TWICE = { made: 2, counted: 2, crashes: 2, firstFailedAtMs: 0 };

function isOdd(offset: number): boolean {
  return offset % 2 === 1;
}
