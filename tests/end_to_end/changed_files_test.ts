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

Deno.test("eventor takes a client certificate that is renewed on disk, under load, without a rebalance", async () => {
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
  let sent = 0;
  const load = new AbortController();
  const loading = (async () => {
    while (!load.signal.aborted) {
      const values = Array.from({ length: 20 }, () => `event ${sent++}`);
      await produce(topic, values.map((value) => ({ key: value, value })));
    }
  })();
  await eventually(() => endpoint.clients.includes("first"), waiting(eventor));

  clientFiles(files, "second");

  await eventually(() => endpoint.clients.includes("second"), waiting(eventor));
  assertMatch(
    await eventor.line(/changed/),
    /INFO.* pipeline 'orders': eventHandler\.tls\.cert, eventHandler\.tls\.key changed: new calls go by that$/,
  );
  const isUsed = () => endpoint.clients.filter((name) => name === "second").length >= 100;
  await eventually(isUsed, waiting(eventor));
  load.abort();
  await loading;
  await eventually(async () => (await readTopic(results)).length >= sent, {
    ...waiting(eventor),
  });

  const values = (await readTopic(results)).map(({ value }) => new TextDecoder().decode(value!));
  assertEquals(values.length, sent, "each event once");
  assertEquals(new Set(values).size, sent);
  assertEquals(eventor.lines.filter((line) => /WARN|ERROR/.test(line)), []);
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
  await eventor.line(/ERROR.*certificate not accepted: its authority is not known/);
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
    /what they held before stays in force: .*: pipeline 'orders': eventHandler\.tls\.key: the private key is not that of the certificate$/,
  );
  await produce(topic, [{ key: "2", value: "2" }]);
  await eventually(() => endpoint.clients.length === 2, waiting(eventor));

  files.write("key.pem", next.key);

  await eventor.line(/INFO.*eventHandler\.tls\.key changed: new calls go by that/);
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

  await eventor.line(/INFO.*x-token changed: the pipeline drains and starts again/);
  await produce(topic, [{ key: "2", value: "2" }]);
  await eventually(() => endpoint.calls.length === 2, waiting(eventor));
  assertEquals(tokens(), ["canary-1", "canary-2"]);
  assert(!eventor.lines.some((line) => line.includes("canary")), log(eventor));
  await eventually(async () => (await committedOffsets(topic, topic)).get(0) === 2, {
    ...waiting(eventor),
  });
});

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
