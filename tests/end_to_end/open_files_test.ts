import { assert, assertEquals, assertMatch } from "@std/assert";
import { startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { freshTopic, produce } from "../support/kafka/broker.ts";
import { fileOf, kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

/** For so long, failures of the endpoint would have become an outage. */
const OUTAGE_MS = 6000;

const NO_OUTAGE = /seems to be away|connection refused/;

Deno.test("eventor lives and answers, when more connections to its admin interface are idle than it may have open", async () => {
  const port = unusedPort();
  const topic = await freshTopic("idle");
  await using endpoint = startEndpoint();
  await using eventor = new EventorProcess(
    fileOf(kafkaPipeline({ topic, url: endpoint.url, logLevel: "INFO" }), adminAt(port)),
    { starter: withLimit(1024) },
  );
  await eventor.line(/admin: http/);
  const idle = [];
  for (let count = 0; count < 2000; count++) {
    idle.push(await Deno.connect({ hostname: "127.0.0.1", port }));
  }
  await eventually(async () => await statusOf(port, "/readyz") === 200, {
    deadlineMs: 30_000,
    what: "/readyz has status 200",
  });
  for (const connection of idle) connection.close();
  eventor.signal("SIGTERM");
  assertEquals(await eventor.exit(), 0);
});

Deno.test("eventor says that more calls are configured than it may have files open, and makes as many as it may", async () => {
  const port = unusedPort();
  const topic = await freshTopic("calls");
  const values = Array.from(
    { length: 3000 },
    (_, index) => ({ key: `${index}`, value: `${index}` }),
  );
  await produce(topic, values);
  let open = 0;
  let most = 0;
  await using endpoint = startEndpoint(async () => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    open--;
    return new Response("ok");
  });
  await using eventor = new EventorProcess(
    fileOf(
      kafkaPipeline({
        topic,
        url: endpoint.url,
        logLevel: "INFO",
        keys: { concurrency: 3000, maxLookahead: 4000 },
      }),
      adminAt(port),
    ),
    { starter: withLimit(1024) },
  );
  const warning = await eventor.line(/open files/);
  assertMatch(
    warning,
    /WARN - the limit of open files \(ulimit -n\) allows 1\d\d\d more files, but up to 3\d\d\d may be needed: 3000 for calls /,
  );
  await eventually(() => endpoint.calls.length >= 3000, {
    deadlineMs: 60_000,
    what: () => `3000 calls, found ${endpoint.calls.length}; ${eventor.lines.join("\n")}`,
  });
  assertEquals(await statusOf(port, "/livez"), 200);
  assertEquals(endpoint.calls.length, 3000);
  assert(most > 500 && most < 1024, `${most} calls at a time`);
  assertEquals(eventor.lines.filter((line) => NO_OUTAGE.test(line)), []);
  eventor.signal("SIGTERM");
  assertEquals(await eventor.exit(), 0);
});

Deno.test("eventor takes a lack of descriptors for no outage, says what it is, and goes on when it is over", async () => {
  const port = unusedPort();
  const topic = await freshTopic("lack");
  await using endpoint = startEndpoint();
  await using eventor = new EventorProcess(
    fileOf(
      kafkaPipeline({ topic, url: endpoint.url, handler: { retry: { maxDelay: "1s" } } }),
      adminAt(port),
    ),
  );
  const isReady = async () => await statusOf(port, "/readyz") === 200;
  await eventually(isReady, { deadlineMs: 30_000, what: "it is ready" });

  await setLimit(eventor.pid, 10);
  const values = Array.from(
    { length: 100 },
    (_, index) => ({ key: `${index}`, value: `${index}` }),
  );
  await produce(topic, values);
  const lack = /no response from .*: too many open connections: raise the limit of open files/;
  await eventor.line(lack);
  const sinceMs = performance.now();
  let toldBefore = Infinity;
  await eventually(() => {
    const told = eventor.lines.filter((line) => lack.test(line)).length;
    if (performance.now() - sinceMs > OUTAGE_MS) toldBefore = Math.min(toldBefore, told);
    return told > toldBefore;
  }, { deadlineMs: 30_000, what: "calls that fail for long enough" });
  await setLimit(eventor.pid, 1000);

  await eventually(() => endpoint.calls.length >= 100, {
    deadlineMs: 60_000,
    what: () => `100 calls, found ${endpoint.calls.length}; ${eventor.lines.join("\n")}`,
  });
  assertEquals(await statusOf(port, "/livez"), 200);
  assertEquals(eventor.lines.filter((line) => NO_OUTAGE.test(line)), []);
  eventor.signal("SIGTERM");
  assertEquals(await eventor.exit(), 0);
});

function adminAt(port: number) {
  return { admin: { address: `127.0.0.1:${port}` } };
}

function withLimit(files: number): string[] {
  return ["sh", "-c", `ulimit -n ${files}; exec "$0" "$@"`];
}

async function setLimit(pid: number, files: number): Promise<void> {
  const { success } = await new Deno.Command("prlimit", {
    args: ["--pid", `${pid}`, `--nofile=${files}:`],
  }).output();
  assert(success, "prlimit");
}

async function statusOf(port: number, path: string): Promise<number | null> {
  const signal = AbortSignal.timeout(5000);
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal }).catch(() => null);
  await response?.body?.cancel();
  return response?.status ?? null;
}
