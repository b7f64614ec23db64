import { fileURLToPath } from "node:url";
import type { Broker } from "./broker.ts";
import { exists } from "./files.ts";
import { install, type Installation } from "./installation.ts";
import { untilAnswers } from "./metadata.ts";
import { freePort } from "./ports.ts";
import { lastLines, messageOf, runOrThrow, signalProcess, whenWeDie } from "../processes.ts";

/** They start soonest, and leave memory to others. */
const SMALL = ["-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

const STOP_DEADLINE_MS = 20_000;
/** The form is that of 16 bytes in base64. */
const CLUSTER_ID = "eventor-kafka-brokerAA";

const propertiesTemplate = fileURLToPath(new URL("../../kafka/server.properties", import.meta.url));
const logConfiguration = fileURLToPath(new URL("../../kafka/log4j2.xml", import.meta.url));

interface RunningJvm {
  readonly process: Deno.ChildProcess;
  /** After which its guard is gone too. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** What the JVM writes its classes to when it ends. */
  readonly newArchive?: string;
}

interface JvmBrokerOptions {
  readonly port: number;
  readonly properties: Record<string, string>;
  readonly javaOptions: readonly string[] | undefined;
  readonly say: (line: string) => void;
}

/** A broker in a JVM of this machine, with its data in a directory for temporary files. */
export class JvmBroker implements Broker {
  readonly how = "jvm";
  readonly bootstrapServer: string;
  readonly logFile: string;
  readonly #installation: Installation;
  readonly #sizing: readonly string[];
  readonly #directory: string;
  readonly #propertiesFile: string;
  #running: RunningJvm | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(
    { port, javaOptions }: JvmBrokerOptions,
    directory: string,
    installation: Installation,
  ) {
    this.#sizing = javaOptions ?? SMALL;
    this.bootstrapServer = `127.0.0.1:${port}`;
    this.logFile = `${directory}/broker.log`;
    this.#directory = directory;
    this.#propertiesFile = `${directory}/server.properties`;
    this.#installation = installation;
  }

  static async start(options: JvmBrokerOptions): Promise<JvmBroker> {
    const { port, properties } = options;
    const installation = await install(options.say);
    const directory = await Deno.makeTempDir({ prefix: "eventor-kafka-" });
    const broker = new JvmBroker(options, directory, installation);
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
    await Deno.writeTextFile(this.#propertiesFile, template);
    await this.#set(settings);
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

  async #set(properties: Record<string, string>): Promise<void> {
    const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
    // Of a property that stands twice the last one counts.
    await Deno.writeTextFile(this.#propertiesFile, lines.join(""), { append: true });
  }

  #javaOptions(newArchive?: string): string[] {
    const { libraries, classArchive } = this.#installation;
    return [
      ...this.#sizing,
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
    const dismissGuard = whenWeDie('kill -KILL "$1"; sleep 1; rm -rf "$2"', [
      `${process.pid}`,
      this.#directory,
    ]);
    // Its process identifier may soon be that of another process.
    const ended = process.status.finally(dismissGuard);
    this.#running = { process, ended, ...(newArchive === undefined ? {} : { newArchive }) };
    try {
      await untilAnswers(this.bootstrapServer, ended);
    } catch (error) {
      const log = await Deno.readTextFile(this.logFile).catch(() => "");
      throw new Error(
        `Kafka does not start: ${messageOf(error)}. The end of its log:\n${lastLines(log)}`,
      );
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

  async restart(properties: Record<string, string> = {}): Promise<void> {
    if (this.#stopped !== undefined) throw new Error("the broker was stopped: its data is gone");
    await this.#end("SIGTERM");
    await this.#set(properties);
    await this.#launch();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
