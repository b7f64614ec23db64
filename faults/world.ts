import { setTimeout as sleep } from "node:timers/promises";
import type { Broker } from "../tools/kafka/mod.ts";
import { eventually } from "../tests/support/eventually.ts";
import { seededRandom } from "../tests/support/seeded_random.ts";
import { FaultyEndpoint } from "./endpoint.ts";
import type { Eventor } from "./eventor.ts";
import { EventSource } from "./event_source.ts";
import { GroupWatch } from "./group_watch.ts";
import type { Fault, History, ProcessEnd, Resources } from "./history.ts";
import { holdings, holdingsAfter } from "./holdings.ts";
import type { MemberSettings } from "./member_config.ts";
import { Members } from "./members.ts";
import type { Row, Size } from "./row.ts";
import { createRowTopics, deleteRowTopics, freshTopics, type RowTopics } from "./row_topics.ts";
import { readCommits } from "./stored_commits.ts";
import { readEvents, readOutcomes } from "./stored_records.ts";

const KEYS = 1000;
const STALL_MS = 60_000;
const POLL_MS = 50;
/** What all rows share. */
export interface Surroundings {
  readonly broker: Broker;
  /** Runs eventor, when its own arguments follow. */
  readonly command: readonly string[];
  /** For files; removed at the end. */
  readonly directory: string;
  readonly isLong: boolean;
  readonly seed: number;
}

/** Topics, a group, a source of events, an endpoint and members of the group, all fresh, for one row. */
export class World implements AsyncDisposable {
  readonly size: Size;
  readonly isLong: boolean;
  readonly broker: Broker;
  readonly partitions: number;
  readonly topics: RowTopics;
  readonly maxLookahead = 500;
  readonly sessionTimeoutMs: number;
  /** Each run of a row draws the same numbers for the same seed. */
  readonly random: () => number;
  /** Must show nowhere; every call holds it in a header. */
  readonly canary = `canary-${crypto.randomUUID()}`;
  readonly #stack = new AsyncDisposableStack();
  readonly #faults: Fault[] = [];
  readonly #ends: ProcessEnd[] = [];
  readonly #resources: Resources[] = [];
  readonly #findings: string[] = [];
  #members: Members | undefined;
  #source: EventSource | undefined;
  #endpoint: FaultyEndpoint | undefined;
  #watch: GroupWatch | undefined;

  private constructor(row: Row, size: Size, surroundings: Surroundings) {
    this.size = size;
    this.isLong = surroundings.isLong;
    this.broker = surroundings.broker;
    this.partitions = row.partitions ?? (this.isLong ? 12 : 6);
    this.topics = freshTopics(row.number);
    this.sessionTimeoutMs = this.isLong ? 6000 : 3000;
    this.random = seededRandom(surroundings.seed * 1000 + row.number);
  }

