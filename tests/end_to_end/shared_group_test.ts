import { assertEquals } from "@std/assert";
import { type Endpoint, startEndpoint } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { GroupClient } from "../support/kafka/group_clients.ts";
import { freshName, freshTopic, produce } from "../support/kafka/broker.ts";
import { kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

const PARTITIONS = 6;
const EVENTS_A_TURN = 60;

/** How long a turn of the load lasts at least. */
const TURN_MS = 200;

Deno.test("eventor, kcat and Java's consumer share a group, come and go in turn, and every event is read", async () => {
  const topic = await freshTopic("shared", { partitions: PARTITIONS });
  await using endpoint = startEndpoint();
  await using clients = new AsyncDisposableStack();
  const all: GroupClient[] = [];
  const options = { group: topic, topics: [topic] };
  const startKcat = () => {
    const kcat = clients.use(GroupClient.kcat(options));
    all.push(kcat);
    return kcat;
  };
  const startJava = async () => {
    const java = clients.use(await GroupClient.java(options));
    all.push(java);
    return java;
  };
  const read = () => new Set([...handled(endpoint), ...all.flatMap(({ values }) => values)]);
  await using load = new Load(topic, { partitions: PARTITIONS, read });

  let eventor = clients.use(startEventor({ topic, group: topic, endpoint }));
  await eventor.line(/joined group .*: partitions 0-5 of/);
  const java = await startJava();
  await java.holds(3);
  const kcat = startKcat();
  await kcat.holds(2);
  await java.holds(2);

  assertEquals(await left(eventor), 0);
  await kcat.holds(3);
  await java.holds(3);
  eventor = clients.use(startEventor({ topic, group: topic, endpoint }));
  await kcat.holds(2);
  await java.leave();
  await kcat.holds(3);
  const javaAgain = await startJava();
  await javaAgain.holds(2);
  await kcat.holds(2);
  await load.sparing(kcat, () => kcat.leave());
  await javaAgain.holds(3);
  const kcatAgain = startKcat();
  await kcatAgain.holds(2);
  await javaAgain.leave();
  await kcatAgain.holds(3);
  await load.sparing(kcatAgain, () => kcatAgain.leave());
  await eventor.line(/joined group .*: partitions 0-5 of/);

  const sent = await load.end();
  await eventually(() => sent.isSubsetOf(read()), {
    deadlineMs: 60_000,
    what: () => `all of ${sent.size} events; unread: ${[...sent.difference(read())].join(", ")}`,
  });
  for (const { values } of all) assertEquals(values.length > 0, true, "each has had its part");
});

Deno.test("three processes of one group with different topics read all of them, whichever of them leads", async () => {
  const group = freshName("shared");
  const topics = await Promise.all(
    ["a", "b", "c"].map((name) => freshTopic(`shared-${name}`, { partitions: 2 })),
  );
  await using endpoint = startEndpoint();
  await using stack = new AsyncDisposableStack();
  const start = async (topic: string) => {
    const eventor = stack.use(startEventor({ topic, group, endpoint }));
    await eventor.line(/joined group .*: partitions 0, 1 of/);
    return eventor;
  };
  const members = [];
  for (const topic of topics) members.push(await start(topic));
  const expected = new Set<string>();
  const produceAll = async (name: string) => {
    for (const topic of topics) {
      const records = [0, 1].map((partition) => ({
        partition,
        value: `${name} ${topic}-${partition}`,
      }));
      records.forEach(({ value }) => expected.add(value));
      await produce(topic, records);
    }
    await eventually(() => expected.isSubsetOf(new Set(handled(endpoint))), {
      deadlineMs: 30_000,
      what: () => `all events, without ${[...expected.difference(new Set(handled(endpoint)))]}`,
    });
  };
  await produceAll("first");
  // The one that has joined first leads; each of them does once.
  for (const [index, topic] of topics.entries()) {
    const member = members[index];
    if (member !== undefined) assertEquals(await left(member), 0);
    await start(topic);
    await produceAll(`after ${index}`);
  }
});

function startEventor(
  { topic, group, endpoint }: { topic: string; group: string; endpoint: Endpoint },
): EventorProcess {
  return new EventorProcess(kafkaPipeline({
    name: "shared",
    topic,
    group,
    url: endpoint.url,
    logLevel: "INFO",
    consumerConfig: { "heartbeat.interval.ms": 300 },
  }));
}

async function left(eventor: EventorProcess): Promise<number> {
  eventor.signal("SIGTERM");
  return await eventor.exit();
}

function handled({ calls }: Endpoint): string[] {
  const decoder = new TextDecoder();
  return calls.map(({ body }) => decoder.decode(body));
}

interface LoadOptions {
  readonly partitions: number;
  /** The values of all events that were read by now. */
  readonly read: () => ReadonlySet<string>;
}

/** Produces events into the partitions of a topic, turn by turn, until it is ended. */
class Load implements AsyncDisposable {
  readonly #topic: string;
  readonly #options: LoadOptions;
  readonly #sent = new Set<string>();
  readonly #sentTo = new Map<number, string[]>();
  readonly #producing: Promise<void>;
  #turn: Promise<void> = Promise.resolve();
  #spared: ReadonlySet<number> = new Set();
  #isEnding = false;

  constructor(topic: string, options: LoadOptions) {
    this.#topic = topic;
    this.#options = options;
    this.#producing = this.#produce();
  }

  /**
   * Produces nothing into the partitions of kcat while it leaves, and lets it read what they have before. kcat drops the
   * event that it gets just after it was asked to end, and commits it.
   */
  async sparing(kcat: GroupClient, leave: () => Promise<void>): Promise<void> {
    const partitions = kcat.partitions?.map((name) =>
      Number(name.slice(name.lastIndexOf("-") + 1))
    );
    this.#spared = new Set(partitions);
    await this.#turn;
    const sent = new Set(
      [...this.#spared].flatMap((partition) => this.#sentTo.get(partition) ?? []),
    );
    await eventually(() => sent.isSubsetOf(this.#options.read()), {
      deadlineMs: 60_000,
      what: () => `all events of partitions ${partitions} to be read`,
    });
    await leave();
    this.#spared = new Set();
  }

  /** Resolves with the values of all events. */
  async end(): Promise<ReadonlySet<string>> {
    this.#isEnding = true;
    await this.#producing;
    return this.#sent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #produce(): Promise<void> {
    for (let turn = 0; !this.#isEnding; turn++) {
      const nextTurn = new Promise((resolve) => setTimeout(resolve, TURN_MS));
      this.#turn = this.#produceTurn(turn);
      await this.#turn;
      await nextTurn;
    }
  }

  async #produceTurn(turn: number): Promise<void> {
    const records = Array.from({ length: EVENTS_A_TURN }, (_, index) => ({
      partition: index % this.#options.partitions,
      value: `${turn}:${index}`,
    })).filter(({ partition }) => !this.#spared.has(partition));
    await produce(this.#topic, records);
    for (const { partition, value } of records) {
      this.#sent.add(value);
      const ofPartition = this.#sentTo.get(partition) ?? [];
      ofPartition.push(value);
      this.#sentTo.set(partition, ofPartition);
    }
  }
}
