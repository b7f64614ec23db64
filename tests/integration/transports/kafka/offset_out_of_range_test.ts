import { assertEquals } from "@std/assert";
import { eventually } from "../../../support/eventually.ts";
import {
  commitOffset,
  committedOffsets,
  deleteRecords,
  freshName,
  freshTopic,
  produce,
} from "../../../support/kafka/broker.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";

const OLD = ["a", "b", "c"].map((value) => ({ value }));

Deno.test("with 'latest' a group that starts beyond the end goes on at the end, and its next member does so, too", async () => {
  const { topic, group } = await topicAndGroupBeyondItsEnd();
  const keys = { "auto.offset.reset": "latest" };
  {
    await using listening = await KafkaListening.open({ topic, group, keys });
    assertEquals(
      await listening.log.line(/has no offset/),
      `ERROR - ${topic}[0] has no offset 1000000, only 0 to 3: group '${group}' continues at offset 3, its end, ` +
        "as auto.offset.reset is latest",
    );
    await produce(topic, [{ value: "new" }]);
    await listening.received(1);
    assertEquals(listening.values, ["new"]);
    await eventually(async () => (await committedOffsets(group, topic)).get(0) === 4, {
      deadlineMs: 20_000,
      what: "a commit",
    });
  }
  await produce(topic, [{ value: "while away" }]);
  await using listening = await KafkaListening.open({ topic, group, keys });
  await listening.received(1);
  assertEquals(listening.values, ["while away"]);
  assertEquals(listening.log.of("ERROR"), []);
});

Deno.test("with 'latest' what is stored after a start beyond the end is not skipped when the member ends before it", async () => {
  const { topic, group } = await topicAndGroupBeyondItsEnd();
  const keys = { "auto.offset.reset": "latest" };
  {
    await using listening = await KafkaListening.open({ topic, group, keys });
    await listening.log.line(/continues at offset 3/);
  }
  await produce(topic, [{ value: "while away" }]);
  await using listening = await KafkaListening.open({ topic, group, keys });
  await listening.received(1);
  assertEquals(listening.values, ["while away"]);
});

Deno.test("with 'earliest' a group that starts beyond the end goes on at the first event", async () => {
  const { topic, group } = await topicAndGroupBeyondItsEnd();
  await using listening = await KafkaListening.open({ topic, group });
  await listening.received(3);
  assertEquals(
    listening.log.of("ERROR"),
    [
      `${topic}[0] has no offset 1000000, only 0 to 3: group '${group}' continues at offset 0, its first event, as ` +
      "auto.offset.reset is earliest",
    ],
  );
});

Deno.test("with 'latest' a group whose next events were deleted goes on at the first one that is there", async () => {
  const topic = await freshTopic("range");
  const group = freshName("range");
  await produce(topic, OLD);
  await commitOffset(group, topic, 0);
  await deleteRecords(topic, { 0: 2 });
  const keys = { "auto.offset.reset": "latest" };
  await using listening = await KafkaListening.open({ topic, group, keys });
  await listening.received(1);
  assertEquals(listening.values, ["c"]);
  assertEquals(listening.log.of("ERROR"), [
    `${topic}[0] has no offset 0, only 2 to 3: group '${group}' continues at offset 2, its first event now, as 2 ` +
    "offsets were deleted before they were read",
  ]);
});

async function topicAndGroupBeyondItsEnd(): Promise<{ topic: string; group: string }> {
  const topic = await freshTopic("range");
  const group = freshName("range");
  await produce(topic, OLD);
  await commitOffset(group, topic, 1_000_000);
  return { topic, group };
}
