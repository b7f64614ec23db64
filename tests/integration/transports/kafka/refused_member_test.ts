import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../../../support/eventually.ts";
import { GroupClient } from "../../../support/kafka/group_clients.ts";
import { SharedGroup } from "../../../support/kafka/shared_group.ts";
import type { Supervised } from "../../../support/workers/supervised.ts";

Deno.test("a group of cooperative-sticky members alone is said with the cure, and joined once they are gone", async () => {
  await using shared = await SharedGroup.create({ t: 2 });
  await using kcat = GroupClient.kcat({
    group: shared.group,
    topics: [shared.topic("t")],
    keys: { "partition.assignment.strategy": "cooperative-sticky" },
  });
  await kcat.holds(2);
  await using eventor = shared.pipelines(["t"]);
  const said = await eventor.log.line(/^WARN - .*'cooperative-sticky'/);
  assertMatch(
    said,
    /group '.*' \(1 member\) shares partitions by 'cooperative-sticky', and this member offers 'range' and 'roundrobin': add one of these to the partition.assignment.strategy of all members/,
  );
  await ready(eventor, (reasons) => reasons.some((reason) => said.includes(reason)));

  // It goes on trying, in the same Worker.
  await eventor.log.line(/DEBUG - .*'cooperative-sticky'/, { count: 2 });
  assertEquals(eventor.log.of("ERROR"), []);
  await kcat.leave();
  const leftAt = performance.now();
  await eventor.log.line(/INFO - joined group/);
  assert(performance.now() - leftAt < 10_000);
  await ready(eventor, (reasons) => reasons.length === 0);
  await shared.allRead({ t: 2 });
});

Deno.test("a group that offers another strategy than this member is said with both", async () => {
  await using shared = await SharedGroup.create({ t: 2 });
  await using kcat = GroupClient.kcat({
    group: shared.group,
    topics: [shared.topic("t")],
    keys: { "partition.assignment.strategy": "roundrobin" },
  });
  await kcat.holds(2);
  await using eventor = shared.pipelines(["t"], { "partition.assignment.strategy": "range" });
  await eventor.log.line(/^WARN - .*by 'roundrobin', and this member offers 'range':/);
});

Deno.test("a group of KIP-848 members is shared, as the broker lets classic members in", async () => {
  await using shared = await SharedGroup.create({ t: 4 });
  await using java = await GroupClient.java({
    group: shared.group,
    topics: [shared.topic("t")],
    keys: { "group.protocol": "consumer" },
  });
  await java.holds(4);
  await using _ = shared.pipelines(["t"]);
  await java.holds(2);
  await shared.allRead({ t: 4 }, [java]);
});

async function ready(
  eventor: Supervised,
  isSo: (reasons: readonly string[]) => boolean,
): Promise<void> {
  const reasons = () => eventor.readiness.flatMap(({ reasons }) => reasons);
  await eventually(() => isSo(reasons()), {
    deadlineMs: 15_000,
    what: () => `other reasons than ${reasons().join("; ")}`,
  });
}
