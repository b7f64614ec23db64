import { assertEquals } from "@std/assert";
import type { InboundEvent } from "../../../src/core/event.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import { EventNotSettledError } from "../../../src/core/listener.ts";
import { type PutBack, Redrive, type RedriveParts } from "../../../src/core/redrive/redrive.ts";
import { anEvent, bytes } from "../../support/events.ts";
import { everythingSettled } from "../../support/eventually.ts";
import { FakeListener } from "../../support/fakes/listener.ts";

/** A dead letter at `DLQ[0]` of the pipeline `orders`. */
function aLetter(
  offset: number,
  { key = "key", pipeline = "orders", status = "503" }: {
    key?: string;
    pipeline?: string;
    status?: string;
  } = {},
): InboundEvent {
  return anEvent({
    topic: "DLQ",
    offset,
    key: bytes(key),
    headers: [
      ["eventor-dead-letter-pipeline", bytes(pipeline)],
      ["eventor-dead-letter-status", bytes(status)],
    ],
  });
}

function aRedrive(letters: readonly InboundEvent[], parts: Partial<RedriveParts> = {}) {
  const listener = new FakeListener(...letters);
  const lease = new LeaseController();
  const putBack: number[] = [];
  const redrive = new Redrive({
    pipeline: "orders",
    letters: listener,
    earlier: [],
    ordering: "key",
    putBack: ({ origin }) => {
      putBack.push(origin.offset);
      return Promise.resolve(null);
    },
    ...parts,
  });
  return { redrive, lease, putBack, listener };
}

const NOTHING = {
  putBack: 0,
  notChosen: 0,
  putBackBefore: 0,
  ofOtherPipelines: 0,
  noDeadLetters: 0,
};

Deno.test("Redrive puts the pipeline's letters back and passes over everything else", async () => {
  const { redrive, lease, putBack, listener } = aRedrive([
    aLetter(0),
    aLetter(1, { pipeline: "invoices" }),
    anEvent({ topic: "DLQ", offset: 2 }),
    aLetter(3),
  ]);
  assertEquals(await redrive.run(lease), null);
  assertEquals(putBack, [0, 3]);
  assertEquals(redrive.counts, { ...NOTHING, putBack: 2, ofOtherPipelines: 1, noDeadLetters: 1 });
  assertEquals(listener.outcomes.toSorted(), [0, 1, 2, 3].map((at) => `DLQ[0]@${at} settled`));
  assertEquals(lease.ending.aborted, false);
});

Deno.test("Redrive passes over what the filter does not choose", async () => {
  const { redrive, lease, putBack } = aRedrive(
    [aLetter(0), aLetter(1, { status: "400" }), aLetter(2)],
    { filter: { name: "status", value: "503" } },
  );
  await redrive.run(lease);
  assertEquals(putBack, [0, 2]);
  assertEquals(redrive.counts, { ...NOTHING, putBack: 2, notChosen: 1 });
});

Deno.test("Redrive passes over what another redrive has put back: chosen by its filter, and below its position", async () => {
  const letters = [0, 1, 2, 3].map((offset) =>
    aLetter(offset, { status: offset % 2 === 0 ? "503" : "400" })
  );
  const { redrive, lease, putBack } = aRedrive(letters, {
    earlier: [
      {
        pipeline: "orders",
        filter: { name: "status", value: "503" },
        positions: new Map([[0, 2], [1, 99]]),
      },
      {
        pipeline: "orders",
        filter: { name: "status", value: "404" },
        positions: new Map([[0, 9]]),
      },
      { pipeline: "orders", positions: new Map([[1, 99]]) },
    ],
  });
  await redrive.run(lease);
  assertEquals(putBack, [1, 2, 3]);
  assertEquals(redrive.counts, { ...NOTHING, putBack: 3, putBackBefore: 1 });
});

/** Puts letters back when it is told to. */
function byHand() {
  const started: number[] = [];
  const waiting = new Map<number, PromiseWithResolvers<string | null>>();
  const putBack: PutBack = ({ origin: { offset } }) => {
    started.push(offset);
    const result = Promise.withResolvers<string | null>();
    waiting.set(offset, result);
    return result.promise;
  };
  return {
    started,
    putBack,
    async finish(offset: number, refusal: string | null = null): Promise<void> {
      waiting.get(offset)?.resolve(refusal);
      await everythingSettled();
    },
    async fail(offset: number, error: Error): Promise<void> {
      waiting.get(offset)?.reject(error);
      await everythingSettled();
    },
  };
}

