import { fileURLToPath } from "node:url";
import { install } from "../../../tools/kafka/installation.ts";
import { mortal } from "../executable/eventor_process.ts";
import { eventually } from "../eventually.ts";
import { testBroker } from "./broker.ts";

const JAVA_PROGRAM = fileURLToPath(new URL("./GroupConsumer.java", import.meta.url));
const DEADLINE_MS = 300_000;

/** What a client of a group is started with; `keys` are settings of its own. */
export interface GroupClientOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly keys?: Readonly<Record<string, string>>;
  readonly broker?: string;
}

/** A member of a consumer group that shares no code with ours, in a process of its own. It leaves with its scope. */
export class GroupClient implements AsyncDisposable {
  /** The values of the events that it has read. */
  readonly values: string[] = [];
  /** Its partitions, as `topic-0`, sorted; null until it has joined the group. */
  partitions: readonly string[] | null = null;
  readonly #child: Deno.ChildProcess;
  readonly #mortal: Disposable;
  readonly #read: Promise<unknown>;
  readonly #lines: string[] = [];
  #isLeaving = false;

  private constructor(
    command: string,
    args: readonly string[],
    { read }: { read: (client: GroupClient, line: string) => void },
  ) {
    this.#child = new Deno.Command(command, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#mortal = mortal(this.#child, { deadlineMs: DEADLINE_MS });
    const take = (line: string) => {
      this.#lines.push(line);
      read(this, line);
    };
    this.#read = Promise.all([
      readLines(this.#child.stdout, take),
      readLines(this.#child.stderr, take),
    ]);
  }

  /** kcat, which is librdkafka. */
  static kcat(
    { group, topics, keys = {}, broker = testBroker() }: GroupClientOptions,
  ): GroupClient {
    const settings = { "auto.offset.reset": "earliest", "auto.commit.interval.ms": "500", ...keys };
    const args = Object.entries(settings).flatMap(([key, value]) => ["-X", `${key}=${value}`]);
    return new GroupClient("kcat", [
      "-b",
      broker,
      "-u",
      ...args,
      "-f",
      "EVENT %s\\n",
      "-G",
      group,
      ...topics,
    ], {
      read(client, line) {
        if (line.startsWith("EVENT ")) client.values.push(line.slice("EVENT ".length));
        if (!/^% Group .* rebalanced/.test(line)) return;
        const held = line.includes("revoke") ? "" : line;
        client.partitions = [...held.matchAll(/(\S+) \[(\d+)\]/g)]
          .map(([, topic, partition]) => `${topic}-${partition}`).sort();
      },
    });
  }

  /** Java's consumer. */
  static async java(
    { group, topics, keys = {}, broker = testBroker() }: GroupClientOptions,
  ): Promise<GroupClient> {
    const { libraries } = await install(() => {});
    const settings = Object.entries(keys).map(([key, value]) => `${key}=${value}`);
    const program = ["-cp", `${libraries}/*`, JAVA_PROGRAM];
    return new GroupClient("java", [...program, broker, group, topics.join(","), ...settings], {
      read(client, line) {
        if (line.startsWith("EVENT ")) client.values.push(line.slice("EVENT ".length));
        if (!line.startsWith("ASSIGNED")) return;
        client.partitions = line.split(" ").slice(1).filter((name) => name !== "");
      },
    });
  }

  /** Resolves once it has so many partitions. */
  async holds(count: number): Promise<void> {
    await eventually(() => this.partitions?.length === count, {
      deadlineMs: 60_000,
      what: () =>
        `${count} partitions, found ${this.partitions}; it has said:\n${
          this.#lines.filter((line) => !line.startsWith("EVENT")).slice(-20).join("\n")
        }`,
    });
  }

  /** Has it leave the group, and resolves once it has. */
  async leave(): Promise<void> {
    if (!this.#isLeaving) {
      this.#isLeaving = true;
      this.signal("SIGTERM");
    }
    await this.#child.status;
    await this.#read;
    this.#mortal[Symbol.dispose]();
  }

  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended already.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }
}

async function readLines(
  stream: ReadableStream<BufferSource>,
  take: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(take);
  }
}
