import { assertEquals, assertLess, assertMatch } from "@std/assert";
import type { ConnectAttempt, ConnectOutcome } from "../../../support/network/connecting.ts";
import { connectInOwnNetwork } from "../../../support/network/own_network.ts";

/** Addresses that swallow what is sent to them. */
const DEAD = ["10.0.0.2", "10.0.0.3", "10.0.0.4"] as const;
/** One that no route leads to. */
const FAR = "192.0.2.1";

const LOCALHOST = "localhost:PORT,127.0.0.1:PORT,[::1]:PORT";

const HOSTS: Readonly<Record<string, readonly string[]>> = {
  "both.test": ["127.0.0.1", "::1"],
  "one-of-many.test": ["127.0.0.5", "127.0.0.6", "::1", "127.0.0.1"],
  "half-dead.test": [DEAD[0], DEAD[1], "127.0.0.1"],
  "far-or-refused.test": [FAR, "127.0.0.5"],
  "far.test": [FAR, "192.0.2.2"],
  "dead.test": [DEAD[0]],
  "all-dead.test": DEAD,
  "granted.test": ["127.0.0.7"],
  "moved.test": ["127.0.0.5", "127.0.0.7"],
  "localhost": ["127.0.0.1"],
};

Deno.test("openConnection() reaches the address at which a server listens, whichever of a name's it is", async () => {
  for (const address of ["127.0.0.1", "::1"]) {
    const outcomes = await attempts([address], [
      granted("both.test"),
      granted("one-of-many.test"),
      // The list of hosts has the other address only.
      { host: "localhost", grant: LOCALHOST },
      // It has none with the final dot.
      { host: "localhost.", grant: LOCALHOST.replace("localhost", "localhost.") },
    ]);
    for (const { result, elapsedMs } of outcomes) {
      assertEquals(result, address);
      assertLess(elapsedMs, 1000);
    }
  }
});

Deno.test("openConnection() passes over addresses that do not answer, and ends its attempts there", async () => {
  const outcomes = await attempts(["127.0.0.1"], [
    granted("half-dead.test"),
    granted("half-dead.test"),
  ]);
  for (const { result, elapsedMs } of outcomes) {
    assertEquals(result, "127.0.0.1");
    assertLess(elapsedMs, 2000);
  }
});

Deno.test("openConnection() ends within the time of its caller, and leaves nothing that connects", async () => {
  const outcomes = await attempts([], [
    { ...granted("dead.test"), timeoutMs: 500, count: 32 },
    { ...granted("dead.test"), timeoutMs: 500, count: 32 },
    { ...granted(DEAD[0]), timeoutMs: 500, count: 32 },
  ]);
  for (const { result, elapsedMs, connecting } of outcomes) {
    assertEquals(result, "Signal timed out.");
    assertLess(elapsedMs, 2000);
    assertEquals(connecting, 0, "sockets that still connect");
  }
});

Deno.test("openConnection() leaves one attempt at most at each address of a name that all swallow them", async () => {
  const attempt = { ...granted("all-dead.test"), timeoutMs: 1500, count: 8 };
  const outcomes = await attempts([], [attempt, attempt, attempt]);
  const { connecting } = outcomes.at(-1)!;
  assertLess(connecting, DEAD.length + 1, "sockets that still connect");
});

Deno.test("openConnection() says why no address can be connected to, by the most telling reason", async () => {
  const [refused, mixed, far, unknown] = await attempts([], [
    granted("both.test"),
    granted("far-or-refused.test"),
    granted("far.test"),
    granted("no-such-name.test"),
  ]);
  assertEquals(refused?.result, "connection refused (ECONNREFUSED)");
  assertEquals(mixed?.result, "connection refused (ECONNREFUSED)");
  assertEquals(
    far?.result,
    "network unreachable: this machine has no route to the address (ENETUNREACH)",
  );
  assertEquals(unknown?.result, "host name not found (ENOTFOUND)");
});

Deno.test("openConnection() reaches no address that the sandbox allows neither by name nor by number", async () => {
  const outcomes = await attempts(["127.0.0.1", "::1", "127.0.0.7"], [
    { host: "both.test", grant: "granted.test:PORT" },
    { host: "both.test", grant: "both.test:1" },
    { host: "127.0.0.1", grant: "both.test:PORT" },
    { host: "localhost", grant: "both.test:PORT" },
  ]);
  for (const { result } of outcomes) {
    assertEquals(result, "the sandbox does not allow this host (EPERM)");
  }
});

Deno.test("connectToAddress() reaches the addresses of an allowed name at its port, and nothing else", async () => {
  const [own, second, otherAddress, otherPort] = await attempts(["127.0.0.1", "127.0.0.7"], [
    { ...granted("both.test"), instead: { address: "127.0.0.1" } },
    { ...granted("both.test"), instead: { address: "::1" } },
    { ...granted("both.test"), instead: { address: "127.0.0.7" } },
    { ...granted("both.test"), instead: { address: "127.0.0.1", isOtherPort: true } },
  ]);
  assertEquals(own?.result, "127.0.0.1");
  assertEquals(second?.result, "connection refused (ECONNREFUSED)");
  for (const outcome of [otherAddress, otherPort]) {
    assertEquals(outcome?.result, "the sandbox does not allow this host (EPERM)");
  }
});

Deno.test("openConnection() reaches the addresses that a name has now, and not those that it had before", async () => {
  const moved = { ...granted("moved.test"), addressesBefore: ["127.0.0.6", "127.0.0.1"] };
  const [reached, byNumber, before] = await attempts(["127.0.0.1", "127.0.0.7"], [
    moved,
    { ...moved, instead: { address: "127.0.0.7" } },
    { ...moved, instead: { address: "127.0.0.1" } },
  ]);
  assertEquals(reached?.result, "127.0.0.7");
  assertEquals(byNumber?.result, "127.0.0.7");
  assertEquals(before?.result, "the sandbox does not allow this host (EPERM)");
});

Deno.test("openConnection() tells a lack of ports from a refusal", async () => {
  const [localhost, address] = await connectInOwnNetwork({
    hosts: HOSTS,
    setup: "echo 40000 40003 > /proc/sys/net/ipv4/ip_local_port_range",
    listenAt: ["127.0.0.1"],
    attempts: [
      { host: "localhost", grant: LOCALHOST, count: 8, keepsOpen: true },
      { ...granted("127.0.0.1"), count: 8, keepsOpen: true },
    ],
  });
  for (const outcome of [localhost, address]) {
    assertMatch(outcome?.result ?? "", /no local address or port is free .*EADDRNOTAVAIL/);
  }
});

Deno.test("openConnection() takes the lack of IPv6 for no lack of ports", async () => {
  const [refused] = await connectInOwnNetwork({
    hosts: HOSTS,
    setup: "ip address del ::1/128 dev lo",
    listenAt: [],
    attempts: [{ host: "localhost", grant: LOCALHOST }],
  });
  assertEquals(refused?.result, "connection refused (ECONNREFUSED)");
});

function granted(host: string): ConnectAttempt {
  return { host, grant: `${host}:PORT` };
}

function attempts(
  listenAt: readonly string[],
  attempts: readonly ConnectAttempt[],
): Promise<ConnectOutcome[]> {
  return connectInOwnNetwork({ hosts: HOSTS, listenAt, attempts });
}
