import { assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { fetchForAWhile } from "../../../../src/transports/kafka/consumer/group_fetches.ts";
import type {
  ConsumerGroup,
  PartitionResponse,
} from "../../../../src/transports/kafka/kafkajs/types.ts";
import type { FetchedPartition } from "../../../../src/transports/kafka/consumer/partition_response.ts";
import { PartitionProblems } from "../../../../src/transports/kafka/client/partition_problems.ts";
import { FetchDemand } from "../../../../src/transports/kafka/consumer/fetch_buffer.ts";
import { promisesSettled } from "../../../support/eventually.ts";
import { FakeTimers } from "../../../support/fakes/timers.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const MAX_WAIT_MS = 200;

interface FetchRequest {
  readonly maxWaitTime: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: number }[];
  }[];
}

/** What is not said of a partition is that it has nothing new. */
type Answer = Partial<PartitionResponse> & { readonly partition: number };

/** Partitions 0 and 1 of topic T, and a broker that answers at once. */
class FakeGroup {
  readonly maxWaitTime = MAX_WAIT_MS;
  readonly minBytes = 1;
  readonly maxBytes = 1000;
  readonly maxBytesPerPartition = 100;
  readonly isolationLevel = 1;
  readonly rackId = "";
  readonly metadataMaxAge = 300_000;
  readonly preferredReadReplicasPerTopicPartition: ConsumerGroup[
    "preferredReadReplicasPerTopicPartition"
  ] = {};
  readonly requests: FetchRequest[] = [];
  readonly resolved: object[] = [];
  readonly taken: FetchedPartition[] = [];
  isGivenUp = false;
  partitionsAtBroker = [{ topic: "T", partitions: [0, 1] }];
  committed: Record<number, string> = { 0: "100", 1: "200" };
  answer: (request: FetchRequest) => readonly Answer[] = () => [];
  /** Partitions that the broker says nothing of. */
  readonly silentAbout = new Set<number>();
  /** How long the broker asks to be left alone. */
  throttleMs = 0;
  readonly outOfRange: [number, number][] = [];
  readonly log = new RecordedLog();
  nowMs = 0;
  readonly troubles = new PartitionProblems({
    topic: "T",
    action: "read",
    log: this.log.log,
    health: undefined,
    now: () => this.nowMs,
  });
  timesStale = 0;
  readonly demand = new FetchDemand();
  readonly offsetManager = {
    committedOffsets: () => ({ T: this.committed }),
    nextOffset: (_: string, partition: number) => this.committed[partition]!,
    resolveOffset: (offset: object) => void this.resolved.push(offset),
  };
  readonly cluster = {
    findBroker: () => Promise.resolve({ fetch: (request: object) => this.#answer(request) }),
    getNodeIds: () => ["1", "2"],
  };

  assigned(): typeof this.partitionsAtBroker {
    return this.partitionsAtBroker;
  }

  filterPartitionsByNode(): typeof this.partitionsAtBroker {
    return this.partitionsAtBroker;
  }

  async fetchForAWhile(
    wantsMore: (partition: number, nextOffset: number) => boolean = () => true,
  ): Promise<void> {
    await fetchForAWhile(this as unknown as ConsumerGroup, {
      nodeId: "1",
      isGivenUp: () => this.isGivenUp,
      member: {
        wantsMore,
        demand: this.demand,
        troubles: this.troubles,
        take: (fetched) => void this.taken.push(fetched),
      },
      outOfRange: (...place) => void this.outOfRange.push(place),
      noteStale: () => void this.timesStale++,
    });
  }

  /** Where each request fetched from. */
  get fetchedFrom(): Record<number, number>[] {
    return this.requests.map(({ topics }) =>
      Object.fromEntries(
        topics[0]!.partitions.map(({ partition, fetchOffset }) => [partition, fetchOffset]),
      )
    );
  }

  /** What was taken, without the records themselves. */
  get summaries(): object[] {
    return this.taken.map(({ records, ...summary }) => ({
      ...summary,
      lastOffsets: records.map(({ lastOffset }) => lastOffset),
    }));
  }

  async #answer(request: object) {
    this.requests.push(request as FetchRequest);
    const answers = [...this.answer(request as FetchRequest)];
    // A broker's answer never comes within the same turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 1));
    const asked = (request as FetchRequest).topics[0]!.partitions
      .filter(({ partition }) => !this.silentAbout.has(partition));
    const partitions = asked.map(({ partition, fetchOffset }): PartitionResponse => ({
      partition,
      errorCode: 0,
      highWatermark: `${fetchOffset}`,
      lastStableOffset: `${fetchOffset}`,
      messages: [],
      ...answers.find((answer) => answer.partition === partition),
    }));
    const responses = [{ topicName: "T", partitions }];
    return { clientSideThrottleTime: this.throttleMs, responses };
  }
}

function records(lastOffset: number, { isSkipped = false } = {}) {
  const open = () => Promise.reject(new Error("nobody opens it here"));
  return { firstOffset: lastOffset, lastOffset, sizeInBytes: 10, open, isSkipped };
}

Deno.test("fetchForAWhile() fetches again and again, each time from behind what has come", async () => {
  const group = new FakeGroup();
  group.answer = ({ topics }) => {
    const { partition, fetchOffset } = topics[0]!.partitions[0]!;
    return [{ partition, messages: [records(fetchOffset + 4), records(fetchOffset + 9)] }];
  };
  await group.fetchForAWhile();
  assertEquals(group.fetchedFrom.slice(0, 3), [
    { 0: 100, 1: 200 },
    { 0: 110, 1: 200 },
    { 0: 120, 1: 200 },
  ]);
  assertEquals(group.summaries.slice(0, 2), [
    { partition: 0, fetchedOffset: 100, nextOffset: 110, lastOffsets: [104, 109] },
    { partition: 0, fetchedOffset: 110, nextOffset: 120, lastOffsets: [114, 119] },
  ]);
  assertEquals(group.resolved.slice(0, 2), [
    { topic: "T", partition: 0, offset: "109" },
    { topic: "T", partition: 0, offset: "119" },
  ]);
});

Deno.test("fetchForAWhile() comes back in time for a heartbeat", async () => {
  const group = new FakeGroup();
  const startMs = performance.now();
  await group.fetchForAWhile();
  assertLess(performance.now() - startMs, 2000);
  assertGreater(group.requests.length, 1);
});

Deno.test("fetchForAWhile() fetches only what is wanted, and then does not wait for long", async () => {
  const group = new FakeGroup();
  const unwanted = new Set([1]);
  group.answer = () => {
    unwanted.delete(1);
    return [];
  };
  await group.fetchForAWhile((partition) => !unwanted.has(partition));
  assertEquals(group.fetchedFrom.slice(0, 2), [{ 0: 100 }, { 0: 100, 1: 200 }]);
  assertLess(group.requests[0]!.maxWaitTime, 100);
  assertEquals(group.requests[1]!.maxWaitTime, MAX_WAIT_MS);
});

Deno.test("fetchForAWhile() asks whether more is wanted from where the next fetch would begin", async () => {
  const group = new FakeGroup();
  group.answer = ({ topics }) =>
    topics[0]!.partitions.map(({ partition, fetchOffset }) => ({
      partition,
      messages: [records(fetchOffset + 9)],
    }));
  await group.fetchForAWhile((partition, nextOffset) => nextOffset < (partition === 0 ? 120 : 200));
  assertEquals(group.fetchedFrom, [{ 0: 100 }, { 0: 110 }]);
});

Deno.test("fetchForAWhile() asks for nothing while nothing is wanted", async () => {
  const group = new FakeGroup();
  await group.fetchForAWhile(() => false);
  assertEquals(group.requests, []);
});

Deno.test("fetchForAWhile() fetches as soon as more is wanted, without any time having to pass", async () => {
  using timers = new FakeTimers();
  const group = new FakeGroup();
  let isWanted = false;
  const fetching = group.fetchForAWhile(() => isWanted);
  await promisesSettled();
  assertEquals(group.requests, []);

  isWanted = true;
  group.demand.noteRise();
  await promisesSettled();
  assertEquals(group.fetchedFrom, [{ 0: 100, 1: 200 }]);

  assertEquals(timers.count, 1, "nothing waits but the broker's answer");
  group.isGivenUp = true;
  timers.fire(0);
  await fetching;
});

Deno.test("fetchForAWhile() does not wait at the broker while what is not wanted is likely to be soon", async () => {
  using timers = new FakeTimers();
  const group = new FakeGroup();
  group.demand.noteRise();
  const unwanted = new Set([1]);
  const fetching = group.fetchForAWhile((partition) => !unwanted.has(partition));
  await promisesSettled();
  assertEquals([group.fetchedFrom, group.requests[0]!.maxWaitTime], [[{ 0: 100 }], 0]);

  timers.fire(0);
  await promisesSettled();
  assertEquals(group.requests.length, 1, "it does not ask again and again");

  unwanted.delete(1);
  group.demand.noteRise();
  await promisesSettled();
  assertEquals(group.fetchedFrom[1], { 0: 100, 1: 200 });
  assertEquals(timers.count, 1, "nothing waits but the broker's answer");
  group.isGivenUp = true;
  timers.fire(0);
  await fetching;
});

Deno.test("fetchForAWhile() fetches at once what has come to be wanted during a fetch that brought nothing", async () => {
  using timers = new FakeTimers();
  const group = new FakeGroup();
  group.demand.noteRise();
  const unwanted = new Set([1]);
  const fetching = group.fetchForAWhile((partition) => !unwanted.has(partition));
  await promisesSettled();
  unwanted.delete(1);
  group.demand.noteRise();

  timers.fire(0);
  await promisesSettled();
  assertEquals(group.fetchedFrom, [{ 0: 100 }, { 0: 100, 1: 200 }]);
  group.isGivenUp = true;
  timers.fire(0);
  await fetching;
});

Deno.test("fetchForAWhile() looks once for each time that it is told, and comes back when it is not told", async () => {
  using timers = new FakeTimers();
  const group = new FakeGroup();
  let questions = 0;
  const fetching = group.fetchForAWhile((partition) => {
    if (partition === 0) questions++;
    return false;
  });
  await promisesSettled();
  assertEquals(questions, 1);

  group.demand.noteRise();
  await promisesSettled();
  assertEquals({ questions, timers: timers.count }, { questions: 2, timers: 1 });

  timers.fire(0);
  await fetching;
  assertEquals({ questions, timers: timers.count }, { questions: 2, timers: 0 });
});

Deno.test("fetchForAWhile() asks for nothing while the broker has none of the partitions", async () => {
  const group = new FakeGroup();
  group.partitionsAtBroker = [];
  await group.fetchForAWhile();
  assertEquals(group.requests, []);
});

Deno.test("fetchForAWhile() leaves out a partition whose beginning is being looked up", async () => {
  const group = new FakeGroup();
  delete group.committed[0];
  await group.fetchForAWhile();
  assertEquals(group.fetchedFrom[0], { 1: 200 });
});

Deno.test("fetchForAWhile() passes over control records", async () => {
  const group = new FakeGroup();
  group.answer = () => [{
    partition: 0,
    messages: [records(104), records(105, { isSkipped: true })],
  }];
  await group.fetchForAWhile();
  assertEquals(group.summaries[0], {
    partition: 0,
    fetchedOffset: 100,
    nextOffset: 106,
    lastOffsets: [104],
  });
});

Deno.test("fetchForAWhile() neither skips nor takes anything when what comes ends before where it was fetched from", async () => {
  const group = new FakeGroup();
  group.answer = () => [{ partition: 0, messages: [records(98)] }];
  await group.fetchForAWhile();
  assertEquals(group.fetchedFrom.slice(0, 2), [{ 0: 100, 1: 200 }, { 1: 200 }]);
  assertEquals(group.taken, []);
  group.troubles.report();
  assertEquals(group.log.lines, [
    "ERROR - cannot read T[0]@100: its broker sends only records before that offset; trying again",
  ]);
});

Deno.test("fetchForAWhile() leaves a partition out that cannot be read, and goes on with the others", async () => {
  const group = new FakeGroup();
  group.answer = ({ topics }) =>
    topics[0]!.partitions.map(({ partition, fetchOffset }) =>
      partition === 0
        ? { partition, errorCode: 56 }
        : { partition, messages: [records(fetchOffset + 9)] }
    );
  await group.fetchForAWhile();
  assertEquals(group.fetchedFrom.slice(0, 3), [{ 0: 100, 1: 200 }, { 1: 210 }, { 1: 220 }]);
  assertEquals(group.timesStale, 1, "the partition may have another leader");

  group.nowMs = 10_000;
  await group.fetchForAWhile();
  group.troubles.report();
  assertEquals(group.log.lines, [
    "WARN - cannot read T[0]@100: its broker cannot use the disk that it is on (KAFKA_STORAGE_ERROR); trying again",
  ]);
});

Deno.test("fetchForAWhile() takes the records before those that cannot be read", async () => {
  const group = new FakeGroup();
  group.answer = () => [{
    partition: 0,
    messages: [records(104)],
    unreadable: { reason: "a batch is damaged" },
  }];
  await group.fetchForAWhile();
  assertEquals(group.taken.map(({ nextOffset }) => nextOffset), [105]);
  group.troubles.report();
  assertEquals(group.log.lines, ["ERROR - cannot read T[0]@105: a batch is damaged; trying again"]);
});

Deno.test("fetchForAWhile() tells of an offset that is out of range once, and waits for where to go on", async () => {
  const group = new FakeGroup();
  group.answer = () => [{ partition: 0, errorCode: 1 }];
  await group.fetchForAWhile();
  assertEquals(group.outOfRange, [[0, 100]]);
});

Deno.test("fetchForAWhile() backs off from a partition that the broker's answers leave out", async () => {
  const group = new FakeGroup();
  group.silentAbout.add(0);
  await group.fetchForAWhile();
  assertEquals(group.fetchedFrom.slice(0, 2), [{ 0: 100, 1: 200 }, { 1: 200 }]);
});

Deno.test("fetchForAWhile() says that a quota is used up when a broker sends nothing because of it for long", async () => {
  const group = new FakeGroup();
  group.silentAbout.add(0).add(1);
  group.throttleMs = 1000;
  await group.fetchForAWhile();
  group.troubles.report();
  assertEquals(group.log.lines, []);
  group.nowMs = 5000;
  group.troubles.report();
  assertEquals(group.log.lines, [
    "WARN - cannot read T[0]@100, T[1]@200: its broker sends nothing while the client exceeds a quota; trying again",
  ]);
});

Deno.test("fetchForAWhile() slows down when the broker answers at once with nothing", async () => {
  const group = new FakeGroup();
  await group.fetchForAWhile();
  await group.fetchForAWhile();
  assertLess(group.requests.length, 20);
});

Deno.test("fetchForAWhile() drops what comes for an assignment that was given up meanwhile", async () => {
  const group = new FakeGroup();
  group.answer = () => {
    group.isGivenUp = true;
    return [{ partition: 0, messages: [records(104)] }];
  };
  await group.fetchForAWhile();
  assertEquals(
    { taken: group.taken, resolved: group.resolved, requests: group.requests.length },
    { taken: [], resolved: [], requests: 1 },
  );
});

Deno.test("fetchForAWhile() ends when another broker is to be asked for a partition", async () => {
  const group = new FakeGroup();
  group.answer = () => [
    { partition: 0, preferredReadReplica: 2, messages: [] },
    { partition: 1, preferredReadReplica: -1, messages: [records(204)] },
  ];
  await group.fetchForAWhile();
  assertEquals(group.requests.length, 1);
  assertEquals(group.taken.map(({ partition }) => partition), [1]);
  const preferred = group.preferredReadReplicasPerTopicPartition["T"] ?? {};
  assertEquals(Object.entries(preferred).map(([partition, { nodeId }]) => [partition, nodeId]), [
    ["0", 2],
  ]);
  assertGreater(preferred[0]!.expireAt, Date.now());
});

Deno.test("fetchForAWhile() backs off when a broker names itself to fetch from, or one that there is not", async () => {
  for (const preferredReadReplica of [1, 99, -2]) {
    const group = new FakeGroup();
    group.answer = () => [{ partition: 0, preferredReadReplica }];
    await group.fetchForAWhile();
    assertEquals(group.troubles.isPaused(0), true);
    assertEquals(group.preferredReadReplicasPerTopicPartition["T"]?.[0], undefined);
  }
});

Deno.test("fetchForAWhile() backs off when a broker says that it has records and sends none", async () => {
  const group = new FakeGroup();
  group.answer = () => [{ partition: 0, lastStableOffset: "150" }];
  await group.fetchForAWhile();
  assertEquals(group.fetchedFrom.slice(0, 2), [{ 0: 100, 1: 200 }, { 1: 200 }]);
});

Deno.test("fetchForAWhile() does not wonder about a partition that gets no room beside others", async () => {
  const group = new FakeGroup();
  group.answer = () => [{ partition: 0, lastStableOffset: "150" }, {
    partition: 1,
    messages: [records(204)],
  }];
  await group.fetchForAWhile();
  assertEquals(group.fetchedFrom[1], { 0: 100, 1: 205 });
});

Deno.test("fetchForAWhile() fails as the fetch does: kafkajs knows what to do", async () => {
  const group = new FakeGroup();
  const failure = new Error("not the leader");
  group.answer = () => {
    throw failure;
  };
  await assertRejects(() => group.fetchForAWhile(), Error, failure.message);
});
