/**
 * `deno task demo`: shows the whole way of some events, with the sample configuration, and cleans up. Needs a container
 * engine or Java for the broker; without either it shows the same through standard input and output.
 *
 * @module
 */
import { Kafka, logLevel } from "kafkajs";
import { compile, RUN_ARGUMENTS } from "./compile.ts";
import { say } from "./console.ts";
import { startHttpServer } from "./http_server.ts";
import {
  type Broker,
  BrokerUnavailableError,
  createTopics,
  DEFAULT_PORT,
  startBroker,
} from "./kafka/mod.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const EVENTS = ["Hello World!", "Hello again!", "And once more."];
const SOURCE_TOPIC = "MY_FIRST_TOPIC";
const RESULT_TOPIC = "MY_RESPONSE_TOPIC";
const DEADLINE_MS = 60_000;

/** How eventor is run: the executable where one can be made, else from source. */
type Program = readonly [command: string, ...args: string[]];

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "eventor-demo-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));

  const program = await compileOrRun(`${directory}/eventor`);
  stack.use(startHttpServer({ write: (text) => prefixed("endpoint", text) }));
  say("Sample endpoint: listening on port 8080");
  const broker = await startBrokerIfPossible();
  if (broker === null) return await showStandardStreams(program);
  stack.use(broker);
  await showTopics(program, broker.bootstrapServer);
}

async function compileOrRun(output: string): Promise<Program> {
  say("Compiling eventor");
  const problem = await compile(output);
  if (problem === null) return [output];
  say(`It cannot be compiled here, so it runs from source. (${problem.split("\n")[0]})`);
  return [Deno.execPath(), ...RUN_ARGUMENTS];
}

async function startBrokerIfPossible(): Promise<Broker | null> {
  say("Starting a Kafka broker on port 9092");
  try {
    const broker = await startBroker({ port: DEFAULT_PORT, say });
    say(`Kafka broker: listening on ${broker.bootstrapServer} (${broker.how})`);
    return broker;
  } catch (error) {
    if (!(error instanceof BrokerUnavailableError)) throw error;
    say(`No broker can be had here: ${error.message}`);
    say("Showing the same through standard input and output, which needs none.");
    return null;
  }
}

async function showTopics(program: Program, bootstrapServer: string): Promise<void> {
  await createTopics(bootstrapServer, [{ topic: SOURCE_TOPIC }, { topic: RESULT_TOPIC }]);
  say(`Created the topics ${SOURCE_TOPIC} and ${RESULT_TOPIC}`);

  const kafka = new Kafka({ brokers: [bootstrapServer], logLevel: logLevel.NOTHING });
  const eventor = start(program, ["-f", "sample_config.yaml"], { stdin: "null", stdout: "null" });
  const logged = prefixLines("eventor", eventor.stderr);
  let results: string[];
  try {
    await sendEvents(kafka);
    results = await readResults(kafka, eventor.status);
  } finally {
    eventor.kill("SIGTERM");
    await eventor.status;
    await logged;
  }
  conclude(RESULT_TOPIC, results, (await eventor.status).code);
}

async function sendEvents(kafka: Kafka): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  for (const value of EVENTS) {
    say(`Sending '${value}' to ${SOURCE_TOPIC}`);
    await producer.send({ topic: SOURCE_TOPIC, messages: [{ value }] });
  }
  await producer.disconnect();
}

async function readResults(
  kafka: Kafka,
  eventorEnded: Promise<Deno.CommandStatus>,
): Promise<string[]> {
  const results: string[] = [];
  const complete = Promise.withResolvers<void>();
  const consumer = kafka.consumer({ groupId: "demo", maxWaitTimeInMs: 200 });
  const timer = setTimeout(
    () => complete.reject(new Error(`no results within ${DEADLINE_MS / 1000} s`)),
    DEADLINE_MS,
  );
  eventorEnded.then(({ code }) => complete.reject(new Error(`eventor ended with code ${code}`)));
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [RESULT_TOPIC], fromBeginning: true });
    await consumer.run({
      eachMessage({ message: { value } }) {
        results.push(new TextDecoder().decode(value ?? undefined));
        if (results.length === EVENTS.length) complete.resolve();
        return Promise.resolve();
      },
    });
    await complete.promise;
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
  }
  return results;
}

async function showStandardStreams(program: Program): Promise<void> {
  const eventor = start(program, ["-f", "tools/no_broker.yaml"], {
    stdin: "piped",
    stdout: "piped",
  });
  const logged = prefixLines("eventor", eventor.stderr);
  const writer = eventor.stdin.getWriter();
  for (const value of EVENTS) {
    say(`Sending '${value}' to standard input`);
    await writer.write(new TextEncoder().encode(`${value}\n`));
  }
  await writer.close();
  const results = (await new Response(eventor.stdout).text()).trimEnd().split("\n");
  const { code } = await eventor.status;
  await logged;
  conclude("standard output", results, code);
}

function start(
  [command, ...programArgs]: Program,
  args: readonly string[],
  streams: { stdin: "null" | "piped"; stdout: "null" | "piped" },
): Deno.ChildProcess {
  say(`Starting eventor ${args.join(" ")}`);
  return new Deno.Command(command, {
    args: [...programArgs, ...args],
    cwd: ROOT,
    stderr: "piped",
    ...streams,
  }).spawn();
}

function conclude(where: string, results: readonly string[], exitCode: number): void {
  say(`\nWhat came back on ${where}:`);
  for (const result of results) say(`  ${result}`);
  if (exitCode !== 0) throw new Error(`eventor ended with code ${exitCode}`);
  if (EVENTS.join() !== results.join()) throw new Error("these are not the events that were sent");
  say("\nEverything worked. Cleaning up.");
}

async function prefixLines(name: string, stream: ReadableStream<Uint8Array>): Promise<void> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (lines.length > 0) prefixed(name, lines.join("\n"));
  }
}

function prefixed(name: string, text: string): void {
  for (const line of text.trimEnd().split("\n")) say(`${name.padStart(8)} | ${line}`);
}

let exitCode = 0;
try {
  await main();
} catch (error) {
  say(`\nThe demo failed: ${error instanceof Error ? error.message : error}`);
  exitCode = 1;
}
// Clients leave timers behind that would keep the process.
Deno.exit(exitCode);
