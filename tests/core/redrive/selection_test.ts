import { assertEquals } from "@std/assert";
import type {
  DeadLetterFact,
  DeadLetterFacts,
} from "../../../src/core/failures/dead_letter_facts.ts";
import {
  filterNames,
  formatFilter,
  matches,
  parseFilter,
  readerName,
  type RedriveScope,
} from "../../../src/core/redrive/selection.ts";

const NAMES = filterNames(["topic", "routing-key"]);

function facts(...pairs: readonly (readonly [DeadLetterFact, string])[]): DeadLetterFacts {
  return new Map(pairs);
}

Deno.test("parseFilter() reads what formatFilter() writes", () => {
  for (const name of NAMES) {
    for (const value of ["503", "a=b", "=", " ", "two\nlines"]) {
      const filter = { name, value };
      assertEquals(parseFilter(formatFilter(filter), NAMES), filter);
    }
  }
});

Deno.test("parseFilter() is null, when there is no such filter", () => {
  for (
    const text of [
      "",
      "status",
      "status=",
      "=503",
      "pipeline=orders",
      "toString=1",
      "source-offset=1",
    ]
  ) {
    assertEquals(parseFilter(text, NAMES), null, text);
  }
});

Deno.test("matches() compares one fact as a whole", () => {
  const filter = { name: "status", value: "503" } as const;
  assertEquals(matches(facts(["reason", "status"], ["status", "503"]), filter), true);
  assertEquals(matches(facts(["reason", "503"], ["status", "5030"]), filter), false);
  assertEquals(matches(facts(["reason", "noResponse"]), filter), false);
});

Deno.test("matches() selects everything, when there is no filter", () => {
  assertEquals(matches(facts(), undefined), true);
});

const READERS: readonly (readonly [name: string, scope: RedriveScope])[] = [
  ["eventor-redrive-orders", { pipeline: "orders" }],
  [
    "eventor-redrive-orders:status=503",
    { pipeline: "orders", filter: { name: "status", value: "503" } },
  ],
  [
    "eventor-redrive-MY_TOPIC-to-MY.OTHER:source-topic=a%3Ab",
    { pipeline: "MY_TOPIC-to-MY.OTHER", filter: { name: "source-topic", value: "a:b" } },
  ],
  ["eventor-redrive-orders%3Astatus=503", { pipeline: "orders:status=503" }],
  ["eventor-redrive-B%C3%BCcher%20%26%20mehr", { pipeline: "Bücher & mehr" }],
];

Deno.test("readerName() is another one for each pipeline and each filter", () => {
  for (const [name, scope] of READERS) assertEquals(readerName(scope), name);
});
