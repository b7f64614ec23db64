/**
 * A Kafka broker for development and tests: in a container when an engine answers, else in a JVM.
 *
 * The topics are made with two hand-written requests instead of a client: a client would have to be loaded, and its
 * timers would keep the process of the caller alive.
 */

import { fileURLToPath } from "node:url";

/** A running broker, which nothing but this machine can reach. */
export interface Broker extends AsyncDisposable {
  /** `host:port`. */
  readonly bootstrapServer: string;
  readonly how: "container" | "jvm";
  /** Absent with a container, whose engine has the log. */
  readonly logFile?: string;
  /** Stops the broker and removes its data. Does nothing the second time. */
  stop(): Promise<void>;
  /** Ends the broker by SIGKILL and keeps its data. JVM only. */
  kill(): Promise<void>;
  /** Starts the broker again on the same port with the same data, whether it runs or was killed. JVM only. */
  restart(): Promise<void>;
}

/** How to start a broker. */
export interface BrokerOptions {
  /** Any free one when absent. */
  readonly port?: number;
  readonly requireJvm?: boolean;
  /** Settings of the broker beyond `kafka/server.properties`. They imply the JVM. */
  readonly properties?: Record<string, string>;
  /** Takes what is worth telling while it starts. */
  readonly say?: (line: string) => void;
}

/** A topic that is to be. */
export interface NewTopic {
  readonly topic: string;
  readonly partitions?: number;
  readonly config?: Record<string, string>;
}

/** This machine has nothing that could run a broker; the message names the command that changes that. */
export class BrokerUnavailableError extends Error {
  override readonly name = "BrokerUnavailableError";
}

/** The port of the container, and of Kafka by custom. */
export const DEFAULT_PORT = 9092;

const START_DEADLINE_MS = 90_000;
const STOP_DEADLINE_MS = 20_000;
const TOPIC_DEADLINE_MS = 20_000;
const METADATA_DEADLINE_MS = 5_000;
const ENGINE_DEADLINE_MS = 5_000;
const POLL_INTERVAL_MS = 25;
const MINIMUM_JAVA = 17;
/** The form is that of 16 bytes in base64. */
const CLUSTER_ID = "eventor-kafka-brokerAA";

const kafkaDirectory = fileURLToPath(new URL("../kafka", import.meta.url));
const composeFile = `${kafkaDirectory}/docker-compose.yaml`;
const pom = `${kafkaDirectory}/pom.xml`;
const propertiesTemplate = `${kafkaDirectory}/server.properties`;
const logConfiguration = `${kafkaDirectory}/log4j2.xml`;

/** Starts a broker and waits until it answers. Throws `BrokerUnavailableError` when the machine lacks what it takes. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const { port, requireJvm = false, properties = {}, say = () => {} } = options;
  if (port !== undefined) assertFree(port);
  if (port === DEFAULT_PORT && !requireJvm && Object.keys(properties).length === 0) {
    const engine = await findContainerEngine();
    if (engine !== undefined) {
      try {
        return await startContainer(engine, say);
      } catch (error) {
        say(`The container does not start: ${messageOf(error)}`);
        say("Trying a JVM instead.");
      }
    }
  }
  return await JvmBroker.start({ port: port ?? freePort(), properties, say });
}

async function findContainerEngine(): Promise<string | undefined> {
  for (const engine of ["docker", "podman"]) {
    const answers = await run([engine, "info"], { deadlineMs: ENGINE_DEADLINE_MS });
    if (!answers.success) continue;
    const composes = await run([engine, "compose", "version"], { deadlineMs: ENGINE_DEADLINE_MS });
    if (composes.success) return engine;
  }
}

async function startContainer(engine: string, say: (line: string) => void): Promise<Broker> {
  const compose = [engine, "compose", "--file", composeFile];
  const down = [...compose, "down", "--volumes", "--timeout", "20"];
  const bootstrapServer = `localhost:${DEFAULT_PORT}`;
  say(`Starting Kafka in a container with ${engine}.`);
  const guard = whenWeDie('exec "$@" >/dev/null 2>&1', down);
  let stopped: Promise<void> | undefined;
  const stop = () => stopped ??= runOrThrow(down).finally(() => guard.dismiss());
  try {
    await runOrThrow([...compose, "up", "--detach", "--wait"]);
    await untilAnswers(bootstrapServer);
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
  const needsJvm = () =>
    Promise.reject(new Error("a broker in a container cannot do this: start it with requireJvm"));
  return {
    bootstrapServer,
    how: "container",
    stop,
    kill: needsJvm,
    restart: needsJvm,
    [Symbol.asyncDispose]: stop,
  };
}

interface Installation {
  readonly libraries: string;
  /** Loaded classes, ready to be mapped into memory: they halve the start. Need not exist. */
  readonly classArchive: string;
}

