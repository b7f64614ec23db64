import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { OAuth2Config } from "../../../src/transports/oauth2/config.ts";
import type { TokenEndpoint } from "../../../src/transports/oauth2/token_endpoint.ts";
import { type Grant, TokenError } from "../../../src/transports/oauth2/token_response.ts";
import { TokenSource } from "../../../src/transports/oauth2/token_source.ts";
import { promisesSettled } from "../../support/eventually.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

const CONFIG: OAuth2Config = {
  tokenEndpoint: "https://id.example.com/token",
  grant: "refreshToken",
  clientId: "orders",
  clientAuthentication: { method: "basic", clientSecret: "secret" },
  refreshToken: "refresh-0",
  parameters: [],
};

/** A token endpoint whose answers a test gives. */
class FakeTokenEndpoint implements TokenEndpoint {
  /** With what refresh tokens it was asked. */
  readonly asked: (string | undefined)[] = [];
  #answer = Promise.withResolvers<Grant>();

  async request(refreshToken: string | undefined, signal: AbortSignal): Promise<Grant> {
    this.asked.push(refreshToken);
    signal.addEventListener("abort", () => this.fail("given up"));
    return await this.#answer.promise;
  }

  async grant(grant: Partial<Grant> = {}): Promise<void> {
    this.#answer.resolve({ accessToken: `token-${this.asked.length}`, ...grant });
    await this.#settled();
  }

  async fail(message: string): Promise<void> {
    this.#answer.promise.catch(() => {});
    this.#answer.reject(new TokenError(message));
    await this.#settled();
  }

  async #settled(): Promise<void> {
    this.#answer = Promise.withResolvers();
    await promisesSettled();
  }
}

class World implements Disposable {
  readonly endpoint = new FakeTokenEndpoint();
  readonly log = new RecordedLog();
  readonly signal = new AbortController().signal;
  nowMs = 1000;
  readonly source = new TokenSource(CONFIG, {
    endpoint: this.endpoint,
    log: this.log.log,
    now: () => this.nowMs,
  });

  async token(): Promise<string> {
    return (await this.source.token(this.signal)).value;
  }

  async fresh(): Promise<string> {
    return (await this.source.fresh(this.signal)).value;
  }

  /** Gets a first token. */
  async begin(grant: Partial<Grant> = {}): Promise<string> {
    const token = this.token();
    await this.endpoint.grant(grant);
    return await token;
  }

  [Symbol.dispose](): void {
    this.source[Symbol.dispose]();
  }
}

Deno.test("TokenSource asks once for all who wait, and keeps the token", async () => {
  using world = new World();
  assertEquals(world.source.current, undefined);
  const waiting = [world.token(), world.token(), world.token()];
  await world.endpoint.grant({ lifetimeMs: 60_000 });
  assertEquals(await Promise.all(waiting), ["token-1", "token-1", "token-1"]);
  world.nowMs += 47_199;
  assertEquals(await world.token(), "token-1");
  assertEquals(world.source.current?.value, "token-1");
  assertEquals(world.endpoint.asked.length, 1);
});

Deno.test("TokenSource renews a token ahead, when somebody needs one, and nobody waits for it", async (t) => {
  const table: [lifetimeMs: number, renewedAfterMs: number][] = [
    [2000, 800],
    [10_000, 7200],
    [3_600_000, 2_879_200],
  ];
  for (const [lifetimeMs, renewedAfterMs] of table) {
    await t.step(`a life of ${lifetimeMs / 1000} s`, async () => {
      using world = new World();
      await world.begin({ lifetimeMs });
      world.nowMs += renewedAfterMs - 1;
      await world.token();
      assertEquals(world.endpoint.asked.length, 1);
      world.nowMs += 1;
      assertEquals([await world.token(), await world.token()], ["token-1", "token-1"]);
      assertEquals(world.endpoint.asked.length, 2);
      await world.endpoint.grant({ lifetimeMs });
      assertEquals(await world.token(), "token-2");
      assertEquals(world.endpoint.asked.length, 2);
    });
  }
});

