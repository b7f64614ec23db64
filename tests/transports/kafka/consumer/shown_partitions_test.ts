import { assertEquals } from "@std/assert";
import { shownPartitions } from "../../../../src/transports/kafka/consumer/shown_partitions.ts";

function numbers(count: number, step = 1): number[] {
  return Array.from({ length: count }, (_, index) => index * step);
}

Deno.test("shownPartitions() lists few, shortens what is in a row, and counts what is too much", async (t) => {
  const table: [partitions: number[], shown: string][] = [
    [[], "none"],
    [[3], "3"],
    [[0, 1], "0, 1"],
    [[2, 0, 1], "0-2"],
    [[7, 0, 1, 4, 3, 5], "0, 1, 3-5, 7"],
    [numbers(200_000), "0-199999"],
    [numbers(20, 2), numbers(20, 2).join(", ")],
    [numbers(200_000, 2), `${numbers(20, 2).join(", ")}, and 199980 more`],
    [[...numbers(20, 2), 50, 51, 52], `${numbers(20, 2).join(", ")}, and 3 more`],
  ];
  for (const [partitions, shown] of table) {
    await t.step(shown.slice(0, 40), () => assertEquals(shownPartitions(partitions), shown));
  }
});
