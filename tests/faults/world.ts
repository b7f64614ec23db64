import type { Broker } from "../../tools/kafka/mod.ts";
import { eventually } from "../support/eventually.ts";
import { fileOf, kafkaPipeline, type PipelineYaml } from "../support/pipeline_yaml.ts";
import { seededRandom } from "../support/seeded_random.ts";
import { FaultyEndpoint } from "./endpoint.ts";
import { Eventor } from "./eventor.ts";
import { EventSource } from "./event_source.ts";
import { GroupWatch } from "./group_watch.ts";
import type { Fault, History, ProcessEnd, Resources } from "./history.ts";
import type { Row, Size } from "./row.ts";
import { createRowTopics, deleteRowTopics, freshTopics, type RowTopics } from "./row_topics.ts";
import { readEvents, readOutcomes } from "./stored_records.ts";

const KEYS = 1000;
const CONCURRENCY = 64;
const STALL_MS = 60_000;
const POLL_MS = 50;
/** What eventor's default `shutdownTimeout` and leaving the group may take, and a busy machine. */
const STOP_MS = 25_000 + 3000 + 2000;

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

/** How a member of the group is started; the rest is as it is for every row. */
export interface MemberSettings {
  readonly name?: string;
  /** What it knows the broker by. */
  readonly broker?: string;
  readonly pipeline?: Partial<Omit<PipelineYaml, "topic" | "group" | "broker" | "name">>;
  /** Settings of the process. */
  readonly process?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly readsLog?: boolean;
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
  readonly #surroundings: Surroundings;
  readonly #stack = new AsyncDisposableStack();
  readonly #members: Eventor[] = [];
  readonly #faults: Fault[] = [];
  readonly #ends: ProcessEnd[] = [];
  readonly #resources: Resources[] = [];
  readonly #findings: string[] = [];
  readonly #killed = new Set<string>();
  #source: EventSource | undefined;
  #endpoint: FaultyEndpoint | undefined;
  #watch: GroupWatch | undefined;

  private constructor(row: Row, size: Size, surroundings: Surroundings) {
    this.#surroundings = surroundings;
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

  async #open({ seed, directory }: Surroundings): Promise<void> {
    const { topics, partitions } = this;
    const { events: topic, group } = topics;
    const broker = this.broker.bootstrapServer;
    await createRowTopics(broker, { topics, partitions });
    this.#stack.defer(() => deleteRowTopics(broker, topics));
    const callLog = `${directory}/${topic}.calls`;
    this.#endpoint = this.#stack.use(await FaultyEndpoint.start({ callLog, seed }));
    const run = crypto.randomUUID().slice(0, 8);
    this.#source = this.#stack.use(
      new EventSource({ broker, topic, partitions, run, keys: KEYS }),
    );
    this.#watch = this.#stack.use(new GroupWatch({ broker, group, topic }));
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

  /** The most that may be handled again, when all members end at once so many times. */
  lookahead(times: number): number {
    return times * this.maxLookahead * this.partitions;
  }

  /** Starts a member of the group. */
  start(
    { name, broker, pipeline = {}, process = {}, env, readsLog }: MemberSettings = {},
  ): Eventor {
    const { keys, headers, consumerConfig, ...others } = pipeline;
    const member = name ?? `member${this.#members.length + 1}`;
    const config = fileOf(
      kafkaPipeline({
        name: member,
        broker: broker ?? this.broker.bootstrapServer,
        topic: this.topics.events,
        group: this.topics.group,
        url: `http://${this.endpoint.host}/${member}`,
        results: this.topics.results,
        logLevel: "INFO",
        headers: { Authorization: `Bearer ${this.canary}`, ...headers },
        keys: { concurrency: CONCURRENCY, maxLookahead: this.maxLookahead, ...keys },
        consumerConfig: {
          "session.timeout.ms": this.sessionTimeoutMs,
          "heartbeat.interval.ms": 500,
          ...consumerConfig,
        },
        ...others,
      }),
      process,
    );
    const { command } = this.#surroundings;
    const eventor = this.#stack.use(
      new Eventor({
        name: member,
        command,
        config,
        canary: this.canary,
        ...(env === undefined ? {} : { env }),
        ...(readsLog === undefined ? {} : { readsLog }),
      }),
    );
    this.#members.push(eventor);
    return eventor;
  }

  /** Ends a member by SIGKILL. */
  async kill(member: Eventor): Promise<void> {
    this.#killed.add(member.name);
    await member.kill();
  }

  /** Ends a member by SIGTERM, which it has to obey in time. */
  async stop(member: Eventor, { maxMs = STOP_MS } = {}): Promise<void> {
    await member.stop({ maxMs });
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

  /** The moments of the row's faults: one at random in each of as many parts of its time, but not before `progress()`. */
  async *faultMoments(): AsyncGenerator<number> {
    const beganAt = performance.now();
    const partMs = this.#plannedMs / this.size.faults;
    for (let number = 0; number < this.size.faults; number++) {
      await this.progress();
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

  /** A time between these, at random. */
  between(leastMs: number, mostMs: number): number {
    return leastMs + this.random() * (mostMs - leastMs);
  }

  /** Resolves when more is committed than is now. */
  async progress(): Promise<void> {
    const before = this.committed;
    await this.#untilCommitted(() => this.committed > before, "any further event");
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
      if (performance.now() - movedAt > STALL_MS) {
        throw new Error(
          `Not committed, as nothing was for ${STALL_MS} ms: ${what}; found ${last}\n${this.logEnds}`,
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

  /** Notes what a member held before and after the faults. */
  noteResources(resources: Resources): void {
    this.#resources.push(resources);
  }

  /** The ends of all members' logs, for messages. */
  get logEnds(): string {
    return this.#members.slice(-3).map(({ logEnd }) => logEnd).join("\n");
  }

  /** Ends what runs, and tells everything that was seen. */
  async history(): Promise<History> {
    await Promise.all(this.#members.map((member) => this.stop(member)));
    await this.#watch!.look();
    const broker = this.broker.bootstrapServer;
    const { events: topic, results, errors, deadLetters } = this.topics;
    const leaks = this.#members.flatMap((member) => member.leaks);
    const leaked = (where: string) => leaks.push(where);
    const [events, ...outcomes] = await Promise.all([
      readEvents(broker, topic),
      ...[results, errors, deadLetters].map((topic) =>
        readOutcomes(broker, topic, { canary: this.canary, leaked })
      ),
    ]);
    return {
      events,
      outcomes: outcomes.flat(),
      calls: await this.endpoint.calls(),
      samples: this.#watch!.samples,
      faults: this.#faults,
      ends: [...this.#ends, ...this.#members.flatMap(({ ends }) => ends)],
      resources: this.#resources,
      killed: this.#killed,
      leaks,
      findings: this.#findings,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
