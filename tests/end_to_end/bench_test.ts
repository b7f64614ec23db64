import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { executable, runTool } from "../support/executable/eventor_process.ts";
import { testBroker } from "../support/kafka/broker.ts";

const DEADLINE_MS = 240_000;
const main = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));

Deno.test("the benchmark prints a row for each scenario and exits with 0, in its short form", async () => {
  const { code, stdout, stderr } = await runTool(main, {
    args: ["--short"],
    env: { EVENTOR_TEST_BROKER: testBroker(), EVENTOR_EXECUTABLE: executable() },
    deadlineMs: DEADLINE_MS,
  });
  const [, , ...rows] = stdout.trimEnd().split("\n");
  const numbers = rows.map((row) => row.split(" | ")[0]);
  assertEquals(
    { code, numbers },
    { code: 0, numbers: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((number) => `| ${number}`) },
    stderr,
  );
});
