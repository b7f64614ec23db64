import { assert, assertEquals } from "@std/assert";
import { CertificateAuthority, TemporaryFiles } from "../support/tls/certificate_authority.ts";
import { startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { configFile, EventorProcess, runEventor } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { committedOffsets } from "../support/kafka/broker.ts";
import { OAuthServer, signedTokens } from "../support/http/oauth_server.ts";
import { fileOf } from "../support/executable/pipeline_yaml.ts";
import { PLAIN_USER } from "../support/kafka/security/secured_broker.ts";
import type { SecuredKeys, SecurityKind } from "../support/kafka/security/secured_keys.ts";
import {
  assertDiscreet,
  MAX_SESSION_MS,
  type PipelineTopics,
  SecuredWorld,
  userOf,
} from "../support/kafka/security/secured_world.ts";
import { TcpProxy } from "../support/network/tcp_proxy.ts";

const SECONDS_A_DAY = 86_400;

let world: SecuredWorld;
Deno.test.beforeAll(async () => {
  world = await SecuredWorld.start();
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

Deno.test("eventor reads, publishes and puts back by each kind of identity, and 'check' finds nothing wrong", async () => {
  await using endpoint = startEndpoint(({ body }) =>
    new Response(body, { status: new TextDecoder().decode(body) === "bad" ? 422 : 200 })
  );
  const names = Object.keys(world.kinds) as SecurityKind[];
  const topics = new Map<SecurityKind, PipelineTopics>();
  for (const name of names) topics.set(name, await world.someTopics(name));
  const config = names.map((name) =>
    world.pipelineOf(world.kinds[name], {
      ...topics.get(name)!,
      name,
      url: endpoint.url,
    })
  ).join("");
  for (const { topic } of topics.values()) await world.send(topic, "good", "bad");
  {
    await using eventor = new EventorProcess(config);
    for (const { results, deadLetters } of topics.values()) {
      await world.untilHolds(results, ["good"], eventor);
      await world.untilHolds(deadLetters, ["bad"], eventor);
    }
    assertDiscreet(eventor.lines);
    eventor.signal("SIGTERM");
    assertEquals(await eventor.exit(), 0);
  }
  using file = configFile(config);
  const checked = await runEventor(["check", "--online", "-f", file.path]);
  assertEquals([checked.code, checked.stderr], [0, ""]);
  for (const name of ["oauthbearer", "lockedKey"] as const) {
    const redrive = await runEventor(["redrive", "-f", file.path, "--pipeline", name]);
    assertEquals(redrive.code, 0, `${name}: ${redrive.stderr}`);
    assertEquals(await world.valuesOf(topics.get(name)!.topic), ["good", "bad", "bad"]);
    assertDiscreet([redrive.stderr, redrive.stdout]);
  }
});

Deno.test("eventor loses and repeats nothing while its sessions are renewed, again and again", async () => {
  await using endpoint = startEndpoint();
  const names: readonly SecurityKind[] = ["plain", "scram256", "oauthbearer"];
  const all = [];
  for (const name of names) all.push({ name, ...await world.someTopics(`sessions-${name}`) });
  const pipelines = all.map(({ name, topic, results }) =>
    world.pipelineOf(world.kinds[name], {
      topic,
      results,
      name,
      url: endpoint.url,
      logLevel: "DEBUG",
    })
  );
  await using eventor = new EventorProcess(pipelines.join(""));
  const values: string[] = [];
  const endMs = performance.now() + 2.5 * MAX_SESSION_MS;
  while (performance.now() < endMs) {
    const value = `${values.length}`;
    values.push(value);
    await Promise.all(all.map(({ topic }) => world.send(topic, value)));
  }

  for (const { results, topic } of all) {
    await world.untilHolds(results, values, eventor);
    await eventually(async () => {
      const { bootstrapServer } = world.broker;
      const offsets = await committedOffsets(topic, topic, { broker: bootstrapServer });
      return offsets.get(0) === values.length;
    }, { deadlineMs: 10_000, what: `all of ${topic} is committed` });
  }
  // A broker that is slow can find a session at its end all the same; the commit is repeated then.
  const expected = /without https|cannot commit offsets: .*; trying again/;
  const complaints = eventor.lines.filter((line) =>
    /WARN|ERROR|closed/i.test(line) && !expected.test(line)
  );
  assertEquals(complaints, []);
});

Deno.test("eventor names what keeps it and a broker apart, and tries no more than once in five seconds", async (t) => {
  const strange = new CertificateAuthority("Somebody else");
  await using elsewhere = await OAuthServer.start({ signedTokens: signedTokens("kafka", "kafka") });
  const { plain, scram256, oauthbearer, certificate } = world.kinds;
  const wrong = { "sasl.password": "wrong-secret" };
  const { cert, key } = strange.clientCertificate();
  const without = (keys: SecuredKeys["keys"], ...names: string[]) =>
    Object.fromEntries(Object.entries(keys).filter(([name]) => !names.includes(name)));
  const server = { "security.protocol": "ssl", "ssl.ca.pem": world.broker.authority.cert };
  const table: Record<string, [SecuredKeys, RegExp]> = {
    "wrong password of PLAIN": [
      { ...plain, keys: { ...plain.keys, ...wrong } },
      /refuses user 'anna' \(PLAIN\): .*Invalid username or password; correct sasl\.username or sasl\.password/,
    ],
    "wrong password of SCRAM": [
      { ...scram256, keys: { ...scram256.keys, ...wrong } },
      /refuses user 'bert' \(SCRAM-SHA-256\): .*invalid credentials.*; correct sasl\.username/,
    ],
    "wrong client secret": [
      {
        ...oauthbearer,
        keys: { ...oauthbearer.keys, "sasl.oauthbearer.client.secret": "wrong-secret" },
      },
      /token endpoint '\S+' answered invalid_client; correct sasl\.oauthbearer\.client\.id or /,
    ],
    "token of another server": [
      {
        ...oauthbearer,
        keys: {
          ...oauthbearer.keys,
          "sasl.oauthbearer.token.endpoint.url": elsewhere.tokenEndpoint,
        },
      },
      /refuses the token of client 'basic' \(OAUTHBEARER\): invalid_token; it may want another /,
    ],
    "unknown authority": [
      { ...plain, keys: { ...plain.keys, "ssl.ca.pem": strange.cert } },
      /cannot trust broker \S+: its certificate is of another authority than that of ssl\.ca\./,
    ],
    "no authority": [
      { ...plain, keys: without(plain.keys, "ssl.ca.pem") },
      /cannot trust broker \S+: its certificate is of no authority that this system knows/,
    ],
    "expired certificate": [
      { listener: "EXPIRED", keys: server },
      /cannot trust broker \S+: its certificate has expired/,
    ],
    "wrong host name": [
      { listener: "RENAMED", keys: server },
      /its certificate is not for 127\.0\.0\.1 but for elsewhere\.example: use the name/,
    ],
    "certificate that is its own authority": [
      {
        listener: "SELFSIGNED",
        keys: { "security.protocol": "ssl", "ssl.ca.pem": world.broker.selfSigned },
      },
      /its certificate is not accepted: it is a certificate of an authority .* basicConstraints=CA:FALSE/,
    ],
    "no client certificate": [
      { ...certificate, keys: server },
      /refuses TLS: it asks for a certificate of the client: set ssl\.certificate\.location/,
    ],
    "client certificate of another authority": [
      { ...certificate, keys: { ...server, "ssl.certificate.pem": cert, "ssl.key.pem": key } },
      /refuses TLS: it does not accept the certificate of ssl\.certificate\.location/,
    ],
    "plain text spoken to TLS": [
      { listener: "SASL_SSL", keys: {} },
      /requires TLS at this port: set security\.protocol to ssl or sasl_ssl/,
    ],
    "no SASL where it is asked for": [
      { listener: "SASL_SSL", keys: server },
      /this port seems to require SASL: set security\.protocol to sasl_ssl/,
    ],
  };
  const { topic, results, deadLetters } = await world.someTopics("refused");
  await using proxies = new AsyncDisposableStack();
  const rows = Object.entries(table).map(([name, [secured, expected]]) => {
    const proxy = proxies.use(new TcpProxy(world.broker.address(secured.listener)));
    const topics = { topic, results, deadLetters };
    const pipeline = world.pipelineOf(secured, { ...topics, name, address: proxy.address });
    return { name, expected, proxy, pipeline };
  });
  const port = unusedPort();
  await using eventor = new EventorProcess(
    fileOf(rows.map(({ pipeline }) => pipeline).join(""), {
      admin: { address: `127.0.0.1:${port}` },
    }),
  );
  const stopsOf = (name: string) =>
    eventor.lines.filter((line) => line.includes(`pipeline '${name}' stopped`));
  await eventually(() => rows.every(({ name }) => stopsOf(name).length >= 3), {
    deadlineMs: 40_000,
    what: () => `all have stopped three times; the log:\n${eventor.lines.join("\n")}`,
  });
  const readyz = await (await fetch(`http://127.0.0.1:${port}/readyz`)).text();
  eventor.signal("SIGTERM");
  await eventor.exit();

  for (const { name, expected, proxy } of rows) {
    await t.step(name, () => {
      const stops = stopsOf(name);
      assert(stops.every((stop) => expected.test(stop)), stops.join("\n"));
      assert(expected.test(readyz), readyz);
      // The parts of a pipeline without an identity do not wait for each other.
      const parts = name === "plain text spoken to TLS" ? 3 : 1;
      const attempts = parts * (stops.length + 1);
      assert(proxy.opened <= attempts, `${proxy.opened} connections, ${stops.length} stops`);
      const times = stops.map(secondsOf);
      assert(
        times.slice(1).every((at, index) => secondsBetween(times[index]!, at) >= 4),
        `at ${times}`,
      );
      const others = eventor.lines.filter((line) => line.includes("cannot reach broker"));
      assertEquals(others, []);
    });
  }
  assertDiscreet(eventor.lines);
});

Deno.test("eventor tries a password that one broker refuses at no other, and looks at all for one to trust", async (t) => {
  const { plain } = world.kinds;
  const strange = new CertificateAuthority("Somebody else");
  const table: [string, Record<string, unknown>, expected: RegExp, attempts: number][] = [
    ["password", { "sasl.password": "wrong-secret" }, /refuses user 'anna'/, 1],
    ["authority", { "ssl.ca.pem": strange.cert }, /cannot trust broker/, 2],
  ];
  for (const [what, wrong, expected, attempts] of table) {
    await t.step(what, async () => {
      await using first = new TcpProxy(world.broker.address(plain.listener));
      await using second = new TcpProxy(world.broker.address(plain.listener));
      const address = `${first.address},${second.address}`;
      const keys = { ...plain.keys, ...wrong };
      const topics = await world.someTopics("bootstrap");
      using file = configFile(world.pipelineOf({ ...plain, keys }, { ...topics, address }));
      const { code, stderr } = await runEventor(["check", "--online", "-f", file.path]);
      assertEquals(code, 1, stderr);
      assert(expected.test(stderr), stderr);
      assertEquals(first.opened + second.opened, attempts);
    });
  }
});

Deno.test("eventor goes on without a restart once what keeps it and a broker apart is repaired", async () => {
  const bert = userOf(world.kinds.scram256);
  await using strict = await OAuthServer.start({ secret: "another-secret" });
  let server = strict;
  await using endpoint = startEndpoint();
  await using endpointOfTokens = startEndpoint(async ({ path, method, headers, body }) =>
    await fetch(server.issuer + path, { method, headers, body })
  );
  const tls = { "security.protocol": "ssl", "ssl.ca.pem": world.broker.authority.cert };
  const tokenEndpoint = { "sasl.oauthbearer.token.endpoint.url": `${endpointOfTokens.url}token` };
  using files = new TemporaryFiles();
  const { "ssl.ca.pem": _, ...withoutAuthority } = world.kinds.plain.keys;
  const authority = files.write("ca.pem", new CertificateAuthority("Somebody else").cert);
  const passwordFile = files.write("password", "wrong-secret");
  const cases: Record<string, SecuredKeys> = {
    authority: {
      listener: "SASL_SSL",
      keys: { ...withoutAuthority, "ssl.ca.location": authority },
    },
    passwordFile: {
      listener: "SASL_SSL",
      keys: { ...world.kinds.plain.keys, "sasl.password": `\${file:${passwordFile}}` },
    },
    password: world.kinds.scram256,
    permission: world.kinds.scram512,
    membership: world.kinds.scram512,
    secret: {
      ...world.kinds.oauthbearer,
      keys: { ...world.kinds.oauthbearer.keys, ...tokenEndpoint },
    },
    certificate: { listener: "EXPIRED", keys: tls },
  };
  const topics = new Map<string, PipelineTopics>();
  for (const name of Object.keys(cases)) {
    topics.set(name, await world.someTopics(`repaired-${name}`));
  }
  // A group has the name of its topic here.
  const forbidden = [
    { topic: topics.get("permission")!.topic },
    { group: topics.get("membership")!.topic },
  ];
  for (const what of forbidden) await world.broker.forbid("cleo", what);
  const pipelines = Object.entries(cases).map(([name, secured]) =>
    world.pipelineOf(secured, { ...topics.get(name)!, name, url: endpoint.url })
  );
  await world.broker.setScramPassword({ ...bert, password: "changed" });
  await using eventor = new EventorProcess(pipelines.join(""));
  await eventor.line(/pipeline 'password' stopped: .*refuses user 'bert'/);
  await eventor.line(/pipeline 'secret' stopped: .*invalid_client/);
  await eventor.line(/pipeline 'certificate' stopped: .*has expired/);
  await eventor.line(/pipeline 'authority' stopped: .*is of another authority/);
  await eventor.line(/pipeline 'passwordFile' stopped: .*refuses user 'anna'/);
  await eventor.line(/pipeline 'permission' stopped: .*ot authorized.*permission \(ACL\)/);
  await eventor.line(/pipeline 'membership' stopped: .*ot authorized.* group.*permission \(ACL\)/);

  for (const { topic } of topics.values()) await world.send(topic, "event");
  await world.broker.setScramPassword(bert);
  server = world.tokens;
  files.write("ca.pem", world.broker.authority.cert);
  files.write("password", PLAIN_USER.password);
  await world.broker.renewCertificate();
  for (const what of forbidden) await world.broker.allow("cleo", what);
  for (const { results } of topics.values()) await world.untilHolds(results, ["event"], eventor);
  assertDiscreet(eventor.lines);
});

Deno.test("eventor names a permission that a user lacks, and waits, also where topics or offsets come about by themselves", async (t) => {
  const { scram512: secured } = world.kinds;
  const latest = { ...secured.keys, "auto.offset.reset": "latest" };
  const creating = { ...secured.keys, "allow.auto.create.topics": true };
  const [atEnd, created] = [await world.someTopics("at-end"), await world.someTopics("created")];
  await world.broker.forbid("cleo", { group: atEnd.topic });
  await world.broker.forbid("cleo", { topic: created.results });
  const pipelines = [
    world.pipelineOf(secured, { ...atEnd, name: "atEnd", consumerConfig: latest }),
    world.pipelineOf(secured, { ...created, name: "created", producerConfig: creating }),
  ];
  await using eventor = new EventorProcess(pipelines.join(""));
  const table = {
    atEnd: `cannot find out where group '${atEnd.topic}' begins to read`,
    created: `cannot look up topic '${created.results}'`,
  };
  for (const [name, action] of Object.entries(table)) {
    await t.step(name, async () => {
      const line = `pipeline '${name}' stopped: ${action}.*ot authorized.*permission \\(ACL\\)`;
      await eventor.line(new RegExp(`${line}; restarting in [5-9]\\.`));
    });
  }
});

Deno.test("eventor leaves a broker in peace that refuses it from some moment on, and comes back later", async () => {
  const cleo = userOf(world.kinds.scram512);
  await using endpoint = startEndpoint();
  await using proxy = new TcpProxy(world.broker.address("SASL_PLAINTEXT"));
  const { topic, results, deadLetters } = await world.someTopics("rotated");
  const { "ssl.ca.pem": _, ...keys } = world.kinds.scram512.keys;
  const secured: SecuredKeys = {
    listener: "SASL_PLAINTEXT",
    keys: { ...keys, "security.protocol": "sasl_plaintext" },
  };
  const { url } = endpoint;
  const topics = { topic, results, deadLetters };
  await using eventor = new EventorProcess(
    world.pipelineOf(secured, { ...topics, url, address: proxy.address }),
  );
  await world.send(topic, "first");
  await world.untilHolds(results, ["first"], eventor);

  const before = proxy.opened;
  await world.broker.setScramPassword({ ...cleo, password: "rotated" });
  const stops = () => eventor.lines.filter((line) => /stopped: .*refuses user 'cleo'/.test(line));
  await eventually(() => stops().length >= 3, {
    deadlineMs: 60_000,
    what: () => `it stops three times; the log:\n${eventor.lines.join("\n")}`,
  });
  assert(proxy.opened - before <= stops().length, `${proxy.opened - before} connections`);

  await world.broker.setScramPassword(cleo);
  await world.send(topic, "second");
  await world.untilHolds(results, ["first", "second"], eventor);
  assertDiscreet(eventor.lines);
});

/** The time of a log line, in seconds since midnight. */
function secondsOf(line: string): number {
  const [, hours, minutes, seconds] = /(\d\d):(\d\d):(\d\d)/.exec(line)?.map(Number) ?? [];
  return (hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0);
}

/** Midnight may lie between the two. */
function secondsBetween(from: number, to: number): number {
  return (to - from + SECONDS_A_DAY) % SECONDS_A_DAY;
}
