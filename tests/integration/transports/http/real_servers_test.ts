import { assert, assertEquals } from "@std/assert";
import type { Handler } from "../../../../src/core/handler.ts";
import type { HttpHandler } from "../../../../src/transports/http/handler.ts";
import { CertificateAuthority } from "../../../support/tls/certificate_authority.ts";
import { anEvent } from "../../../support/events.ts";
import { eventually } from "../../../support/eventually.ts";
import { openHandler } from "../../../support/http/handler.ts";
import { textOf } from "../../../support/http/raw_endpoint.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";
import {
  NUMBERING_SERVERS,
  type NumberingOptions,
  SERVERS_THAT_COUNT_REQUESTS,
  startNumberingServer,
} from "../../../support/http/servers/numbering_servers.ts";
import type { WebServer } from "../../../support/http/servers/web_server.ts";

const NEVER = new AbortController().signal;
const EVENTS = 2000;
const CALLS_AT_A_TIME = 32;

const SMALL = new Uint8Array(100);
/** Too large to be written at once. */
const LARGE = new Uint8Array(100_000);

const authority = new CertificateAuthority();
const tls = authority.serverCertificate();

const TABLE: readonly { name: string; how: string; options: NumberingOptions }[] = [
  ...NUMBERING_SERVERS.map((name) => ({ name, how: "as it comes", options: {} })),
  ...NUMBERING_SERVERS.map((name) => ({ name, how: "by TLS", options: { tls } })),
  ...SERVERS_THAT_COUNT_REQUESTS.map((name) => ({
    name,
    how: "with two requests for each connection",
    options: { maxRequests: 2 },
  })),
  ...SERVERS_THAT_COUNT_REQUESTS.map((name) => ({
    name,
    how: "by TLS with twenty requests for each connection",
    options: { maxRequests: 20, tls },
  })),
];

for (const { name, how, options } of TABLE) {
  Deno.test(`HttpHandler gets the right response to each of ${EVENTS} requests from ${name}, ${how}`, async () => {
    const log = new RecordedLog();
    await using server = await startNumberingServer(name, options);
    await using handler = handlerFor(server, options, log);

    await callForEach(handler, Array.from({ length: EVENTS }, (_, number) => number));

    await assertCameOnce(server, EVENTS, log);
  });
}

/** At the end of pauses that are about as long, in all ten seconds. */
function burstsFor({ idleSeconds = 1 }: NumberingOptions) {
  return Array.from({ length: 10 / idleSeconds }, (_, burst) => ({
    numbers: Array.from({ length: 20 }, (_, number) => 20 * burst + number),
    pauseMs: 1000 * idleSeconds - 50 + 10 * idleSeconds * burst,
  }));
}

Deno.test("HttpHandler gets all responses from servers that close idle connections after one or two seconds, in bursts as often", async () => {
  const callInBursts = async ({ name, server, options }: Started) => {
    const log = new RecordedLog();
    await using handler = handlerFor(server, options, log);
    const bursts = burstsFor(options);
    try {
      for (const { numbers, pauseMs } of bursts) {
        await callForEach(handler, numbers);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
      await assertCameOnce(server, 20 * bursts.length, log);
    } catch (error) {
      throw new Error(`${name}, ${server.origin}`, { cause: error });
    }
  };
  await using servers = new AsyncDisposableStack();
  const start = async (name: string, given: NumberingOptions): Promise<Started> => {
    const options = { idleSeconds: 1, ...given };
    return { name, options, server: servers.use(await startNumberingServer(name, options)) };
  };
  const started = await Promise.all([
    ...NUMBERING_SERVERS.flatMap((name) => [start(name, {}), start(name, { tls })]),
    start("gunicorn", { idleSeconds: 2 }),
    start("gunicorn", { idleSeconds: 2, tls }),
  ]);

  await Promise.all(started.map(callInBursts));
});

/** A server that runs, and how it was started. */
interface Started {
  readonly name: string;
  readonly server: WebServer;
  readonly options: NumberingOptions;
}

function handlerFor(
  { origin, port }: WebServer,
  { tls }: NumberingOptions,
  log: RecordedLog,
): HttpHandler {
  return tls === undefined
    ? openHandler(`${origin}/`, { log })
    : openHandler(`https://localhost:${port}/`, { log, tls: { ca: authority.cert } });
}

/** Calls for events of these offsets; each response must be the offset of its event. */
async function callForEach(handler: Handler, numbers: readonly number[]): Promise<void> {
  const rest = [...numbers];
  const callOn = async () => {
    for (let number = rest.shift(); number !== undefined; number = rest.shift()) {
      const value = number % 50 === 0 ? LARGE : SMALL;
      const result = await handler.handle(anEvent({ offset: number, value }), NEVER);
      assertEquals([result.when, textOf(result.value)], ["onSuccess", `${number}`]);
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_A_TIME }, callOn));
}

/** A request may come twice only when its connection was seen to close. */
async function assertCameOnce(server: WebServer, events: number, log: RecordedLog): Promise<void> {
  const numbers = () => server.lines.filter((line) => /^\d+$/.test(line));
  await eventually(() => new Set(numbers()).size === events, {
    what: () =>
      `${events} requests at the server; it wrote:\n${server.lines.slice(-20).join("\n")}`,
  });
  const doubled = numbers().length - events;
  const closes = log.matching(/sending again/).length;
  assert(doubled <= closes, `${doubled} requests came twice, ${closes} were sent again`);
  assertEquals(log.lines.filter((line) => !line.startsWith("DEBUG")), []);
}
