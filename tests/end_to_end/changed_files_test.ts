import { assert, assertEquals, assertMatch } from "@std/assert";
import { CertificateAuthority, TemporaryFiles } from "../support/tls/certificate_authority.ts";
import { startEndpoint } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { committedOffsets, freshTopic, produce, readTopic } from "../support/kafka/broker.ts";
import { MutualTlsEndpoint } from "../support/http/mutual_tls_endpoint.ts";
import { kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

const authority = new CertificateAuthority();
const stranger = new CertificateAuthority("Another authority");

Deno.test("eventor starts a pipeline again whose client certificate is renewed on disk, and publishes each event once", async () => {
  const topic = await freshTopic("renewed", { partitions: 2 });
  const results = await freshTopic("renewed-results");
  using files = new TemporaryFiles();
  const tls = clientFiles(files, "first");
  await using endpoint = await MutualTlsEndpoint.start(authority.serverCertificate(), {
    authority: authority.cert,
  });
  await using eventor = new EventorProcess(
    kafkaPipeline({ topic, results, url: endpoint.url, logLevel: "INFO", handler: { tls } }),
  );
  const load = startLoad(topic);
  await eventually(() => endpoint.clients.includes("first"), waiting(eventor));

  clientFiles(files, "second");

  await eventually(() => endpoint.clients.includes("second"), waiting(eventor));
  assertMatch(
    await eventor.line(/changed/),
    /INFO.* pipeline 'orders': eventHandler\.tls\.cert, eventHandler\.tls\.key changed: the pipeline drains and restarts$/,
  );
  const isUsed = () => endpoint.clients.filter((name) => name === "second").length >= 100;
  await eventually(isUsed, waiting(eventor));
  await assertEachPublishedOnce(await load.end(), { results, eventor });
});

Deno.test("eventor uses a token that is renewed on disk, under load, without a rebalance", async () => {
  const topic = await freshTopic("renewed-token", { partitions: 2 });
  const results = await freshTopic("renewed-token-results");
  using files = new TemporaryFiles();
  const token = files.write("token", "first\n");
  await using endpoint = startEndpoint();
  const auth = { type: "bearer", token: `\${file:${token}}` };
  await using eventor = new EventorProcess(
    kafkaPipeline({ topic, results, url: endpoint.url, logLevel: "INFO", handler: { auth } }),
  );
  const callsWith = (token: string) =>
    endpoint.calls.filter(({ headers }) => headers.get("authorization") === `Bearer ${token}`);
  const load = startLoad(topic);
  await eventually(() => callsWith("first").length > 0, waiting(eventor));

  files.write("token", "second\n");

  assertMatch(
    await eventor.line(/changed/),
    /INFO.* pipeline 'orders': eventHandler\.auth\.token changed: new calls use the new values$/,
  );
  await eventually(() => callsWith("second").length >= 100, waiting(eventor));
  await assertEachPublishedOnce(await load.end(), { results, eventor });
  assertEquals(eventor.lines.filter((line) => /partition/.test(line)).length, 1, log(eventor));
});

Deno.test("eventor leaves an endpoint of an unknown authority alone but for a call in 5 s, and goes on once the file has it", async () => {
  const topic = await freshTopic("unknown-authority");
  using files = new TemporaryFiles();
  const ca = files.write("endpoint-ca.pem", stranger.cert);
  await using endpoint = await MutualTlsEndpoint.start(authority.serverCertificate(), {
    authority: authority.cert,
  });
  await using eventor = new EventorProcess(
    kafkaPipeline({
      topic,
      url: endpoint.url,
      handler: { tls: { ...clientFiles(files, "client"), ca: `\${file:${ca}}` } },
    }),
  );
  await produce(topic, Array.from({ length: 30 }, (_, n) => ({ key: `${n}`, value: `${n}` })));
  await eventor.line(/ERROR.*certificate not accepted: unknown authority/);
  const startedAt = performance.now();
  await eventually(() => endpoint.connections >= 3, waiting(eventor));
  const elapsedMs = performance.now() - startedAt;
  assert(elapsedMs > 9500, `two more calls within ${elapsedMs} ms`);
  const announced = eventor.lines.filter((line) => /one call is tried every 5 s/.test(line));
  assertEquals(announced.length, 1, log(eventor));

  files.write("endpoint-ca.pem", authority.cert);

  await eventually(() => endpoint.clients.length >= 30, waiting(eventor));
});

Deno.test("eventor keeps a certificate whose key is not there yet, and says so once", async () => {
  const topic = await freshTopic("half-renewed");
  using files = new TemporaryFiles();
  const tls = clientFiles(files, "first");
  await using endpoint = await MutualTlsEndpoint.start(authority.serverCertificate(), {
    authority: authority.cert,
  });
  await using eventor = new EventorProcess(
    kafkaPipeline({ topic, url: endpoint.url, handler: { tls } }),
  );
  await produce(topic, [{ key: "1", value: "1" }]);
  await eventually(() => endpoint.clients.length === 1, waiting(eventor));
  const next = authority.clientCertificate("second");
  files.write("cert.pem", next.cert);
  assertMatch(
    await eventor.line(/WARN.*changed/),
    /keeping the previous configuration: .*: pipeline 'orders': eventHandler\.tls\.key: the private key is not that of the certificate$/,
  );
  await produce(topic, [{ key: "2", value: "2" }]);
  await eventually(() => endpoint.clients.length === 2, waiting(eventor));

  files.write("key.pem", next.key);

  await eventor.line(/INFO.*eventHandler\.tls\.key changed: the pipeline drains and restarts/);
  await produce(topic, [{ key: "3", value: "3" }]);
  await eventually(() => endpoint.clients.length === 3, waiting(eventor));
  assertEquals(endpoint.clients, ["first", "first", "second"]);
  assertEquals(eventor.lines.filter((line) => /WARN/.test(line)).length, 1, log(eventor));
});

Deno.test("eventor starts a pipeline again whose header comes from a file that has changed", async () => {
  const topic = await freshTopic("header");
  using files = new TemporaryFiles();
  const token = files.write("token", "canary-1\n");
  await using endpoint = startEndpoint();
  await using eventor = new EventorProcess(
    kafkaPipeline({ topic, url: endpoint.url, headers: { "x-token": `\${file:${token}}` } }),
  );
  const tokens = () => endpoint.calls.map(({ headers }) => headers.get("x-token"));
  await produce(topic, [{ key: "1", value: "1" }]);
  await eventually(() => endpoint.calls.length === 1, waiting(eventor));

  files.write("token", "canary-2\n");

  await eventor.line(/INFO.*x-token changed: the pipeline drains and restarts/);
  await produce(topic, [{ key: "2", value: "2" }]);
  await eventually(() => endpoint.calls.length === 2, waiting(eventor));
  assertEquals(tokens(), ["canary-1", "canary-2"]);
  assert(!eventor.lines.some((line) => line.includes("canary")), log(eventor));
  await eventually(async () => (await committedOffsets(topic, topic)).get(0) === 2, {
    ...waiting(eventor),
  });
});

/** Produces events until its end, which resolves with their number. */
function startLoad(topic: string): { end(): Promise<number> } {
  let sent = 0;
  let isOver = false;
  const loading = (async () => {
    while (!isOver) {
      const values = Array.from({ length: 20 }, () => `event ${sent++}`);
      await produce(topic, values.map((value) => ({ key: value, value })));
    }
    return sent;
  })();
  return {
    end() {
      isOver = true;
      return loading;
    },
  };
}

async function assertEachPublishedOnce(
  sent: number,
  { results, eventor }: { results: string; eventor: EventorProcess },
): Promise<void> {
  const published = async () => (await readTopic(results)).length;
  await eventually(async () => await published() >= sent, waiting(eventor));
  const values = (await readTopic(results)).map(({ value }) => new TextDecoder().decode(value!));
  assertEquals([values.length, new Set(values).size], [sent, sent], "each event once");
  assertEquals(eventor.lines.filter((line) => /WARN|ERROR/.test(line)), []);
}

/** Files with a certificate for this client, as `tls` of a handler names them. */
function clientFiles(files: TemporaryFiles, name: string): Record<string, string> {
  const { cert, key } = authority.clientCertificate(name);
  return {
    ca: `\${file:${files.write("ca.pem", authority.cert)}}`,
    cert: `\${file:${files.write("cert.pem", cert)}}`,
    key: `\${file:${files.write("key.pem", key)}}`,
  };
}

/** Files are looked at every 5 s. */
function waiting(eventor: EventorProcess): { deadlineMs: number; what: () => string } {
  return { deadlineMs: 60_000, what: () => log(eventor) };
}

function log({ lines }: EventorProcess): string {
  return `the log has:\n${lines.slice(-30).join("\n")}`;
}
