import { assert, assertEquals } from "@std/assert";
import {
  attemptsBefore,
  type AttemptsNote,
  formatNote,
  parseNote,
} from "../../../../src/transports/kafka/consumer/poison_pill.ts";

const ATTEMPTS = { made: 3, counted: 2, crashes: 1, firstFailedAtMs: 1652708532000 };

Deno.test("A note of attempts is what it was when it is read again", async (t) => {
  const notes = [
    { isUnderWay: true },
    { attempts: ATTEMPTS, isUnderWay: true },
    { attempts: ATTEMPTS, isUnderWay: false },
  ];
  for (const note of notes) {
    const text = formatNote(note);
    await t.step(text, () => assertEquals(parseNote(text), note));
  }
});

Deno.test("A note of attempts says nothing when there is nothing to say", () => {
  assertEquals(formatNote({ isUnderWay: false }), "");
  assertEquals(parseNote(""), null);
});

Deno.test("A note of attempts takes no text of others for one", async (t) => {
  const texts = [
    null,
    "by hand",
    '{"eventor":',
    '{"eventor":null}',
    '{"eventor":{}}',
    '{"eventor":{"isUnderWay":"yes"}}',
    '[{"eventor":{"isUnderWay":true}}]',
  ];
  for (const text of texts) {
    await t.step(String(text), () => assertEquals(parseNote(text), null));
  }
});

Deno.test("A note of attempts believes no impossible counts and times", async (t) => {
  const changes: Record<string, unknown>[] = [
    { made: -1 },
    { made: 1.5 },
    { made: 1e20 },
    { counted: "2" },
    { crashes: null },
    { firstFailedAt: "yesterday" },
    { firstFailedAt: undefined },
    { firstFailedAt: { toString: 1 } },
    { firstFailedAt: 0 },
  ];
  const { eventor } = JSON.parse(formatNote({ attempts: ATTEMPTS, isUnderWay: true }));
  for (const change of changes) {
    const text = JSON.stringify({ eventor: { ...eventor, ...change } });
    await t.step(text, () => assertEquals(parseNote(text), { isUnderWay: true }));
  }
});

Deno.test("attemptsBefore() counts what was under way as tried and not survived", () => {
  const before = (note: AttemptsNote) =>
    attemptsBefore({ offset: "5", metadata: formatNote(note) }, 5);
  assertEquals(before({ isUnderWay: false }), undefined);
  assertEquals(before({ attempts: ATTEMPTS, isUnderWay: false }), ATTEMPTS);
  assertEquals(before({ attempts: ATTEMPTS, isUnderWay: true }), {
    ...ATTEMPTS,
    made: 4,
    counted: 3,
    crashes: 2,
  });
  const startMs = new Date().getTime();
  const { firstFailedAtMs = 0, ...counts } = before({ isUnderWay: true }) ?? {};
  assertEquals(counts, { made: 1, counted: 1, crashes: 1 });
  assert(startMs <= firstFailedAtMs && firstFailedAtMs <= new Date().getTime());
});

Deno.test("attemptsBefore() knows what was tried at the offset that was committed, and at no other", () => {
  const metadata = formatNote({ attempts: ATTEMPTS, isUnderWay: false });
  const committed = { offset: "5", metadata };
  assertEquals([4, 5, 6].map((offset) => attemptsBefore(committed, offset)), [
    undefined,
    ATTEMPTS,
    undefined,
  ]);
  assertEquals(attemptsBefore({ offset: "5", metadata: null }, 5), undefined);
  assertEquals(attemptsBefore(undefined, 5), undefined);
});
