/**
 * `deno run --allow-net --allow-write endpoint_process.ts PORT CALL_LOG SEED SECRET`: an endpoint that does what it is
 * told on its standard input, and logs every call as `PARTITION OFFSET TIME`. Counts calls that do not hold the secret. A process of its own, so that nothing of the suite
 * keeps it from answering. Ends with its input.
 *
 * A call with a path is answered by the body, a space and the path: so a result tells who has made the call.
 *
 * @module
 */
import { concatenated } from "../support/lines.ts";
import { seededRandom } from "../support/seeded_random.ts";
import { type EndpointRequest, RequestReader } from "./endpoint_request.ts";
import type { Answer, EndpointCommand, Rule } from "./endpoint_rules.ts";

const LOG_LINES_A_WRITE = 500;
const TEXT_ENCODER = new TextEncoder();

const [port = "", callLog = "", seed = "1", secret = ""] = Deno.args;
const random = seededRandom(Number(seed));
const log = Deno.openSync(callLog, { write: true, create: true, append: true });
const open = new Set<Deno.TcpConn>();
const never = new Promise<never>(() => {});
let rules: readonly Rule[] = [];
let calls: string[] = [];
let secretless = 0;
let listener: Deno.TcpListener | null = null;

function flushCalls(): void {
  const bytes = TEXT_ENCODER.encode(calls.join(""));
  calls = [];
  for (let written = 0; written < bytes.length;) {
    written += log.writeSync(bytes.subarray(written));
  }
}

function ruleFor({ partition, path }: EndpointRequest): Rule | undefined {
  return rules.find((rule) =>
    (rule.path === undefined || rule.path === path) &&
    (rule.partition === undefined || rule.partition === partition) &&
    (rule.share === undefined || random() < rule.share)
  );
}

async function serve(connection: Deno.TcpConn): Promise<void> {
  open.add(connection);
  try {
    connection.setNoDelay(true);
    const requests = new RequestReader(connection);
    for (let request = await requests.next(); request !== null; request = await requests.next()) {
      calls.push(`${request.partition} ${request.offset} ${Date.now()}\n`);
      if (!request.head.includes(secret)) secretless++;
      if (calls.length >= LOG_LINES_A_WRITE) flushCalls();
      const { latencyMs: [least, most] = [0, 0], answer } = ruleFor(request) ?? {};
      const latencyMs = least + random() * (most - least);
      if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
      await writeAll(connection, await responseTo(request, answer));
    }
  } catch {
    // The other side has gone, or the endpoint is down: either is as it should be.
  } finally {
    open.delete(connection);
    close(connection);
  }
}

async function responseTo(
  request: EndpointRequest,
  answer: Answer = { kind: "status", status: 200 },
): Promise<Uint8Array> {
  if (answer.kind === "hang") return await never;
  const { status, headers = {}, body } = answer;
  const sent = body === undefined ? echoOf(request) : TEXT_ENCODER.encode(body);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = TEXT_ENCODER.encode(
    `HTTP/1.1 ${status} -\r\ncontent-length: ${sent.length}\r\n${lines}\r\n`,
  );
  return concatenated([head, sent]);
}

function echoOf({ path, body }: EndpointRequest): Uint8Array {
  return path.length > 1 ? concatenated([body, TEXT_ENCODER.encode(` ${path.slice(1)}`)]) : body;
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await connection.write(bytes.subarray(written));
  }
}

function close(connection: Deno.TcpConn | Deno.TcpListener): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

async function accept(accepting: Deno.TcpListener): Promise<void> {
  try {
    for await (const connection of accepting) void serve(connection);
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

function listen(): void {
  listener = Deno.listen({ hostname: "127.0.0.1", port: Number(port) });
  void accept(listener);
}

function obey(command: EndpointCommand): void {
  if (command.kind === "rules") rules = command.rules;
  else if (command.kind === "flush") flushCalls();
  else if (command.listening) listen();
  else {
    if (listener !== null) close(listener);
    for (const connection of open) close(connection);
  }
}

listen();
let rest = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) {
    obey(JSON.parse(line));
    Deno.stdout.writeSync(TEXT_ENCODER.encode(`${secretless}\n`));
  }
}
Deno.exit(0);