  static async create(row: Row, size: Size, surroundings: Surroundings): Promise<World> {
    const world = new World(row, size, surroundings);
    try {
      await world.#open(surroundings);
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
    return world;
  }

  async #open({ command, seed, directory }: Surroundings): Promise<void> {
    const { topics, partitions } = this;
    const { events: topic, group } = topics;
    const broker = this.broker.bootstrapServer;
    await createRowTopics(broker, { topics, partitions });
    this.#stack.defer(() => deleteRowTopics(broker, topics));
    const callLog = `${directory}/${topic}.calls`;
    this.#endpoint = this.#stack.use(
      await FaultyEndpoint.start({ callLog, seed, secret: this.canary }),
    );
    const run = crypto.randomUUID().slice(0, 8);
    this.#source = this.#stack.use(
      new EventSource({ broker, topic, partitions, run, keys: KEYS }),
    );
    this.#watch = this.#stack.use(new GroupWatch({ broker, group, topic }));
    this.#members = this.#stack.use(
      new Members(command, {
        broker,
        topics,
        endpoint: this.endpoint.host,
        canary: this.canary,
        maxLookahead: this.maxLookahead,
        sessionTimeoutMs: this.sessionTimeoutMs,
      }),
    );
  }

  get endpoint(): FaultyEndpoint {
    return this.#endpoint!;
  }

  get source(): EventSource {
    return this.#source!;
  }

  /** How many events are committed. */
  get committed(): number {
    return this.#watch!.committed;
  }

  /** The identifiers of the group's members: one that has been away gets another. */
  memberIds(): Promise<string> {
    return this.#watch!.memberIds();
  }

  /** The most that may be handled again, when all members end at once so many times. */
  lookahead(times: number): number {
    return times * this.maxLookahead * this.partitions;
  }

  /** Starts a member of the group. */
  start(settings: MemberSettings = {}): Eventor {
    return this.#members!.start(settings);
  }

  /** Ends a member by SIGKILL. */
  kill(member: Eventor): Promise<void> {
    return this.#members!.kill(member);
  }

  /** Ends a member by SIGTERM, which it has to obey in time. */
  stop(member: Eventor, options: { maxMs?: number } = {}): Promise<void> {
    return this.#members!.stop(member, options);
  }

  /** Begins to send events at the row's rate. */
  flow(): void {
    this.source.flow(this.size.perSecond);
  }

  /** Sends on until there are as many events as the row is to have. */
  async finishFlow(): Promise<void> {
    await eventually(() => this.source.stored >= this.size.events, {
      deadlineMs: this.#plannedMs * 3 + STALL_MS,
      what: () => `${this.size.events} events stored, found ${this.source.stored}`,
    });
    await this.source.stop();
  }

  get #plannedMs(): number {
    return this.size.events / this.size.perSecond * 1000;
  }

  /**
   * The moments of the row's faults: one at random in each of as many parts of its time; unless `withoutProgress`, not
   * before there was progress since the last one.
   */
  async *faultMoments({ withoutProgress = false } = {}): AsyncGenerator<number> {
    const beganAt = performance.now();
    const partMs = this.#plannedMs / this.size.faults;
    for (let number = 0; number < this.size.faults; number++) {
      if (number === 0 || !withoutProgress) await this.progress();
      const at = beganAt + (number + this.random()) * partMs;
      await sleep(Math.max(at - performance.now(), 0));
      yield number;
    }
  }

  /** Brings a fault about. It is over when `bringAbout` resolves. */
  async fault(what: string, bringAbout: () => Promise<void>): Promise<void> {
    const beganAtMs = new Date().getTime();
    await bringAbout();
    this.#faults.push({ what, beganAtMs, endedAtMs: new Date().getTime() });
  }

  /** From now on the topic of the events has so many partitions. */
  async usePartitions(count: number): Promise<void> {
    this.source.usePartitions(count);
    await this.#watch!.forgetTopic();
  }

  /** The topic of the events was created anew. Nothing may be flowing. */
  async startAnew(): Promise<void> {
    await this.source.startAnew();
    await this.#watch!.forgetTopic();
  }

  /** A time between these, at random. */
  between(leastMs: number, mostMs: number): number {
    return leastMs + this.random() * (mostMs - leastMs);
  }

  /**
   * Resolves when more is committed than is now.
   *
   * @param before for when all that there is may soon be committed: how much was, before it was sent
   */
  async progress(before?: number): Promise<void> {
    const isMore = (count: number) => () => this.committed > count;
    await this.#untilCommitted(isMore(before ?? await this.#committedNow()), "any further event");
  }

  async #committedNow(): Promise<number> {
    const watch = this.#watch!;
    // The look that is under way may have begun before now, and the last one long before, when a broker was away.
    const fresh = watch.looks + 2;
    await eventually(() => watch.looks >= fresh, {
      deadlineMs: STALL_MS,
      what: () => `a look at what is committed; ${this.#members!.logEnds}`,
    });
    return this.committed;
  }

  /** Resolves when everything that was sent is committed. */
  async settle(): Promise<void> {
    const { stored } = this.source;
    await this.#untilCommitted(() => this.committed >= stored, `all ${stored} events`);
  }

  async #untilCommitted(isEnough: () => boolean, what: string): Promise<void> {
    let last = this.committed;
    let movedAt = performance.now();
    while (!isEnough()) {
      if (this.committed !== last) movedAt = performance.now();
      last = this.committed;
      const gone = this.#members!.ends.find(({ expected }) => expected === null);
      if (gone !== undefined) {
        throw new Error(
          `Not committed, as ${gone.who} is gone: ${what}\n${this.#members!.logEnds}`,
        );
      }
      if (performance.now() - movedAt > STALL_MS) {
        throw new Error(
          `Not committed, as nothing was for ${STALL_MS} ms: ${what}; found ${last}\n${
            this.#members!.logEnds
          }`,
        );
      }
      await sleep(POLL_MS);
    }
  }

  /** Notes something wrong that no invariant is about. */
  finding(text: string): void {
    this.#findings.push(text);
  }

  /** Notes how a process ended that is not a member started here. */
  noteEnd(end: ProcessEnd): void {
    this.#ends.push(end);
  }

  /**
   * Looks at what a member holds before anything fails. The returned function settles everything, waits until it holds
   * about as much again, and has that checked. A process that has just started has not taken its memory yet, so the short form does neither.
   */
  async holdings(member: Eventor): Promise<() => Promise<void>> {
    if (!this.isLong) return () => Promise.resolve();
    const before = await holdings(member);
    return async () => {
      await this.settle();
      this.#resources.push(await holdingsAfter(member, before));
    };
  }

  /** When what failed, and the members' logs: what explains a row that has not passed. */
  get story(): string {
    const time = (ms: number) => new Date(ms).toISOString();
    const faults = this.#faults.map(({ what, beganAtMs, endedAtMs }) =>
      `${time(beganAtMs)} to ${time(endedAtMs)}: ${what}`
    );
    return [...faults, ...this.#members!.logs].join("\n");
  }

  /** Ends what runs, and tells everything that was seen. */
  async history(): Promise<History> {
    const members = this.#members!;
    // It still flows when the row was given up, and reading would never come to an end.
    await this.source[Symbol.asyncDispose]();
    await members.stopAll();
    const broker = this.broker.bootstrapServer;
    const { events: topic, results, errors, deadLetters, group } = this.topics;
    const leaks = [...members.leaks];
    const leaked = (where: string) => leaks.push(where);
    const [events, ...outcomes] = await Promise.all([
      readEvents(broker, topic),
      ...[results, errors, deadLetters].map((topic) =>
        readOutcomes(broker, topic, { canary: this.canary, leaked })
      ),
    ]);
    const commits = await readCommits(broker, { group, topic });
    const calls = await this.endpoint.calls();
    const { secretless } = this.endpoint;
    if (secretless > 0) this.finding(`${secretless} calls came without the secret`);
    return {
      events,
      outcomes: outcomes.flat(),
      calls,
      commits,
      faults: this.#faults,
      ends: [...this.#ends, ...members.ends],
      resources: this.#resources,
      killed: members.killed,
      leaks,
      findings: this.#findings,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
