/**
 * `deno run --allow-net --allow-write endpoint_process.ts PORT CALL_LOG SEED SECRET`: an endpoint that does what it is
 * told on its standard input, logs every call as `PARTITION OFFSET TIME ATTEMPT ANSWER`, and counts calls that do not hold
 * the secret. A process of its own, so that nothing of the suite keeps it from answering. Ends with its input.
 *
 * A call with a path is answered by the body, a space and the path: so a result tells who has made the call.
 *
 * @module
 */
import { concatenated } from "../tests/support/lines.ts";
import { seededRandom } from "../tests/support/seeded_random.ts";
import { misdeed } from "./endpoint_misbehaviour.ts";
import { type EndpointRequest, type RequestHead, RequestReader } from "./endpoint_request.ts";
import {
  type Answer,
  type EndpointCommand,
  isAmong,
  type Misbehaviour,
  type Rule,
} from "./endpoint_rules.ts";

const LOG_LINES_A_WRITE = 500;
const TEXT_ENCODER = new TextEncoder();

const [port = "", callLog = "", seed = "1", secret = ""] = Deno.args;
const random = seededRandom(Number(seed));
const log = Deno.openSync(callLog, { write: true, create: true, append: true });
const open = new Set<Deno.TcpConn>();
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

function ruleFor(head: RequestHead): Rule | undefined {
  return rules.find((rule) =>
    (rule.path === undefined || rule.path === head.path) &&
    (rule.partition === undefined || rule.partition === head.partition) &&
    (rule.keys === undefined || rule.keys.includes(head.key)) &&
    (rule.events === undefined || isAmong(head, rule.events)) &&
    (rule.firstAttempts === undefined || head.attempt <= rule.firstAttempts) &&
    (rule.share === undefined || random() < rule.share)
  );
}

async function serve(connection: Deno.TcpConn): Promise<void> {
  open.add(connection);
  try {
    connection.setNoDelay(true);
    const requests = new RequestReader(connection);
    while (await serveNext(requests, connection));
  } catch {
    // The other side has gone, or the endpoint is down: either is as it should be.
  } finally {
    open.delete(connection);
    close(connection);
  }
}

/** Resolves with false when the connection is to be closed. */
async function serveNext(requests: RequestReader, connection: Deno.TcpConn): Promise<boolean> {
  const leavesBody = rules.some(({ answer }) => answer?.kind === "reset");
  const head = await requests.nextHead({ leavesBody });
  if (head === null) return false;
  if (!head.head.includes(secret)) secretless++;
  const { latencyMs: [least, most] = [0, 0], answer } = ruleFor(head) ?? {};
  logCall(head, answer);
  if (answer?.kind === "reset") return false;
  const body = await requests.bodyOf(head);
  if (body === null) return false;
  const latencyMs = least + random() * (most - least);
  if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
  const request = { ...head, body };
  if (answer !== undefined && answer.kind !== "status") {
    return await misbehave(connection, request, answer);
  }
  await writeAll(connection, responseTo(request, answer));
  return true;
}

function logCall({ partition, offset, attempt }: RequestHead, answer?: Answer): void {
  const kind = answer?.kind === "status" ? answer.status : answer?.kind ?? 200;
  calls.push(`${partition} ${offset} ${new Date().getTime()} ${attempt} ${kind}\n`);
  if (calls.length >= LOG_LINES_A_WRITE) flushCalls();
}

async function misbehave(
  connection: Deno.TcpConn,
  { body }: EndpointRequest,
  misbehaviour: Misbehaviour,
): Promise<boolean> {
  const { bytes, then } = misdeed(misbehaviour, body);
  await writeAll(connection, bytes);
  // Until the other side gives up.
  if (then === "wait") await connection.read(new Uint8Array(1));
  return then === "keep";
}

function responseTo(request: EndpointRequest, answer: Answer | undefined): Uint8Array {
  const { status, headers = {}, body, retryAtDateInMs } = answer?.kind === "status"
    ? answer
    : { status: 200 };
  const sent = body === undefined ? echoOf(request) : TEXT_ENCODER.encode(body);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (retryAtDateInMs !== undefined) {
    const date = new Date(new Date().getTime() + retryAtDateInMs);
    lines.push(`retry-after: ${date.toUTCString()}\r\n`);
  }
  const head = TEXT_ENCODER.encode(
    `HTTP/1.1 ${status} -\r\ncontent-length: ${sent.length}\r\n${lines.join("")}\r\n`,
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
