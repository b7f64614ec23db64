import { assert, assertEquals } from "@std/assert";
import {
  assignByRange,
  assignByRoundRobin,
  type Assignment,
  type GroupSubscriber,
  type Strategy,
} from "../../../../../src/transports/kafka/consumer/assignment/strategies.ts";
import { seededRandom } from "../../../../support/seeded_random.ts";

// The expected assignments are those of the examples in the documentation of Java's assignors, or worked by hand.

Deno.test("range gives each subscriber a block of each topic, the first ones one more", () => {
  const members = [member("c1", ["t0", "t1"]), member("c0", ["t0", "t1"])];
  assertEquals(shown(assignByRange(members, counts({ t0: 3, t1: 3 }))), {
    c0: { t0: [0, 1], t1: [0, 1] },
    c1: { t0: [2], t1: [2] },
  });
});

Deno.test("range leaves the last members without partitions when there are more members", () => {
  const members = ["a", "b", "c"].map((id) => member(id, ["t"]));
  assertEquals(shown(assignByRange(members, counts({ t: 2 }))), {
    a: { t: [0] },
    b: { t: [1] },
    c: {},
  });
});

Deno.test("range shares a topic among its own subscribers", () => {
  const members = [member("a", ["x"]), member("b", ["y"]), member("c", ["x", "y"])];
  assertEquals(shown(assignByRange(members, counts({ x: 4, y: 5 }))), {
    a: { x: [0, 1] },
    b: { y: [0, 1, 2] },
    c: { x: [2, 3], y: [3, 4] },
  });
});

Deno.test("round robin deals out the partitions of all topics one by one", () => {
  const members = [member("c1", ["t1", "t0"]), member("c0", ["t0", "t1"])];
  assertEquals(shown(assignByRoundRobin(members, counts({ t1: 3, t0: 3 }))), {
    c0: { t0: [0, 2], t1: [1] },
    c1: { t0: [1], t1: [0, 2] },
  });
});

Deno.test("round robin passes over members that do not subscribe", () => {
  const members = [
    member("c0", ["t0"]),
    member("c1", ["t0", "t1"]),
    member("c2", ["t0", "t1", "t2"]),
  ];
  assertEquals(shown(assignByRoundRobin(members, counts({ t0: 1, t1: 2, t2: 3 }))), {
    c0: { t0: [0] },
    c1: { t1: [0] },
    c2: { t1: [1], t2: [0, 1, 2] },
  });
});

Deno.test("static members come first, in the order of their instance ids", () => {
  const members = [
    member("a", ["t"]),
    member("z", ["t"], "i-1"),
    member("y", ["t"], "i-2"),
  ];
  const expected = { z: { t: [0] }, y: { t: [1] }, a: { t: [2] } };
  assertEquals(shown(assignByRange(members, counts({ t: 3 }))), expected);
  assertEquals(shown(assignByRoundRobin(members, counts({ t: 3 }))), expected);
});

for (const [name, strategy] of Object.entries({ assignByRange, assignByRoundRobin })) {
  Deno.test(`${name} gives each partition of a subscribed topic to one member, which subscribes to it`, () => {
    const random = seededRandom(19);
    for (let round = 0; round < 500; round++) {
      const { members, partitionCounts } = randomGroup(random);
      const assignment = strategy(members, partitionCounts);
      assertEquals(new Set(assignment.keys()), new Set(members.map(({ memberId }) => memberId)));
      for (const [topic, count] of partitionCounts) {
        const subscribers = members.filter(({ topics }) => topics.has(topic));
        const holders = members.filter(({ memberId }) => assignment.get(memberId)?.has(topic));
        assert(holders.every((holder) => subscribers.includes(holder)));
        const held = holders.flatMap(({ memberId }) => assignment.get(memberId)?.get(topic) ?? []);
        assertEquals(
          held.toSorted((a, b) => a - b),
          subscribers.length === 0 ? [] : Array.from({ length: count }, (_, index) => index),
        );
      }
    }
  });

  Deno.test(`${name} does not depend on the order in which members and topics are listed`, () => {
    const random = seededRandom(20);
    for (let round = 0; round < 200; round++) {
      const { members, partitionCounts } = randomGroup(random);
      assertEquals(
        shown(strategy(members.toReversed(), new Map([...partitionCounts].reverse()))),
        shown(strategy(members, partitionCounts)),
      );
    }
  });
}

function member(
  memberId: string,
  topics: readonly string[],
  instanceId: string | null = null,
): GroupSubscriber {
  return { memberId, instanceId, topics: new Set(topics) };
}

function counts(partitions: Record<string, number>): ReadonlyMap<string, number> {
  return new Map(Object.entries(partitions));
}

function shown(assignment: Assignment): Record<string, Record<string, readonly number[]>> {
  return Object.fromEntries(
    [...assignment].map(([member, topics]) => [member, Object.fromEntries(topics)]),
  );
}

function randomGroup(random: () => number): {
  members: GroupSubscriber[];
  partitionCounts: Parameters<Strategy>[1];
} {
  const upTo = (limit: number) => Math.floor(random() * limit);
  const topics = Array.from({ length: 1 + upTo(5) }, (_, index) => `t${index}`);
  const members = Array.from(
    { length: 1 + upTo(6) },
    (_, index) =>
      member(
        `m${index}`,
        topics.filter(() => random() < 0.5),
        random() < 0.3 ? `i${index}` : null,
      ),
  );
  return { members, partitionCounts: new Map(topics.map((topic) => [topic, upTo(8)])) };
}
