import { assertEquals } from "@std/assert";
import type { InboundEvent } from "../../../src/core/event.ts";
import { Delivery } from "../../../src/core/delivery.ts";
import { type Lease, LeaseController } from "../../../src/core/lease.ts";
import { EventNotSettledError } from "../../../src/core/listener.ts";
import {
  Redrive,
  type RedriveOne,
  type RedriveOptions,
} from "../../../src/core/redrive/redrive.ts";
import { anEvent, bytes } from "../../support/events.ts";
import { everythingSettled } from "../../support/eventually.ts";
import { FakeListener } from "../../support/fakes/listener.ts";

/** A dead letter at `DLQ[0]` of the pipeline `orders`. */
function aDeadLetter(
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

function aRedrive(deadLetters: readonly InboundEvent[], parts: Partial<RedriveOptions> = {}) {
  const listener = new FakeListener(...deadLetters);
  const lease = new LeaseController();
  const redriven: number[] = [];
  const redrive = new Redrive({
    pipeline: "orders",
    deadLetters: listener,
    ordering: "key",
    redriveOne: ({ event: { position } }) => {
      redriven.push(position);
      return Promise.resolve(null);
    },
    ...parts,
  });
  return { redrive, lease, redriven, listener };
}

const NOTHING = { redriven: 0, notMatching: 0, ofOtherPipelines: 0, notDeadLetters: 0 };

Deno.test("Redrive redrives the dead letters of the pipeline and passes over everything else", async () => {
  const { redrive, lease, redriven, listener } = aRedrive([
    aDeadLetter(0),
    aDeadLetter(1, { pipeline: "invoices" }),
    anEvent({ topic: "DLQ", offset: 2 }),
    aDeadLetter(3),
  ]);
  assertEquals(await redrive.run(lease), null);
  assertEquals(redriven, [0, 3]);
  assertEquals(redrive.counts, { ...NOTHING, redriven: 2, ofOtherPipelines: 1, notDeadLetters: 1 });
  assertEquals(listener.outcomes.toSorted(), [0, 1, 2, 3].map((at) => `DLQ[0]@${at} settled`));
  assertEquals(lease.ending.aborted, false);
});

Deno.test("Redrive passes over what the filter does not select", async () => {
  const { redrive, lease, redriven } = aRedrive(
    [aDeadLetter(0), aDeadLetter(1, { status: "400" }), aDeadLetter(2)],
    { filter: { name: "status", value: "503" } },
  );
  await redrive.run(lease);
  assertEquals(redriven, [0, 2]);
  assertEquals(redrive.counts, { ...NOTHING, redriven: 2, notMatching: 1 });
});

/** Redrives dead letters when it is told to. */
function byHand() {
  const started: number[] = [];
  const waiting = new Map<number, PromiseWithResolvers<string | null>>();
  const redriveOne: RedriveOne = ({ event: { position: offset } }) => {
    started.push(offset);
    const result = Promise.withResolvers<string | null>();
    waiting.set(offset, result);
    return result.promise;
  };
  return {
    started,
    redriveOne,
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

Deno.test("Redrive redrives dead letters of one key one after the other, and those of others meanwhile", async () => {
  const hand = byHand();
  const deadLetters = [
    aDeadLetter(0, { key: "a" }),
    aDeadLetter(1, { key: "b" }),
    aDeadLetter(2, { key: "a" }),
  ];
  const { redrive, lease } = aRedrive(deadLetters, { redriveOne: hand.redriveOne });
  const running = redrive.run(lease);
  await everythingSettled();
  assertEquals(hand.started, [0, 1]);
  await hand.finish(0);
  assertEquals(hand.started, [0, 1, 2]);
  await hand.finish(1);
  await hand.finish(2);
  assertEquals(await running, null);
});

Deno.test("Redrive ends at its limit once all are stored, and settles nothing behind", async () => {
  const hand = byHand();
  const deadLetters = [
    aDeadLetter(0),
    aDeadLetter(1, { pipeline: "invoices" }),
    aDeadLetter(2),
    aDeadLetter(3),
    aDeadLetter(4, { pipeline: "invoices" }),
  ];
  const { redrive, lease, listener } = aRedrive(deadLetters, {
    redriveOne: hand.redriveOne,
    limit: 2,
  });
  const running = redrive.run(lease);
  await everythingSettled();
  await hand.finish(0);
  assertEquals(lease.ending.aborted, false);
  await hand.finish(2);
  assertEquals(lease.ending.aborted, true);
  await running;
  assertEquals(hand.started, [0, 2]);
  assertEquals(redrive.counts, { ...NOTHING, redriven: 2, ofOtherPipelines: 1 });
  assertEquals(listener.outcomes.toSorted(), [
    "DLQ[0]@0 settled",
    "DLQ[0]@1 settled",
    "DLQ[0]@2 settled",
    "DLQ[0]@3 not settled: The limit is reached",
    "DLQ[0]@4 not settled: The limit is reached",
  ]);
});

Deno.test("Redrive ends at once, when nothing is left of its limit", async () => {
  const { redrive, lease, redriven } = aRedrive([aDeadLetter(0)], { limit: 0 });
  await redrive.run(lease);
  assertEquals([redriven, lease.ending.aborted], [[], true]);
});

Deno.test("Redrive ends at a dead letter that can never be redriven, and does not settle it", async () => {
  const hand = byHand();
  const deadLetters = [
    aDeadLetter(0, { key: "a" }),
    aDeadLetter(1, { key: "b" }),
    aDeadLetter(2, { key: "b" }),
  ];
  const { redrive, lease, listener } = aRedrive(deadLetters, { redriveOne: hand.redriveOne });
  const running = redrive.run(lease);
  await everythingSettled();
  await hand.finish(1, "it is too large");
  assertEquals(lease.ending.aborted, true);
  await hand.finish(0);
  assertEquals(await running, "it is too large");
  assertEquals(hand.started, [0, 1]);
  assertEquals(redrive.counts, { ...NOTHING, redriven: 1 });
  assertEquals(listener.outcomes.filter((outcome) => outcome.endsWith(" settled")), [
    "DLQ[0]@0 settled",
  ]);
});

Deno.test("Redrive does not count what was not redriven before the lease ended", async () => {
  const hand = byHand();
  const { redrive, lease } = aRedrive([aDeadLetter(0)], { redriveOne: hand.redriveOne });
  const running = redrive.run(lease);
  await everythingSettled();
  await hand.fail(0, new EventNotSettledError("The lease ended"));
  await running;
  assertEquals(redrive.counts, NOTHING);
});

Deno.test("Redrive redrives no dead letter before one of its key that was refused", async () => {
  const hand = byHand();
  const deadLetters = [
    aDeadLetter(5, { key: "a" }),
    aDeadLetter(6, { key: "a" }),
    aDeadLetter(7, { key: "b" }),
  ];
  const listener = new GapListener(...deadLetters);
  const { redrive, lease } = aRedrive([], { redriveOne: hand.redriveOne, deadLetters: listener });
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

/** Has all events lie between those that have begun: work on them may begin while their lease is ending. */
class GapListener extends FakeListener {
  protected override delivery(event: InboundEvent, lease: Lease): Delivery {
    return new class extends Delivery {
      override get mayBegin(): boolean {
        return true;
      }
    }(event, lease);
  }
}

Deno.test("Redrive does not count a dead letter to its limit that went to another member", async () => {
  let isFirst = true;
  const { redrive, lease } = aRedrive([aDeadLetter(0)], {
    limit: 1,
    redriveOne: () => {
      if (!isFirst) return Promise.resolve(null);
      isFirst = false;
      return Promise.reject(new EventNotSettledError("the partition is another's now"));
    },
  });
  await redrive.run(lease);
  assertEquals([redrive.counts.redriven, lease.ending.aborted], [0, false]);
});
