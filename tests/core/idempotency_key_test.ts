import { assertEquals } from "@std/assert";
import { idempotencyKey } from "../../src/core/idempotency_key.ts";
import { anEvent, bytes } from "../support/events.ts";

const OWN = "orders-MY_FIRST_TOPIC-0-184-1652708532000";

Deno.test("idempotencyKey() tells events apart by pipeline, place and time", () => {
  assertEquals(idempotencyKey("orders", anEvent()), OWN);
});

Deno.test("idempotencyKey() is the first one of an event that was put back", () => {
  const event = anEvent({ headers: [["eventor-idempotency-key", bytes("first")]] });
  assertEquals(idempotencyKey("orders", event), "first");
});

Deno.test("idempotencyKey() takes nothing from an event that does not fit into a header", () => {
  for (const value of ["", "two words", "a\r\nb: c", "ö", "x".repeat(1025)]) {
    const event = anEvent({ headers: [["eventor-idempotency-key", bytes(value)]] });
    assertEquals(idempotencyKey("orders", event), OWN);
  }
});

Deno.test("idempotencyKey() stays the same when an event of any pipeline was put back", () => {
  const first = idempotencyKey("Bestellungen für alle", anEvent());
  assertEquals(first, "Bestellungen%20f%C3%BCr%20alle-MY_FIRST_TOPIC-0-184-1652708532000");
  const again = anEvent({ offset: 999, headers: [["eventor-idempotency-key", bytes(first)]] });
  assertEquals(idempotencyKey("Bestellungen für alle", again), first);
});
