import { assertEquals } from "@std/assert";
import { retryAfterMs } from "../../../src/transports/http/response_result.ts";

const NOW_MS = Date.UTC(2015, 9, 21, 7, 28, 0);

const CASES: [value: string | undefined, expected: number | undefined][] = [
  ["120", 120_000],
  [" 0 ", 0],
  ["Wed, 21 Oct 2015 07:28:30 GMT", 30_000],
  ["Wednesday, 21-Oct-15 07:28:30 GMT", 30_000],
  ["Wed Oct 21 07:28:30 2015", 30_000],
  ["Wed, 21 Oct 2015 07:27:00 GMT", 0],
  [undefined, undefined],
  ["", undefined],
  ["-1", undefined],
  ["1.5", undefined],
  ["soon", undefined],
  ["Some 1, 2015", undefined],
  ["2015-10-21", undefined],
  ["9".repeat(15), 999_999_999_999_999_000],
  ["9".repeat(16), undefined],
];

for (const [value, expected] of CASES) {
  Deno.test(`retryAfterMs() reads ${JSON.stringify(value)}`, () => {
    assertEquals(retryAfterMs(value, NOW_MS), expected);
  });
}
