import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../../support/eventually.ts";
import { GroupClient } from "../../../support/kafka/group_clients.ts";
import { declaredPartitions } from "../../../support/kafka/broker.ts";
import { SharedGroup } from "../../../support/kafka/shared_group.ts";

Deno.test("pipelines of one group with different topics read all of them", async () => {
  await using shared = await SharedGroup.create({ a: 2, b: 2 });
  await using _ = shared.pipelines(["a", "b"]);
  await shared.allRead({ a: 2, b: 2 });
});

Deno.test("members that come one after the other with different topics read all of them, whichever leads", async () => {
  await using shared = await SharedGroup.create({ a: 2, b: 2 });
  for (const [leader, other] of [["a", "b"], ["b", "a"]] as const) {
    await using _leader = shared.pipelines([leader]);
    await shared.allRead({ [leader]: 2 });
    await using _other = shared.pipelines([other]);
    await shared.allRead({ a: 2, b: 2 });
  }
});

Deno.test("thirty pipelines of one group read the topic of each", async () => {
  const names = Array.from({ length: 30 }, (_, index) => `t${index}`);
  const topics = Object.fromEntries(names.map((name) => [name, 1]));
  await using shared = await SharedGroup.create(topics);
  await using _ = shared.pipelines(names);
  await shared.allRead(topics);
});

Deno.test("the old topic and the new one are read while one of two members has been renamed", async () => {
  await using shared = await SharedGroup.create({ old: 3, new: 2 });
  await using _stays = shared.pipelines(["old"]);
  {
    await using _isRenamed = shared.pipelines(["old"]);
    await shared.allRead({ old: 3 });
  }
  await using _renamed = shared.pipelines(["new"]);
  await shared.allRead({ old: 3, new: 2 });
});

Deno.test("new partitions of a topic to which the leader does not subscribe are read", async () => {
  await using shared = await SharedGroup.create({ a: 1, b: 1 });
  await using _leader = shared.pipelines(["a"]);
  await shared.allRead({ a: 1 });
  await using _other = shared.pipelines(["b"]);
  await shared.allRead({ a: 1, b: 1 });
  await shared.addPartitions("b", 3);
  await shared.allRead({ a: 1, b: 3 });
});

Deno.test("new partitions cost a group one rebalance, as all members look them up before they rejoin", async () => {
  await using shared = await SharedGroup.create({ t: 3 });
  const notByItself = { "metadata.max.age.ms": 300_000 };
  await using first = shared.pipelines(["t"], notByItself);
  await shared.allRead({ t: 3 });
  await using second = shared.pipelines(["t"], notByItself);
  await using third = shared.pipelines(["t"]);
  const members = [first, second, third];
  for (const { log } of members) await log.line(/joined group/);
  await shared.allRead({ t: 3 });
  const joins = () => members.map(({ log }) => log.matching(/joined group/).length);
  const before = joins();

  await shared.addPartitions("t", 6);

  await shared.allRead({ t: 6 });
  let declared: number[] = [];
  await eventually(async () => {
    declared = await declaredPartitions(shared.group);
    return declared.length === 3 && declared.every((count) => count === 6);
  }, { deadlineMs: 10_000, what: () => `all members know 6 partitions, not ${declared}` });
  const more = joins().map((count, index) => count - (before[index] ?? 0));
  assert(more.every((count) => count <= 2), `rejoined ${more} times`);
});

Deno.test("new partitions are read though the group's leader looks after its own topics alone", async () => {
  await using shared = await SharedGroup.create({ a: 1, b: 1 });
  await using kcat = GroupClient.kcat({ group: shared.group, topics: [shared.topic("a")] });
  await kcat.holds(1);
  await using _other = shared.pipelines(["b"]);
  await shared.allRead({ a: 1, b: 1 }, [kcat]);
  await shared.addPartitions("b", 3);
  await shared.allRead({ a: 1, b: 3 }, [kcat]);
});

Deno.test("a topic that does not exist costs nobody anything, and is read once it does", async () => {
  await using shared = await SharedGroup.create({ a: 2 });
  await using leader = shared.pipelines(["a"]);
  await shared.allRead({ a: 2 });
  const topics = [shared.topic("a"), shared.topic("late")];
  await using java = await GroupClient.java({
    group: shared.group,
    topics,
    keys: { "metadata.max.age.ms": "1000" },
  });
  await java.holds(1);
  await shared.allRead({ a: 2 }, [java]);
  await shared.createTopic("late", 2);
  await shared.allRead({ a: 2, late: 2 }, [java]);
  assertEquals(leader.readiness.flatMap(({ reasons }) => reasons), []);
});

Deno.test("a group goes on while the topic of the member that leads it is gone, and reads it when it is back", async () => {
  await using shared = await SharedGroup.create({ gone: 1, other: 2 });
  await using leader = shared.pipelines(["gone"]);
  await shared.allRead({ gone: 1 });
  await using _other = shared.pipelines(["other"]);
  await shared.allRead({ gone: 1, other: 2 });
  await shared.deleteTopic("gone");
  await leader.log.line(/WARN - cannot read .*: the topic does not exist any more/);
  {
    await using _third = shared.pipelines(["other"]);
    await leader.log.line(/joined group/, { count: 3 });
    await shared.allRead({ other: 2 });
  }
  await shared.allRead({ other: 2 });
  await shared.createTopic("gone", 1);
  await shared.allRead({ gone: 1, other: 2 });
});

Deno.test("a member that gets no partition says so, with the numbers of members and partitions", async () => {
  await using shared = await SharedGroup.create({ t: 2, u: 1 });
  await using _other = shared.pipelines(["u"]);
  await using _first = shared.pipelines(["t"]);
  await using _second = shared.pipelines(["t"]);
  await shared.allRead({ t: 2, u: 1 });
  await using third = shared.pipelines(["t"]);
  const said = /^INFO - holds none of the 2 partitions of .*-t, which 3 members of '.*' share/;
  await eventually(
    () => [_first, _second, third].some(({ log }) => log.matching(said).length > 0),
    { deadlineMs: 30_000, what: "what the third member says" },
  );
  await shared.allRead({ t: 2, u: 1 });
});

const CLIENTS = {
  "kcat with its default, range and roundrobin": GroupClient.kcat,
  "Java's consumer with its default assignors": GroupClient.java,
  "Java's consumer with RoundRobinAssignor": (options: Parameters<typeof GroupClient.java>[0]) =>
    GroupClient.java({
      ...options,
      keys: {
        "partition.assignment.strategy": "org.apache.kafka.clients.consumer.RoundRobinAssignor",
      },
    }),
};

for (const [name, start] of Object.entries(CLIENTS)) {
  Deno.test(`a group is shared with ${name}, which was there first`, async () => {
    await using shared = await SharedGroup.create({ t: 4 });
    await using client = await start({ group: shared.group, topics: [shared.topic("t")] });
    await client.holds(4);
    {
      await using _ = shared.pipelines(["t"]);
      await client.holds(2);
      await shared.allRead({ t: 4 }, [client]);
    }
    await client.holds(4);
    await shared.allRead({ t: 4 }, [client]);
  });

  Deno.test(`a group is shared with ${name}, which comes later`, async () => {
    await using shared = await SharedGroup.create({ t: 4 });
    await using _ = shared.pipelines(["t"]);
    await shared.allRead({ t: 4 });
    {
      await using client = await start({ group: shared.group, topics: [shared.topic("t")] });
      await client.holds(2);
      await shared.allRead({ t: 4 }, [client]);
    }
    await shared.allRead({ t: 4 });
  });
}