Deno.test("TokenSource does not give a token that is about to expire", async (t) => {
  const table: [lifetimeMs: number, goodForMs: number][] = [[2000, 900], [10_000, 8100], [
    3_600_000,
    3_589_000,
  ]];
  for (const [lifetimeMs, goodForMs] of table) {
    await t.step(`a life of ${lifetimeMs / 1000} s`, async () => {
      using world = new World();
      await world.begin({ lifetimeMs });
      world.nowMs += goodForMs - 1;
      assertEquals(world.source.current?.value, "token-1");
      await world.endpoint.fail("away");
      world.nowMs += 1;
      assertEquals(world.source.current, undefined);
    });
  }
});

Deno.test("TokenSource counts a token's life from when it was asked for", async () => {
  using world = new World();
  const token = world.token();
  world.nowMs += 4000;
  await world.endpoint.grant({ lifetimeMs: 10_000 });
  await token;
  world.nowMs += 4099;
  assertEquals(world.source.current?.value, "token-1");
  world.nowMs += 1;
  assertEquals(world.source.current, undefined);
});

Deno.test("TokenSource keeps a token of unknown life until it is refused", async () => {
  using world = new World();
  await world.begin();
  world.nowMs += 1e12;
  assertEquals(await world.token(), "token-1");
});

Deno.test("TokenSource asks for a new token once the present one is refused", async () => {
  using world = new World();
  await world.begin();
  const refused = await world.source.token(world.signal);
  world.source.reject(refused);
  const waiting = [world.token(), world.token()];
  await world.endpoint.grant();
  assertEquals(await Promise.all(waiting), ["token-2", "token-2"]);

  world.source.reject(refused);
  assertEquals(await world.token(), "token-2");
  assertEquals(world.endpoint.asked.length, 2);
});

Deno.test("TokenSource asks with the newest refresh token", async () => {
  using world = new World();
  await world.begin({ refreshToken: "refresh-1" });
  for (const next of [undefined, "refresh-2", undefined]) {
    world.source.reject(await world.source.token(world.signal));
    const token = world.token();
    await world.endpoint.grant(next === undefined ? {} : { refreshToken: next });
    await token;
  }
  assertEquals(world.endpoint.asked, ["refresh-0", "refresh-1", "refresh-1", "refresh-2"]);
});

Deno.test("TokenSource asks again 5 s after a failure at the earliest; until then all get its error", async () => {
  using world = new World();
  const waiting = Promise.allSettled([world.token(), world.token()]);
  await world.endpoint.fail("answered invalid_client");
  const failed = await waiting;
  assertEquals(failed.map(({ status }) => status), ["rejected", "rejected"]);
  world.nowMs += 4999;
  await assertRejects(() => world.token(), TokenError, "answered invalid_client");
  assertEquals(world.endpoint.asked.length, 1);
  world.nowMs += 1;
  const token = world.token();
  await world.endpoint.grant();
  assertEquals(await token, "token-2");
});

Deno.test("TokenSource goes on with a token that it could not renew, and says so once", async () => {
  using world = new World();
  await world.begin({ lifetimeMs: 3_600_000 });
  world.nowMs += 2_880_000;
  for (let failures = 0; failures < 3; failures++) {
    assertEquals(await world.token(), "token-1");
    await world.endpoint.fail("answered status 503");
    world.nowMs += 4999;
    assertEquals(await world.token(), "token-1");
    assertEquals(world.endpoint.asked.length, 2 + failures);
    world.nowMs += 1;
  }
  assertEquals(world.log.lines, [
    "WARN - cannot renew the token: answered status 503; the current one is valid for 709 s more",
  ]);
  assertEquals(await world.token(), "token-1");
  await world.endpoint.grant();
  assertEquals(await world.token(), "token-5");
});

Deno.test("TokenSource has whoever wants a fresh token wait for the next one when it is time for it", async () => {
  using world = new World();
  await world.begin({ lifetimeMs: 10_000 });
  world.nowMs += 7199;
  assertEquals(await world.fresh(), "token-1");
  world.nowMs += 1;
  const waiting = [world.fresh(), world.fresh()];
  assertEquals(await world.token(), "token-1");
  await world.endpoint.grant();
  assertEquals(await Promise.all(waiting), ["token-2", "token-2"]);
  assertEquals(world.endpoint.asked.length, 2);
});

