import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import {
  assignByRange,
  assignByRoundRobin,
  type GroupSubscriber,
} from "../../../../src/transports/kafka/consumer/assignment/strategies.ts";
import { install } from "../../../../tools/kafka/installation.ts";
import { seededRandom } from "../../../support/seeded_random.ts";

const JAVA_PROGRAM = fileURLToPath(
  new URL("../../../support/kafka/Assignors.java", import.meta.url),
);
const GROUPS = 2000;

/** In orders that differ by case and sign. */
const TOPICS = ["a", "B", "_", "z9", "z-"];

Deno.test("range and roundrobin assign what Java's assignors do", async () => {
  const random = seededRandom(19);
  const strategies = { range: assignByRange, roundrobin: assignByRoundRobin };
  const groups = Array.from({ length: GROUPS }, () => randomGroup(random));
  const cases = groups.flatMap(({ members, partitionCounts }) =>
    Object.entries(strategies).map(([name, assign]) => ({
      input: [
        name,
        [...partitionCounts].map(([topic, count]) => `${topic}=${count}`).join(),
        members.map(({ memberId, instanceId, topics }) =>
          `${memberId};${instanceId ?? ""};${[...topics].join()}`
        ).join("/"),
      ].join("|"),
      output: [...assign(members, partitionCounts)]
        .map(([memberId, topics]) => `${memberId}:${namesOf(topics).sort().join()}`)
        .sort().join(" "),
    }))
  );
  const outputs = await javaAssignments(cases.map(({ input }) => input));
  assertEquals(outputs.length, cases.length);
  for (const [index, { input, output }] of cases.entries()) {
    assertEquals(output, outputs[index], input);
  }
});

function namesOf(topics: ReadonlyMap<string, readonly number[]>): string[] {
  return [...topics].flatMap(([topic, partitions]) =>
    partitions.map((partition) => `${topic}-${partition}`)
  );
}

function randomGroup(random: () => number): {
  members: readonly GroupSubscriber[];
  partitionCounts: ReadonlyMap<string, number>;
} {
  const upTo = (limit: number) => Math.floor(random() * limit);
  const topics = TOPICS.slice(0, 1 + upTo(TOPICS.length));
  const members = Array.from({ length: 1 + upTo(6) }, (_, index) => ({
    memberId: `m${upTo(900) + 100}-${index}`,
    instanceId: random() < 0.3 ? `i${upTo(900)}-${index}` : null,
    topics: new Set(topics.filter(() => random() < 0.6)),
  }));
  return { members, partitionCounts: new Map(topics.map((topic) => [topic, upTo(9)])) };
}

async function javaAssignments(inputs: readonly string[]): Promise<readonly string[]> {
  const { libraries } = await install(() => {});
  const child = new Deno.Command("java", {
    args: ["-cp", `${libraries}/*`, JAVA_PROGRAM],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(inputs.map((input) => `${input}\n`).join("")));
  await writer.close();
  return new TextDecoder().decode((await output).stdout).trimEnd().split("\n");
}
