import { assertEquals } from "@std/assert";
import {
  attemptsBefore,
  AttemptsNotes,
  formatNote,
  parseNote,
} from "../../../../src/transports/kafka/consumer/attempts_note.ts";

const ATTEMPTS = { made: 3, counted: 2, crashes: 1, firstFailedAtMs: 1652708532000 };
const NOW_MS = 1700000000000;

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
  assertEquals(attemptsBefore({ isUnderWay: false }, NOW_MS), undefined);
  assertEquals(attemptsBefore({ attempts: ATTEMPTS, isUnderWay: false }, NOW_MS), ATTEMPTS);
  assertEquals(attemptsBefore({ attempts: ATTEMPTS, isUnderWay: true }, NOW_MS), {
    ...ATTEMPTS,
    made: 4,
    counted: 3,
    crashes: 2,
  });
  assertEquals(attemptsBefore({ isUnderWay: true }, NOW_MS), {
    made: 1,
    counted: 1,
    crashes: 1,
    firstFailedAtMs: NOW_MS,
  });
});

Deno.test("AttemptsNotes tells what was tried at the offset that was committed, and at no other", () => {
  const notes = new AttemptsNotes();
  notes.set(0, { offset: "5", metadata: formatNote({ attempts: ATTEMPTS, isUnderWay: false }) });
  notes.set(1, { offset: "5", metadata: null });
  assertEquals(
    [[0, 5], [0, 6], [0, 4], [1, 5], [2, 5]].map(([partition = 0, offset = 0]) =>
      notes.attemptsAt(partition, offset)
    ),
    [ATTEMPTS, undefined, undefined, undefined, undefined],
  );
});
