import { assertEquals } from "@std/assert";
import { FetchDemand } from "../../../../src/transports/kafka/consumer/fetch_buffer.ts";

Deno.test("FetchDemand tells whoever waits of the next rise, and nobody of those before", () => {
  const demand = new FetchDemand();
  demand.noteRise();
  const [one, other] = [demand.nextRise, demand.nextRise];
  assertEquals([one.aborted, other.aborted], [false, false]);

  demand.noteRise();
  assertEquals([one.aborted, other.aborted, demand.nextRise.aborted], [true, true, false]);
});

Deno.test("FetchDemand expects to rise soon for a second after it has risen", () => {
  const { now } = performance;
  let nowMs = 0;
  performance.now = () => nowMs;
  try {
    const demand = new FetchDemand();
    assertEquals(demand.risesSoon, false);

    demand.noteRise();
    nowMs = 999;
    assertEquals(demand.risesSoon, true);

    nowMs = 1000;
    assertEquals(demand.risesSoon, false);
  } finally {
    performance.now = now;
  }
});
