import { assertEquals, assertNotEquals } from "@std/assert";
import {
  destinationsByCluster,
  destinationsByServers,
} from "../../../src/transports/kafka/destinations.ts";

const BROKERS = ["a:9092", "b:9092"];

Deno.test("destinationsByCluster() knows a topic by its cluster's id, whatever the brokers", () => {
  assertEquals(
    destinationsByCluster("T", { clusterId: "id", brokers: ["a:9092"] }),
    destinationsByCluster("T", { clusterId: "id", brokers: ["b:9092"] }),
  );
});

Deno.test("destinationsByCluster() tells topics and clusters apart", () => {
  const destinations = destinationsByCluster("T", { clusterId: "id", brokers: BROKERS });
  assertNotEquals(destinationsByCluster("U", { clusterId: "id", brokers: BROKERS }), destinations);
  assertNotEquals(destinationsByCluster("T", { clusterId: "ID", brokers: BROKERS }), destinations);
});

Deno.test("destinationsByCluster() knows a topic by the brokers, when the cluster tells no id", () => {
  for (const clusterId of [null, undefined, ""]) {
    assertEquals(
      destinationsByCluster("T", { clusterId, brokers: BROKERS }),
      destinationsByServers("T", BROKERS),
    );
  }
});

Deno.test("destinationsByCluster() has nothing in it that a log could not show", () => {
  const destinations = destinationsByCluster("T", {
    clusterId: "a b\n\u001b[31m",
    brokers: BROKERS,
  });
  assertEquals(destinations, ["kafka cluster a%20b%0A%1B%5B31m topic T"]);
});