interface RunningJvm {
  readonly process: Deno.ChildProcess;
  /** After which its guard is gone too. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** What the JVM writes its classes to when it ends. */
  readonly newArchive?: string;
}

class JvmBroker implements Broker {
  readonly how = "jvm";
  readonly bootstrapServer: string;
  readonly logFile: string;
  readonly #installation: Installation;
  readonly #directory: string;
  readonly #propertiesFile: string;
  #running: RunningJvm | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(port: number, directory: string, installation: Installation) {
    this.bootstrapServer = `127.0.0.1:${port}`;
    this.logFile = `${directory}/broker.log`;
    this.#directory = directory;
    this.#propertiesFile = `${directory}/server.properties`;
    this.#installation = installation;
  }

  static async start(
    { port, properties, say }: {
      port: number;
      properties: Record<string, string>;
      say: (line: string) => void;
    },
  ): Promise<JvmBroker> {
    const installation = await install(say);
    const directory = await Deno.makeTempDir({ prefix: "eventor-kafka-" });
    const broker = new JvmBroker(port, directory, installation);
    try {
      await broker.#format(port, properties);
      await broker.#launch();
    } catch (error) {
      await broker.stop();
      throw error;
    }
    return broker;
  }

  async #format(port: number, properties: Record<string, string>): Promise<void> {
    const template = await Deno.readTextFile(propertiesTemplate);
    const controllerPort = freePort(port);
    const listeners = `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`;
    const settings = {
      listeners,
      "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
      "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
      "log.dirs": `${this.#directory}/data`,
      ...properties,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    // Of a property that stands twice the last one counts.
    await Deno.writeTextFile(this.#propertiesFile, template + lines.join(""));
    await runOrThrow([
      "java",
      ...this.#javaOptions(),
      "kafka.tools.StorageTool",
      "format",
      "--ignore-formatted",
      "--cluster-id",
      CLUSTER_ID,
      "--config",
      this.#propertiesFile,
    ]);
  }

  #javaOptions(newArchive?: string): string[] {
    const { libraries, classArchive } = this.#installation;
    return [
      "-Xmx400m",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      `-XX:ErrorFile=${this.#directory}/crash.log`,
      // Where the libraries for compression unpack themselves.
      `-Djava.io.tmpdir=${this.#directory}`,
      // An archive that does not fit this JVM is passed over in silence.
      "-Xshare:auto",
      "-Xlog:disable",
      "-Xlog:all=error:stderr",
      newArchive === undefined
        ? `-XX:SharedArchiveFile=${classArchive}`
        : `-XX:ArchiveClassesAtExit=${newArchive}`,
      `-Dlog4j2.configurationFile=${logConfiguration}`,
      "-classpath",
      `${libraries}/*`,
    ];
  }

  async #launch(): Promise<void> {
    const { classArchive } = this.#installation;
    const newArchive = await exists(classArchive)
      ? undefined
      : `${classArchive}.${crypto.randomUUID()}.part`;
    const process = new Deno.Command("sh", {
      // The shell becomes the JVM. Through a pipe to us the log would end when we do.
      args: [
        "-c",
        'log=$1; shift; exec "$@" >>"$log" 2>&1',
        "sh",
        this.logFile,
        "java",
        ...this.#javaOptions(newArchive),
        "kafka.Kafka",
        this.#propertiesFile,
      ],
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
    const guard = whenWeDie('kill -KILL "$1"; sleep 1; rm -rf "$2"', [
      `${process.pid}`,
      this.#directory,
    ]);
    // Its process identifier may soon be that of another process.
    const ended = process.status.finally(() => guard.dismiss());
    this.#running = { process, ended, ...(newArchive === undefined ? {} : { newArchive }) };
    try {
      await untilAnswers(this.bootstrapServer, ended);
    } catch (error) {
      const log = await Deno.readTextFile(this.logFile).catch(() => "");
      const lines = log.trimEnd().split("\n").slice(-15).join("\n");
      throw new Error(`Kafka does not start: ${messageOf(error)}. The end of its log:\n${lines}`);
    }
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    const { process, ended, newArchive } = running;
    signalProcess(process, signal);
    const timer = setTimeout(() => signalProcess(process, "SIGKILL"), STOP_DEADLINE_MS);
    const status = await ended;
    clearTimeout(timer);
    if (newArchive === undefined || !await exists(newArchive)) return;
    // The code of a JVM that ended in order because of SIGTERM. Anything less whole makes a later JVM crash.
    const isWhole = status.code === 143 && status.signal === null;
    if (isWhole) await Deno.rename(newArchive, this.#installation.classArchive);
    else await Deno.remove(newArchive);
  }

  stop(): Promise<void> {
    return this.#stopped ??= this.#end("SIGTERM")
      .then(() => Deno.remove(this.#directory, { recursive: true }));
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async restart(): Promise<void> {
    if (this.#stopped !== undefined) throw new Error("the broker was stopped: its data is gone");
    await this.#end("SIGTERM");
    await this.#launch();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

async function install(say: (line: string) => void): Promise<Installation> {
  let java = await javaVersion();
  const version = /<kafka\.version>(.+?)</.exec(await Deno.readTextFile(pom))?.[1];
  if (version === undefined) throw new Error(`${pom} names no <kafka.version>`);
  const directory = `${cacheDirectory()}/kafka-${version}`;
  const libraries = `${directory}/libs`;
  const hasLibraries = await exists(libraries);

  const lacksJava = java === undefined || java < MINIMUM_JAVA;
  const lacksMaven = !hasLibraries && !(await run(["mvn", "--version"])).success;
  if (lacksJava || lacksMaven) {
    await installPackages({ java, lacksJava, lacksMaven, say });
    java = await javaVersion();
  }
  if (!hasLibraries) {
    say(`Getting the jars of Kafka ${version} by Maven into ${libraries}.`);
    await Deno.mkdir(directory, { recursive: true });
    const part = await Deno.makeTempDir({ dir: directory, prefix: "libs-", suffix: ".part" });
    try {
      await runOrThrow([
        "mvn",
        "--quiet",
        "--batch-mode",
        "--file",
        pom,
        "dependency:copy-dependencies",
        `-DoutputDirectory=${part}`,
      ]);
      // Another process may have been quicker, and its jars are the same.
      await Deno.rename(part, libraries).catch(async (error) => {
        if (!await exists(libraries)) throw error;
      });
    } finally {
      await Deno.remove(part, { recursive: true }).catch(() => {});
    }
  }
  return { libraries, classArchive: `${directory}/classes-java-${java}.jsa` };
}

async function installPackages(
  { java, lacksJava, lacksMaven, say }: {
    java: number | undefined;
    lacksJava: boolean;
    lacksMaven: boolean;
    say: (line: string) => void;
  },
): Promise<void> {
  const lacks = [
    ...(!lacksJava ? [] : [java === undefined ? "no java on the PATH" : `only Java ${java}`]),
    ...(lacksMaven ? ["no mvn on the PATH"] : []),
  ].join(" and ");
  const packages = [
    ...(lacksJava ? [`openjdk-${MINIMUM_JAVA}-jre-headless`] : []),
    ...(lacksMaven ? ["maven"] : []),
  ];
  const hasApt = (await run(["apt-get", "--version"])).success;
  if (!hasApt || Deno.uid() !== 0) {
    const remedy = hasApt
      ? `Run: sudo apt-get install -y ${packages.join(" ")}`
      : Deno.build.os === "darwin"
      ? "Run: brew install openjdk maven"
      : "Install them with your package manager.";
    throw new BrokerUnavailableError(
      `Kafka cannot be started: without a container it needs Java ${MINIMUM_JAVA} or later and Maven, ` +
        `and there is ${lacks}. ${remedy}`,
    );
  }
  say(`Found ${lacks}: installing ${packages.join(" and ")} by apt-get.`);
  await runOrThrow(["apt-get", "update", "--quiet"]);
  const apt = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends"];
  const environment = { DEBIAN_FRONTEND: "noninteractive" };
  const installed = await run([...apt, ...packages], { environment });
  if (!installed.success) {
    // Later releases have only a later Java.
    const others = packages.map((name) =>
      name.startsWith("openjdk") ? "default-jre-headless" : name
    );
    await runOrThrow([...apt, ...others], { environment });
  }
  const found = await javaVersion();
  if (found === undefined || found < MINIMUM_JAVA) {
    throw new BrokerUnavailableError(
      `Kafka cannot be started: apt-get installed ${packages.join(" and ")}, but java is ${
        found ?? "missing"
      }. ` +
        `Install Java ${MINIMUM_JAVA} or later so that it is on the PATH.`,
    );
  }
}

async function javaVersion(): Promise<number | undefined> {
  const { success, output } = await run(["java", "-version"]);
  const major = /version "(\d+)/.exec(output)?.[1];
  return success && major !== undefined ? Number(major) : undefined;
}

function cacheDirectory(): string {
  const home = Deno.env.get("HOME");
  const cache = Deno.env.get("XDG_CACHE_HOME") ||
    (home ? `${home}/.cache` : Deno.env.get("TMPDIR") || "/tmp");
  return `${cache}/eventor`;
}

interface Guard {
  dismiss(): Promise<void>;
}

/** Runs a script of the shell once this process ends in any way, be it by SIGKILL. */
function whenWeDie(script: string, parameters: string[]): Guard {
  const process = new Deno.Command("sh", {
    // Its input ends with us.
    args: ["-c", `read -r _; ${script}`, "sh", ...parameters],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    // What ends us must not end it too: neither the terminal nor Deno.
    detached: true,
  }).spawn();
  return {
    async dismiss() {
      signalProcess(process, "SIGKILL");
      await process.status;
      await process.stdin.close().catch(() => {});
    },
  };
}

function signalProcess(process: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    process.kill(signal);
  } catch (error) {
    const hasEnded = error instanceof TypeError || error instanceof Deno.errors.NotFound;
    if (!hasEnded) throw error;
  }
}

interface RunOptions {
  readonly deadlineMs?: number;
  readonly environment?: Record<string, string>;
}

interface RunResult {
  readonly success: boolean;
  /** Both outputs, or why there is none. */
  readonly output: string;
}

async function run(
  [command, ...args]: string[],
  { deadlineMs, environment = {} }: RunOptions = {},
): Promise<RunResult> {
  const signal = deadlineMs === undefined ? {} : { signal: AbortSignal.timeout(deadlineMs) };
  try {
    const result = await new Deno.Command(command!, {
      args,
      env: environment,
      stdin: "null",
      ...signal,
    }).output();
    const decoder = new TextDecoder();
    const output = decoder.decode(result.stdout) + decoder.decode(result.stderr);
    return { success: result.success, output };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { success: false, output: `there is no ${command} on the PATH` };
  }
}

async function runOrThrow(command: string[], options: RunOptions = {}): Promise<void> {
  const { success, output } = await run(command, options);
  if (success) return;
  const lines = output.trimEnd().split("\n").slice(-15).join("\n");
  throw new Error(`${command.join(" ")} failed:\n${lines}`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * A port below those that systems give to outgoing connections. From among those, a client that keeps trying to reach
 * a broker that is down can be given the broker's port: it then talks to itself, and the broker cannot come back.
 */
function freePort(taken?: number): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    if (port !== taken && isFree(port)) return port;
  }
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

function assertFree(port: number): void {
  if (isFree(port)) return;
  throw new Error(
    `port ${port} of 127.0.0.1 is taken: stop what listens there, be it another broker, or choose another port`,
  );
}

/** Creates topics and waits until they can be used. Throws when one exists already. */
export async function createTopics(bootstrapServer: string, topics: NewTopic[]): Promise<void> {
  const response = await request(bootstrapServer, {
    key: 19,
    version: 2,
    deadlineMs: TOPIC_DEADLINE_MS,
  }, [
    array(topics, ({ topic, partitions = 1, config = {} }) => [
      string(topic),
      int32(partitions),
      int16(1), // replicas
      int32(0), // assignments
      array(Object.entries(config), ([name, value]) => [string(name), string(value)]),
    ]),
    int32(TOPIC_DEADLINE_MS),
    int8(0), // not only validated
  ]);
  response.int32(); // throttle time
  const problems: string[] = [];
  for (let count = response.int32(); count > 0; count--) {
    const topic = response.string();
    const code = response.int16();
    const message = response.string();
    if (code !== 0) problems.push(`${topic}: ${message ?? "no reason given"} (error code ${code})`);
  }
  if (problems.length > 0) {
    throw new Error(`${bootstrapServer} does not create topics: ${problems.join("; ")}`);
  }
  const names = topics.map(({ topic }) => topic);
  const deadline = Date.now() + TOPIC_DEADLINE_MS;
  while (!await haveLeaders(bootstrapServer, names)) {
    if (Date.now() > deadline) {
      throw new Error(
        `${bootstrapServer} created ${names.join(", ")}, but they have no leader ${
          TOPIC_DEADLINE_MS / 1000
        } s later`,
      );
    }
    await sleep(POLL_INTERVAL_MS);
  }
}

async function haveLeaders(bootstrapServer: string, topics: string[]): Promise<boolean> {
  const response = await metadata(bootstrapServer, topics);
  let ready = true;
  for (let count = response.int32(); count > 0; count--) {
    if (response.int16() !== 0) ready = false;
    response.string(); // name
    response.int8(); // internal
    for (let partitions = response.int32(); partitions > 0; partitions--) {
      if (response.int16() !== 0) ready = false;
      response.int32(); // partition
      if (response.int32() < 0) ready = false; // leader
      for (let replicas = response.int32(); replicas > 0; replicas--) response.int32();
      for (let inSync = response.int32(); inSync > 0; inSync--) response.int32();
    }
  }
  return ready;
}

/** Asks for what is known of topics. What is left of the response is about the topics. */
async function metadata(bootstrapServer: string, topics: string[]): Promise<Reader> {
  const response = await request(bootstrapServer, {
    key: 3,
    version: 1,
    deadlineMs: METADATA_DEADLINE_MS,
  }, [
    array(topics, (topic) => [string(topic)]),
  ]);
  const brokers = response.int32();
  if (brokers < 1) throw new Error("it knows of no broker yet");
  for (let count = brokers; count > 0; count--) {
    response.int32(); // id
    response.string(); // host
    response.int32(); // port
    response.string(); // rack
  }
  response.int32(); // id of the controller
  return response;
}

/** Waits for an answer to a metadata request, for as long as the process lives when there is one. */
async function untilAnswers(
  bootstrapServer: string,
  ended?: Promise<Deno.CommandStatus>,
): Promise<void> {
  let status: Deno.CommandStatus | undefined;
  ended?.then((value) => status = value);
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    try {
      await metadata(bootstrapServer, []);
      return;
    } catch (error) {
      if (status !== undefined) {
        throw new Error(`its process ended with ${status.signal ?? `exit code ${status.code}`}`);
      }
      if (Date.now() > deadline) {
        throw new Error(
          `${bootstrapServer} gives no answer within ${START_DEADLINE_MS / 1000} s: ${
            messageOf(error)
          }`,
        );
      }
    }
    await sleep(POLL_INTERVAL_MS);
  }
}

async function request(
  bootstrapServer: string,
  { key, version, deadlineMs }: { key: number; version: number; deadlineMs: number },
  body: Uint8Array[],
): Promise<Reader> {
  const [hostname, port] = bootstrapServer.split(":");
  const parts = [int16(key), int16(version), int32(0), string("eventor"), ...body];
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const message = concatenate([int32(size), ...parts]);
  using connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    connection.close();
  }, deadlineMs);
  try {
    for (let rest = message; rest.length > 0;) {
      rest = rest.subarray(await connection.write(rest));
    }
    const length = new Reader(await readFully(connection, 4)).int32();
    const response = new Reader(await readFully(connection, length));
    response.int32(); // correlation id
    return response;
  } catch (error) {
    throw late ? new Error(`${bootstrapServer} does not answer within ${deadlineMs} ms`) : error;
  } finally {
    clearTimeout(timer);
  }
}

async function readFully(connection: Deno.Conn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await connection.read(bytes.subarray(filled));
    if (count === null) throw new Error("the broker closed the connection");
    filled += count;
  }
  return bytes;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  int8(): number {
    return this.#view.getInt8(this.#advance(1));
  }

  int16(): number {
    return this.#view.getInt16(this.#advance(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  string(): string | undefined {
    const length = this.int16();
    if (length < 0) return undefined;
    const start = this.#advance(length);
    return new TextDecoder().decode(this.#bytes.subarray(start, start + length));
  }

  #advance(count: number): number {
    const offset = this.#offset;
    this.#offset += count;
    return offset;
  }
}

function int8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

function int16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}

function int32(value: number): Uint8Array {
  return Uint8Array.of(value >> 24, value >> 16, value >> 8, value);
}

function string(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return concatenate([int16(bytes.length), bytes]);
}

function array<Item>(items: Item[], encode: (item: Item) => Uint8Array[]): Uint8Array {
  return concatenate([int32(items.length), ...items.flatMap(encode)]);
}

function concatenate(parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
