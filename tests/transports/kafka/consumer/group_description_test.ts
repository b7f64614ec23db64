import { assertEquals } from "@std/assert";
import { encodeSubscription } from "../../../../src/transports/kafka/kafkajs/consumer_protocol.ts";
import type { ConsumerGroup } from "../../../../src/transports/kafka/kafkajs/types.ts";
import {
  countSubscribers,
  describeRefusal,
} from "../../../../src/transports/kafka/consumer/group_description.ts";

const INCONSISTENT = { type: "INCONSISTENT_GROUP_PROTOCOL" };

Deno.test("describeRefusal() names the strategy of the others, what this member offers, and the cure", async () => {
  const group = aGroup({ protocol: "RoundRobinAssigner", members: 3 });
  assertEquals(
    await describeRefusal(group, INCONSISTENT),
    "group 'orders' (3 members) shares partitions by 'RoundRobinAssigner', and this member offers 'range' and " +
      "'roundrobin': add one of these to the partition.assignment.strategy of all members, stop them, or give this " +
      "pipeline another group.id",
  );
});

Deno.test("describeRefusal() says that a group rebalances when it names no strategy", async () => {
  const group = aGroup({ protocol: "", members: 1 });
  assertEquals(
    await describeRefusal(group, INCONSISTENT),
    "group 'orders' (1 member) shares partitions by another strategy, and this member offers 'range' and " +
      "'roundrobin': add one of these to the partition.assignment.strategy of all members, stop them, or give this " +
      "pipeline another group.id",
  );
});

Deno.test("describeRefusal() tells a group that is none of consumers", async () => {
  const group = aGroup({ protocolType: "connect", protocol: "sessioned", members: 2 });
  assertEquals(
    await describeRefusal(group, INCONSISTENT),
    "group 'orders' is one of protocol type 'connect', not of consumers: give this pipeline another group.id",
  );
});

Deno.test("describeRefusal() tells a group that is not of the classic protocol", async () => {
  const group = aGroup({ protocolType: "", protocol: "", members: 0 });
  for (const type of ["INCONSISTENT_GROUP_PROTOCOL", "GROUP_ID_NOT_FOUND"]) {
    assertEquals(
      await describeRefusal(group, { type }),
      "group 'orders' is not of the classic protocol, but of the one of KIP-848 or a share group: set " +
        "group.protocol=classic for its members, stop them, or give this pipeline another group.id",
    );
  }
});

Deno.test("describeRefusal() does without what a broker does not tell", async () => {
  const coordinator = { describeGroups: () => Promise.reject(new Error("not allowed")) };
  const group = { ...aGroup({}), coordinator } as unknown as ConsumerGroup;
  assertEquals(
    await describeRefusal(group, INCONSISTENT),
    "the members of group 'orders' share no protocol with this member, which offers 'range' and 'roundrobin'; " +
      "the broker does not say what they use: stop them, or give this pipeline another group.id",
  );
});

Deno.test("describeRefusal() tells a group that is full, and a leader that cannot be understood", async () => {
  assertEquals(
    await describeRefusal(aGroup({}), { type: "GROUP_MAX_SIZE_REACHED" }),
    "group 'orders' has as many members as its broker allows: stop one, or raise 'group.max.size' of the brokers",
  );
  assertEquals(
    await describeRefusal(aGroup({}), { type: "UNREADABLE_ASSIGNMENT" }),
    "the leader of group 'orders' has sent an assignment that cannot be read: look at its other members, and give " +
      "this pipeline a group.id of its own",
  );
});

Deno.test("countSubscribers() counts members of the topic, or all while the group rebalances", async () => {
  const t = encodeSubscription(new Map([["T", 1]]));
  const u = encodeSubscription(new Map([["U", 1]]));
  const damaged = new Uint8Array([1]);
  assertEquals(await countSubscribers(aGroup({ metadata: [t, u, damaged, t] }), "T"), 2);
  const empty = new Uint8Array(0);
  assertEquals(await countSubscribers(aGroup({ metadata: [empty, empty, empty] }), "T"), 3);
  assertEquals(await countSubscribers(aGroup({ metadata: [] }), "T"), null);
});

function aGroup(
  { protocolType = "consumer", protocol = "range", members = 1, metadata }: {
    protocolType?: string;
    protocol?: string;
    members?: number;
    metadata?: readonly Uint8Array[];
  },
): ConsumerGroup {
  const described = metadata ?? Array.from({ length: members }, () => new Uint8Array(0));
  const group = {
    groupId: "orders",
    assigners: [{ name: "range" }, { name: "roundrobin" }],
    coordinator: {
      describeGroups: () =>
        Promise.resolve({
          groups: [{
            protocolType,
            protocol,
            members: described.map((memberMetadata) => ({ memberMetadata })),
          }],
        }),
    },
  };
  return group as unknown as ConsumerGroup;
}
