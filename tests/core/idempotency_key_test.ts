import { assertEquals } from "@std/assert";
import { idempotencyKey } from "../../src/core/idempotency_key.ts";
import { anEvent, bytes, QUEUE } from "../support/events.ts";

const OWN = "orders-MY_FIRST_TOPIC-0-184-1652708532000";

Deno.test("idempotencyKey() tells events apart by pipeline, place and time", () => {
  assertEquals(idempotencyKey("orders", anEvent()), OWN);
});

function keyOf(brought: string, event: Parameters<typeof anEvent>[0] = {}) {
  const headers = [["eventor-idempotency-key", bytes(brought)]] as const;
  return idempotencyKey("orders", anEvent({ ...event, headers }));
}

Deno.test("idempotencyKey() is the first one of an event that was put back", () => {
  for (
    const first of [
      "orders-MY_FIRST_TOPIC-0-183-1652708532000",
      "orders-MY_FIRST_TOPIC-0-0-0",
      "orders-MY_FIRST_TOPIC-0-17--1",
      "orders-MY_FIRST_TOPIC-0-17-9223372036854776000",
      // It was put back when its own partition was gone.
      "orders-MY_FIRST_TOPIC-5-9000-1652708532000",
    ]
  ) assertEquals(keyOf(first), first);
});

Deno.test("idempotencyKey() ignores what an event brings along that is not the key of an earlier event of its topic", () => {
  for (
    const brought of [
      "mine",
      "",
      "two words",
      "a\r\nb: c",
      "ö",
      "x".repeat(1025),
      OWN.replace("184", "185"),
      OWN.replace("orders", "payments"),
      OWN.replace("MY_FIRST_TOPIC", "OTHER"),
      "orders-MY_FIRST_TOPIC-0-17",
      "orders-MY_FIRST_TOPIC-0-17-",
      "orders-MY_FIRST_TOPIC-0-017-1652708532000",
      "orders-MY_FIRST_TOPIC-0--17-1652708532000",
      "orders-MY_FIRST_TOPIC-00-17-1652708532000",
      "orders-MY_FIRST_TOPIC-0-17-1e9",
      "orders-MY_FIRST_TOPIC-0-17-1652708532000 ",
      "orders-MY_FIRST_TOPIC-0-17-1652708532000\n",
      "orders-MY_FIRST_TOPIC-0-17-1652708532000-1",
    ]
  ) assertEquals(keyOf(brought), OWN, brought);
});

Deno.test("idempotencyKey() ignores the key of an event behind this one, and of one before it in a new topic", () => {
  const recreated = { offset: 3, timestampMs: 7 };
  assertEquals(
    keyOf("orders-MY_FIRST_TOPIC-0-17-1652708532000", recreated),
    "orders-MY_FIRST_TOPIC-0-3-7",
  );
});

Deno.test("idempotencyKey() finds the first one among headers that are none", () => {
  const first = "orders-MY_FIRST_TOPIC-0-17-1652708532000";
  const headers = ["mine", first].map((key) => ["eventor-idempotency-key", bytes(key)] as const);
  assertEquals(idempotencyKey("orders", anEvent({ headers })), first);
});

Deno.test("idempotencyKey() stays the same when an event of any pipeline was put back", () => {
  const first = idempotencyKey("Bestellungen für alle", anEvent());
  assertEquals(first, "Bestellungen%20f%C3%BCr%20alle-MY_FIRST_TOPIC-0-184-1652708532000");
  const again = anEvent({
    offset: 999,
    headers: [["eventor-idempotency-key", bytes(first ?? "")]],
  });
  assertEquals(idempotencyKey("Bestellungen für alle", again), first);
});

Deno.test("idempotencyKey() is undefined when the source cannot tell events apart, whatever an event claims", () => {
  const headers = [["eventor-idempotency-key", bytes("orders-1")]] as const;
  assertEquals(idempotencyKey("orders", anEvent({ origin: QUEUE, headers })), undefined);
});

Deno.test("idempotencyKey() of a source that knows no order is that of the event, whatever it claims", () => {
  const headers = [["eventor-idempotency-key", bytes("orders-1")]] as const;
  const origin = { ...QUEUE, id: "an id" };
  assertEquals(idempotencyKey("orders", anEvent({ origin, headers })), "orders-an%20id");
});
