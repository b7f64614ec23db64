import { assert, assertEquals } from "@std/assert";
import { startEndpoint } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import {
  committedOffsets,
  freshTopic,
  produce,
  readTopic,
  type StoredRecord,
  type TestRecord,
} from "../support/kafka/broker.ts";
import { kafkaPipeline } from "../support/executable/pipeline_yaml.ts";
import { seededRandom } from "../support/seeded_random.ts";

const PARTITIONS = 12;
const KEYS = 600;
const SECONDS = 60;
const EVENTS_A_SECOND = 500;
/** One member in so many is killed instead of being asked to stop. */
const KILL_EVERY = 8;

/** Calls last up to a quarter of a second, which is well within what a rebalance waits for. */
const SLOWEST_CALL_MS = 250;

Deno.test("members that come and go every second lose no event, keep the order of keys, and repeat nothing unless they are killed", async (t) => {
  const topic = await freshTopic("members", { partitions: PARTITIONS });
  const results = await freshTopic("members-results", { partitions: PARTITIONS });
  const random = seededRandom(20_261_124);
  const calling = new Set<string>();
  await using endpoint = startEndpoint(async ({ path, body }) => {
    const name = path.slice(1);
    calling.add(name);
    const delayMs = random() < 0.02 ? random() * SLOWEST_CALL_MS : random() * 5;
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    return new Response(`${new TextDecoder().decode(body)} by ${name}`);
  });
  const start = (name: string) =>
    new EventorProcess(kafkaPipeline({
      name,
      topic,
      results,
      url: `${endpoint.url}${name}`,
      logLevel: "INFO",
      consumerConfig: { "session.timeout.ms": 6000, "heartbeat.interval.ms": 300 },
    }));
  const killed = new Set<string>();
  let sent = 0;

  {
    await using _first = start("first");
    const others: Member[] = [];
    await using stack = new AsyncDisposableStack();
    for (let second = 0; second < SECONDS; second++) {
      const nextSecond = new Promise((resolve) => setTimeout(resolve, 1000));
      await produce(topic, numbered(sent, EVENTS_A_SECOND));
      sent += EVENTS_A_SECOND;
      const name = `member${second}`;
      // Each stays for at least five seconds, and until it has called. Two start in the time of one.
      if (second % 2 === 0 && second < SECONDS - 6) {
        const member = stack.use(start(name));
        others.push({ name, member, endsAtSecond: second + 5, hasLeft: false });
      }
      const leaving = others.filter(({ name, endsAtSecond, hasLeft }) =>
        !hasLeft && second >= endsAtSecond && calling.has(name)
      );
      for (const leaver of leaving) {
        leaver.hasLeft = true;
        const { name, member } = leaver;
        const isKilled = others.findIndex((other) => other.name === name) % KILL_EVERY === 3;
        if (isKilled) killed.add(name);
        member.signal(isKilled ? "SIGKILL" : "SIGTERM");
        const code = await member.exit();
        if (!isKilled) assertEquals(code, 0);
      }
      await nextSecond;
    }
    const committed = async () => {
      const offsets = await committedOffsets(topic, topic);
      return offsets.values().reduce((sum, offset) => sum + Math.max(offset, 0), 0);
    };
    await eventually(async () => await committed() === sent, {
      deadlineMs: 120_000,
      what: () => `${sent} events to be committed`,
    });
  }

  const stored = (await readTopic(results)).map(toResult);
  const byEvent = Map.groupBy(stored, ({ event }) => event);

  await t.step("every event has a result", () => {
    assertEquals(byEvent.size, sent);
  });

  await t.step("first results of a key stand in the order of its events", () => {
    for (const [key, ofKey] of Map.groupBy(stored, ({ key }) => key)) {
      const first = [...new Set(ofKey.map(({ event }) => event))];
      assertEquals(first, first.toSorted((a, b) => a - b), `order of ${key}`);
    }
  });

  await t.step("only what a killed member had handled is handled again", () => {
    const repeated = byEvent.values().filter((results) => results.length > 1).toArray();
    const unexplained = repeated.filter((results) =>
      !results.slice(0, -1).every(({ member }) => killed.has(member))
    );
    assertEquals(unexplained, []);
  });

  await t.step("members took part that were killed, and that were not", () => {
    const members = new Set(stored.map(({ member }) => member));
    assert(members.size > SECONDS / 4, `${members.size} members stored results`);
    assert([...killed].some((name) => members.has(name)), "no killed member stored anything");
  });
});

interface Member {
  readonly name: string;
  readonly member: EventorProcess;
  readonly endsAtSecond: number;
  hasLeft: boolean;
}

interface StoredResult {
  readonly key: string;
  readonly event: number;
  readonly member: string;
}

function numbered(from: number, count: number): TestRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const event = from + index;
    return { key: `key-${event * 7919 % KEYS}`, value: `${event}` };
  });
}

function toResult({ key, value }: StoredRecord): StoredResult {
  const decoder = new TextDecoder();
  const [event, member = ""] = decoder.decode(value ?? undefined).split(" by ");
  return { key: decoder.decode(key ?? undefined), event: Number(event), member };
}
