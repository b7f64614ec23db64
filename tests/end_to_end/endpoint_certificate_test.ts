import { assert, assertEquals } from "@std/assert";
import {
  CertificateAuthority,
  type CertifiedKey,
  TemporaryFiles,
} from "../support/tls/certificate_authority.ts";
import { startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { freshTopic, produce } from "../support/kafka/broker.ts";
import { kafkaPipeline } from "../support/executable/pipeline_yaml.ts";
import { TcpProxy } from "../support/network/tcp_proxy.ts";

const EVENTS = 30;
const DAY_MS = 86_400_000;

const authority = new CertificateAuthority();
const expired = authority.serverCertificate(undefined, {
  validFrom: new Date(Date.now() - 2 * DAY_MS),
  validTo: new Date(Date.now() - DAY_MS),
});

Deno.test("eventor tries an endpoint with an expired certificate once in 5 s, and works once it has another", async () => {
  await untilReplaced(expired, /certificate not accepted: it has expired/);
});

Deno.test("eventor tries an endpoint with another host's certificate once in 5 s, and works once it has its own", async () => {
  const another = authority.serverCertificate(["other.example"]);
  await untilReplaced(another, /certificate not accepted: it is for another host/);
});

async function untilReplaced(certificate: CertifiedKey, reason: RegExp): Promise<void> {
  const topic = await freshTopic("certificate");
  using files = new TemporaryFiles();
  const ca = files.write("ca.pem", authority.cert);
  const port = unusedPort();
  await using proxy = new TcpProxy(`127.0.0.1:${port}`);
  await using eventor = new EventorProcess(
    kafkaPipeline({
      topic,
      url: `https://${proxy.address}/`,
      handler: { tls: { ca: `\${file:${ca}}` } },
    }),
  );
  const waiting = { deadlineMs: 60_000, what: () => eventor.lines.join("\n") };
  {
    await using _endpoint = startEndpoint(undefined, { port, tls: certificate });
    await produce(
      topic,
      Array.from({ length: EVENTS }, (_, n) => ({ key: `${n}`, value: `${n}` })),
    );
    await eventually(() => proxy.opened >= 1, waiting);
    const startedAt = performance.now();
    await eventually(() => proxy.opened >= 3, waiting);
    const elapsedMs = performance.now() - startedAt;
    assert(elapsedMs > 9500, `two more connections within ${elapsedMs} ms`);
  }
  const told = eventor.lines.filter((line) => / ERROR .*one call is tried every 5 s/.test(line));
  assertEquals(told.filter((line) => reason.test(line)).length, 1, told.join("\n"));
  assertEquals(eventor.lines.filter((line) => / ERROR /.test(line) && reason.test(line)).length, 1);

  await using endpoint = startEndpoint(undefined, { port, tls: authority.serverCertificate() });

  await eventually(() => endpoint.calls.length >= EVENTS, waiting);
  assertEquals(endpoint.calls.length, EVENTS, "one call for each event");
}