Deno.test("Redrive puts letters of one key back one after the other, and those of others meanwhile", async () => {
  const hand = byHand();
  const letters = [aLetter(0, { key: "a" }), aLetter(1, { key: "b" }), aLetter(2, { key: "a" })];
  const { redrive, lease } = aRedrive(letters, { putBack: hand.putBack });
  const running = redrive.run(lease);
  await everythingSettled();
  assertEquals(hand.started, [0, 1]);
  await hand.finish(0);
  assertEquals(hand.started, [0, 1, 2]);
  await hand.finish(1);
  await hand.finish(2);
  assertEquals(await running, null);
});

Deno.test("Redrive ends at its limit once all have gone back, and settles nothing behind", async () => {
  const hand = byHand();
  const letters = [
    aLetter(0),
    aLetter(1, { pipeline: "invoices" }),
    aLetter(2),
    aLetter(3),
    aLetter(4, { pipeline: "invoices" }),
  ];
  const { redrive, lease, listener } = aRedrive(letters, { putBack: hand.putBack, limit: 2 });
  const running = redrive.run(lease);
  await everythingSettled();
  await hand.finish(0);
  assertEquals(lease.ending.aborted, false);
  await hand.finish(2);
  assertEquals(lease.ending.aborted, true);
  await running;
  assertEquals(hand.started, [0, 2]);
  assertEquals(redrive.counts, { ...NOTHING, putBack: 2, ofOtherPipelines: 1 });
  assertEquals(listener.outcomes.toSorted(), [
    "DLQ[0]@0 settled",
    "DLQ[0]@1 settled",
    "DLQ[0]@2 settled",
    "DLQ[0]@3 not settled: The limit is reached",
    "DLQ[0]@4 not settled: The limit is reached",
  ]);
});

Deno.test("Redrive ends at once, when nothing is left of its limit", async () => {
  const { redrive, lease, putBack } = aRedrive([aLetter(0)], { limit: 0 });
  await redrive.run(lease);
  assertEquals([putBack, lease.ending.aborted], [[], true]);
});

Deno.test("Redrive ends at a letter that can never be put back, and does not settle it", async () => {
  const hand = byHand();
  const letters = [aLetter(0, { key: "a" }), aLetter(1, { key: "b" }), aLetter(2, { key: "b" })];
  const { redrive, lease, listener } = aRedrive(letters, { putBack: hand.putBack });
  const running = redrive.run(lease);
  await everythingSettled();
  await hand.finish(1, "it is too large");
  assertEquals(lease.ending.aborted, true);
  await hand.finish(0);
  assertEquals(await running, "it is too large");
  assertEquals(hand.started, [0, 1]);
  assertEquals(redrive.counts, { ...NOTHING, putBack: 1 });
  assertEquals(listener.outcomes.filter((outcome) => outcome.endsWith(" settled")), [
    "DLQ[0]@0 settled",
  ]);
});

Deno.test("Redrive does not count what was not put back before the lease ended", async () => {
  const hand = byHand();
  const { redrive, lease } = aRedrive([aLetter(0)], { putBack: hand.putBack });
  const running = redrive.run(lease);
  await everythingSettled();
  await hand.fail(0, new EventNotSettledError("The lease ended"));
  await running;
  assertEquals(redrive.counts, NOTHING);
});

Deno.test("Redrive puts no letter back before one of its key that was refused", async () => {
  const hand = byHand();
  const letters = [aLetter(5, { key: "a" }), aLetter(6, { key: "a" }), aLetter(7, { key: "b" })];
  const { redrive, lease, listener } = aRedrive(letters, { putBack: hand.putBack });
  // Work on what lies between those that have begun still begins while a lease is ending.
  lease.begin(7);
  const running = redrive.run(lease);
  await everythingSettled();
  await hand.finish(5, "too large");
  await hand.finish(7);
  assertEquals(await running, "too large");
  assertEquals(hand.started, [5, 7]);
  assertEquals(listener.outcomes.filter((outcome) => outcome.endsWith(" settled")), [
    "DLQ[0]@7 settled",
  ]);
});

Deno.test("Redrive does not count a letter to its limit that went to another member", async () => {
  let isFirst = true;
  const { redrive, lease } = aRedrive([aLetter(0)], {
    limit: 1,
    putBack: () => {
      if (!isFirst) return Promise.resolve(null);
      isFirst = false;
      return Promise.reject(new EventNotSettledError("the partition is another's now"));
    },
  });
  await redrive.run(lease);
  assertEquals([redrive.counts.putBack, lease.ending.aborted], [0, false]);
});