Deno.test("TokenSource gives all who want a fresh token the present one, as long as it lives, when there is no other", async () => {
  using world = new World();
  await world.begin({ lifetimeMs: 10_000 });
  world.nowMs += 7200;
  const waiting = world.fresh();
  await world.endpoint.fail("answered status 503");
  assertEquals(await waiting, "token-1");
  world.nowMs += 899;
  assertEquals([await world.fresh(), await world.token()], ["token-1", "token-1"]);
  world.nowMs += 1;
  await assertRejects(() => world.fresh(), TokenError, "answered status 503");
});

Deno.test("TokenSource goes on for others when one of those who wait gives up", async () => {
  using world = new World();
  const impatient = new AbortController();
  const other = world.token();
  const given = world.source.token(impatient.signal);
  impatient.abort(new Error("the lease has ended"));
  await assertRejects(() => given, Error, "the lease has ended");
  await assertRejects(() => world.source.token(impatient.signal), Error, "the lease has ended");
  await world.endpoint.grant();
  assertEquals(await other, "token-1");
});

Deno.test("TokenSource gives up what it asks for when it is closed, and gives nothing afterwards", async () => {
  const world = new World();
  const waiting = world.token();
  world.source[Symbol.dispose]();
  await assertRejects(() => waiting, TokenError, "given up");
  world.nowMs += 5000;
  await assertRejects(() => world.token(), TokenError);
  assertEquals(world.endpoint.asked.length, 1);
  assertNotEquals(world.source.current, null);
});

const OTHER_SECRET = { method: "basic", clientSecret: "new" } as const;

Deno.test("TokenSource requests a token with other credentials, and keeps the latest refresh token", async (t) => {
  const table: [string, Partial<OAuth2Config>, string][] = [
    ["when the first one is the same", {}, "refresh-1"],
    ["unless there is another one", { refreshToken: "other" }, "other"],
  ];
  for (const [name, change, expected] of table) {
    await t.step(name, async () => {
      using world = new World();
      await world.begin({ refreshToken: "refresh-1" });
      const endpoint = new FakeTokenEndpoint();
      world.source.update({ ...CONFIG, clientAuthentication: OTHER_SECRET, ...change }, endpoint);
      const token = world.token();
      await endpoint.grant();
      await token;
      assertEquals(endpoint.asked, [expected]);
    });
  }
});

Deno.test("TokenSource asks again with the new credentials when they change during a request", async (t) => {
  const table: [string, (endpoint: FakeTokenEndpoint) => Promise<void>, string][] = [
    ["which fails", (endpoint) => endpoint.fail("answered invalid_client"), "refresh-0"],
    ["which grants", (endpoint) => endpoint.grant({ refreshToken: "refresh-1" }), "refresh-1"],
  ];
  for (const [name, end, expected] of table) {
    await t.step(name, async () => {
      using world = new World();
      const waiting = world.token();
      const endpoint = new FakeTokenEndpoint();
      world.source.update({ ...CONFIG, clientAuthentication: OTHER_SECRET }, endpoint);
      await end(world.endpoint);
      await endpoint.grant({ accessToken: "of the new secret" });
      assertEquals(await waiting, "of the new secret");
      assertEquals(endpoint.asked, [expected]);
    });
  }
});

Deno.test("TokenSource asks at once with other credentials, although the former ones were refused", async () => {
  using world = new World();
  const refused = assertRejects(() => world.token(), TokenError);
  await world.endpoint.fail("answered invalid_client");
  await refused;
  const endpoint = new FakeTokenEndpoint();
  world.source.update({ ...CONFIG, clientAuthentication: OTHER_SECRET }, endpoint);
  const token = world.token();
  await endpoint.grant();
  assertEquals(await token, "token-1");
});

Deno.test("TokenSource uses a token for half a second, however short its life", async () => {
  using world = new World();
  await world.begin({ lifetimeMs: 0.1 });
  world.nowMs += 399;
  assertEquals(world.source.current?.value, "token-1");
  world.nowMs += 101;
  assertEquals(world.source.current, undefined);
});
