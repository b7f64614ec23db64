import { assert, assertEquals } from "@std/assert";
import { Canaries } from "../support/secrets/canaries.ts";
import { type Endpoint, startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { configFile, EventorProcess, runEventor } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { freshTopic, produce, readTopic } from "../support/kafka/broker.ts";
import {
  NO_TOPICS,
  pipelines,
  planter,
  RESULT_HEADER,
  takingTurns,
  WAYS,
} from "../support/secrets/secret_places.ts";

/** What has come out, and where. */
interface Output {
  readonly where: string;
  readonly text: string;
}

/** An endpoint that tells everybody what it was told, when it is asked to; and gives tokens. */
class TellingEndpoint implements AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly token = `token${crypto.randomUUID().replaceAll("-", "")}`;
  isTelling = false;
  refusesCallers = false;

  constructor() {
    this.endpoint = startEndpoint(({ url, path, headers, body }) => {
      const text = new TextDecoder().decode(body);
      const told = { url, headers: Object.fromEntries(headers), text };
      if (path.startsWith("/token")) {
        return this.refusesCallers
          ? Response.json(
            { error: "invalid_client", error_description: JSON.stringify(told) },
            { status: 401 },
          )
          : Response.json({ access_token: this.token, token_type: "Bearer", expires_in: 3600 });
      }
      if (this.isTelling) {
        return Response.json(told, { headers: { "x-told": headers.get("authorization") ?? "" } });
      }
      const statuses = new Map([["refuse", 422], ["busy", 503]]);
      return new Response("answer", {
        status: this.refusesCallers ? 401 : statuses.get(text) ?? 200,
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endpoint[Symbol.asyncDispose]();
  }
}

function assertNoneFound(canaries: Canaries, outputs: readonly Output[]): void {
  const found = outputs.flatMap(({ where, text }) =>
    text.split("\n").flatMap((line) =>
      canaries.foundIn(line).map((canary) => `${where} shows ${canary}: ${line}`)
    )
  );
  assertEquals(found, []);
}

/** Runs a command; what it has printed, and how it ended. */
async function outputOf(
  args: readonly string[],
  { env, input }: { env: Readonly<Record<string, string>>; input?: string },
): Promise<Output & { code: number }> {
  const { code, stdout, stderr } = await runEventor(args, {
    env,
    ...(input === undefined ? {} : { input }),
  });
  return {
    where: args.filter((arg) => !arg.startsWith("/")).join(" "),
    text: stdout + stderr,
    code,
  };
}

for (const way of WAYS) {
  Deno.test(`eventor check shows no secret that comes by ${way}`, async () => {
    await using server = new TellingEndpoint();
    using canaries = new Canaries();
    const planted = await planter(canaries, () => way);
    using file = configFile(JSON.stringify(pipelines(planted, server.endpoint, NO_TOPICS)));
    const output = await outputOf(["check", "-f", file.path], canaries);
    assertEquals(output.code, 0, output.text);
    assertNoneFound(canaries, [output]);
  });

  Deno.test(`eventor check shows no secret that comes by ${way}, when something is wrong right there`, async () => {
    await using server = new TellingEndpoint();
    using canaries = new Canaries();
    const planted = await planter(canaries, () => way);
    const whole = pipelines(planted, server.endpoint, NO_TOPICS)
      // They have what listeners have.
      .map((pipeline) => ({ ...pipeline, eventResultProcessor: undefined, deadLetter: undefined }));
    const broken = whole.flatMap((pipeline) =>
      BREAKAGES.flatMap((breakage) => brokenCopies(pipeline, breakage))
    ).map((pipeline, index) => ({ ...pipeline, name: `broken ${index}` }));
    using files = new DisposableStack();
    const args = Array.from({ length: Math.ceil(broken.length / 100) }, (_, index) => {
      const text = JSON.stringify(broken.slice(index * 100, (index + 1) * 100));
      return ["-f", files.use(configFile(text)).path];
    });
    const output = await outputOf(["check", ...args.flat()], canaries);
    assertEquals(output.code, 2, output.text);
    // What goes for the one place is fine for the other.
    const wrong = broken.filter(({ name }) => output.text.includes(`'${name}':`));
    assert(wrong.length > 0.8 * broken.length, `${wrong.length} of ${broken.length} are wrong`);
    assertNoneFound(canaries, [output]);
  });
}

/** What can be wrong with a key and its value. */
const BREAKAGES:
  readonly ((key: string, value: string) => readonly [key: string, value: unknown])[] = [
    (key, value) => [key, [value]],
    (key, value) => [key, { inner: value }],
    (key, value) => [key, `${value}\u0001`],
    (key, value) => [key, `${value} ü`],
    (key, value) => [key, `\${${value}}`],
    (key, value) => [key, `\${env:${value}}`],
    (key, value) => [key, `\${file:${value}}`],
    (key, value) => [key, `\${event.${value}}`],
    (key, value) => [`${key}:${value}`, null],
    (key, value) => [`${key}x`, value],
  ];

const IS_PLANTED = /CANARY_|canary-|Cn[0-9a-f]{32}|PRIVATE KEY/;

/** Copies of a mapping, in each of which one key whose value was planted is broken. */
function brokenCopies(mapping: object, breakage: typeof BREAKAGES[number]): readonly object[] {
  return Object.entries(mapping).flatMap(([key, value]) => {
    if (typeof value === "object" && value !== null) {
      return brokenCopies(value, breakage).map((broken) => ({ ...mapping, [key]: broken }));
    }
    if (typeof value !== "string" || !IS_PLANTED.test(value)) return [];
    return [Object.fromEntries([
      ...Object.entries(mapping).filter(([other]) => other !== key),
      breakage(key, value),
    ])];
  });
}

Deno.test("eventor shows no secret, whatever it is asked for and whatever fails", async (t) => {
  await using server = new TellingEndpoint();
  using canaries = new Canaries();
  canaries.know("access token", server.token);
  const topics = {
    topic: await freshTopic("secrets"),
    results: await freshTopic("secrets-results"),
    deadLetters: await freshTopic("secrets-dead"),
  };
  const planted = await planter(canaries, takingTurns());
  const port = unusedPort();
  const config = {
    admin: { address: `127.0.0.1:${port}`, readyAfter: "100ms" },
    pipelines: pipelines(planted, server.endpoint, topics),
  };
  using file = configFile(JSON.stringify(config));
  const { env } = canaries;
  const working = ["headers", "basic", "bearer", "apiKey", "oauth2", "refresh"];

  await t.step("run", async () => {
    const outputs: Output[] = [];
    const starter = ["env", ...Object.entries(env).map(([name, text]) => `${name}=${text}`)];
    await using eventor = new EventorProcess(JSON.stringify(config), { starter });
    await produce(topics.topic, ["ok", "refuse", "busy"].map((value) => ({ key: "k", value })));
    await eventually(
      async () => (await readTopic(topics.deadLetters)).length >= 2 * working.length,
      { deadlineMs: 60_000, what: "dead letters of all pipelines that work" },
    );
    for (const name of ["plain", "scram", "oauthbearer", "ssl"]) {
      await eventor.line(new RegExp(`kafka-${name}' .*(stopped|cannot|failed|refuse)`));
    }
    server.refusesCallers = true;
    await produce(topics.topic, [{ key: "k", value: "ok" }]);
    await eventor.line(/401/);
    for (const path of ["livez", "readyz"]) {
      const response = await fetch(`http://127.0.0.1:${port}/${path}`);
      outputs.push({ where: path, text: await response.text() });
    }
    eventor.signal("SIGTERM");
    await eventor.exit();
    outputs.push({ where: "log", text: eventor.lines.join("\n") });
    assertNoneFound(canaries, outputs);
  });

  await t.step("records", async () => {
    const [results, letters] = [
      await readTopic(topics.results),
      await readTopic(topics.deadLetters),
    ];
    const textOf = (records: typeof results) =>
      records.map(({ key, value, headers }) =>
        [key, value].map((bytes) => new TextDecoder().decode(bytes ?? undefined)).join("\n") +
        headers
      ).join("\n");
    assertEquals(results.length >= working.length, true);
    const isPublished = (name: string) => name.startsWith(RESULT_HEADER);
    assertEquals(canaries.foundIn(textOf(results)).filter((name) => !isPublished(name)), []);
    assertEquals(canaries.foundIn(textOf(letters)), []);
  });

  await t.step("check --online", async () => {
    for (const refusesCallers of [false, true]) {
      server.refusesCallers = refusesCallers;
      const output = await outputOf(["check", "--online", "-f", file.path], { env });
      assertEquals(output.code, 1, output.text);
      assertNoneFound(canaries, [output]);
    }
  });

  await t.step("redrive", async () => {
    for (const args of [["headers", "--dry-run"], ["headers"], ["kafka-plain", "--dry-run"]]) {
      const output = await outputOf(["redrive", "-f", file.path, "--pipeline", ...args], { env });
      assertNoneFound(canaries, [output]);
    }
  });

  await t.step("try", async () => {
    async function tryOut(name: string): Promise<void> {
      const args = ["try", "-f", file.path, "--pipeline", name, "--key", "k"];
      const output = await outputOf(args, { env, input: "value" });
      assert(output.code < 2 && output.text.includes("a running pipeline would"), output.text);
      assertNoneFound(canaries, [output]);
    }
    Object.assign(server, { refusesCallers: false, isTelling: true });
    for (const name of [...working, "tls", "kafka-plain"]) await tryOut(name);
    Object.assign(server, { refusesCallers: true, isTelling: false });
    for (const name of ["headers", "oauth2", "refresh"]) await tryOut(name);
  });

  await t.step("schema and help", async () => {
    for (const args of [["schema"], ["--help"]]) {
      assertNoneFound(canaries, [await outputOf(args, { env })]);
    }
  });
});

Deno.test("eventor shows no secret of arguments that it does not understand", async () => {
  using canaries = new Canaries();
  const secret = canaries.plant("an argument", "literal");
  const misuses = [
    ["try", "-f", "a", "--pipeline", "b", `--hedaer=Authorization=${secret}`],
    ["try", "-f", "a", "--pipeline", "b", "--header", secret],
  ];
  for (const args of misuses) {
    const output = await outputOf(args, canaries);
    assertEquals(output.code, 2);
    assertNoneFound(canaries, [{ ...output, where: "misuse" }]);
  }
});

Deno.test("a canary is found in whatever form it comes out", () => {
  using canaries = new Canaries();
  const secret = canaries.plant("secret", "literal");
  const bytes = new TextEncoder().encode(`user:${secret}`);
  const forms = [
    secret,
    JSON.stringify(secret),
    encodeURIComponent(secret),
    bytes.toBase64(),
    bytes.slice(1).toBase64(),
    bytes.slice(2).toBase64({ alphabet: "base64url" }),
    bytes.toHex(),
  ];
  for (const form of forms) {
    assertEquals(canaries.foundIn(`a ${form} b`), ["secret, by literal"], form);
  }
  assertEquals(canaries.foundIn(secret.slice(0, 10)), []);
});
