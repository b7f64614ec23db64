import { assertEquals, assertNotEquals } from "@std/assert";
import { placesByCluster, placesByServers } from "../../../src/transports/kafka/places.ts";

const BROKERS = ["a:9092", "b:9092"];

Deno.test("placesByCluster() knows a topic by its cluster's id, whatever the brokers", () => {
  assertEquals(
    placesByCluster("T", { clusterId: "id", brokers: ["a:9092"] }),
    placesByCluster("T", { clusterId: "id", brokers: ["b:9092"] }),
  );
});

Deno.test("placesByCluster() tells topics and clusters apart", () => {
  const place = placesByCluster("T", { clusterId: "id", brokers: BROKERS });
  assertNotEquals(placesByCluster("U", { clusterId: "id", brokers: BROKERS }), place);
  assertNotEquals(placesByCluster("T", { clusterId: "ID", brokers: BROKERS }), place);
});

Deno.test("placesByCluster() knows a topic by the brokers, when the cluster tells no id", () => {
  for (const clusterId of [null, undefined, ""]) {
    assertEquals(
      placesByCluster("T", { clusterId, brokers: BROKERS }),
      placesByServers("T", BROKERS),
    );
  }
});

Deno.test("placesByCluster() has nothing in it that a log could not show", () => {
  const places = placesByCluster("T", { clusterId: "a b\n\u001b[31m", brokers: BROKERS });
  assertEquals(places, ["kafka cluster a%20b%0A%1B%5B31m topic T"]);
});
