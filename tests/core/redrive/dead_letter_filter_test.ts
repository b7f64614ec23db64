import { assertEquals } from "@std/assert";
import type {
  DeadLetterFact,
  DeadLetterFacts,
} from "../../../src/core/failures/dead_letter_facts.ts";
import {
  FILTER_NAMES,
  formatFilter,
  isChosen,
  parseFilter,
} from "../../../src/core/redrive/dead_letter_filter.ts";

function facts(...pairs: readonly (readonly [DeadLetterFact, string])[]): DeadLetterFacts {
  return new Map(pairs);
}

Deno.test("parseFilter() reads what formatFilter() writes", () => {
  for (const name of FILTER_NAMES) {
    for (const value of ["503", "a=b", "=", " ", "two\nlines"]) {
      const filter = { name, value };
      assertEquals(parseFilter(formatFilter(filter)), filter);
    }
  }
});

Deno.test("parseFilter() is null, when there is no such filter", () => {
  for (const text of ["", "status", "status=", "=503", "pipeline=orders", "toString=1"]) {
    assertEquals(parseFilter(text), null, text);
  }
});

Deno.test("isChosen() compares one fact as a whole", () => {
  const filter = { name: "status", value: "503" } as const;
  assertEquals(isChosen(facts(["reason", "status"], ["status", "503"]), filter), true);
  assertEquals(isChosen(facts(["reason", "503"], ["status", "5030"]), filter), false);
  assertEquals(isChosen(facts(["reason", "noResponse"]), filter), false);
});

Deno.test("isChosen() chooses everything, when there is no filter", () => {
  assertEquals(isChosen(facts(), undefined), true);
});
