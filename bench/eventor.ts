import type { EndpointBehaviour } from "./endpoint_process.ts";
import { GuardedChild, linesOf } from "./guarded_child.ts";
import { type ProcessUsage, processUsage } from "./process_usage.ts";
import type { Bench } from "./scenario.ts";
import type { Topics } from "./topics.ts";

const LOG_DEADLINE_MS = 30_000;
const LOG_POLL_MS = 20;

/** What is measured: a pipeline's keys, and what its endpoint does. */
export interface PipelineSettings extends EndpointBehaviour {
  readonly ordering: "key" | "partition" | "none";
  readonly concurrency: number;
  /** Further keys of the handler, such as `timeout: 5s`. */
  readonly handlerKeys?: readonly string[];
}

/** The measured process, with one pipeline. It ends with its scope. */
export class Eventor implements AsyncDisposable {
  readonly #child: GuardedChild;
  readonly #log: string[] = [];
  readonly #logRead: Promise<void>;
  #hasEnded = false;

  private constructor([executable = "", ...args]: readonly string[]) {
    this.#child = new GuardedChild(executable, {
      args: [...args, "-f", "-"],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    });
    this.#child.ended.then(() => this.#hasEnded = true);
    this.#logRead = this.#readLog();
  }

  static async start(bench: Bench, topics: Topics, settings: PipelineSettings): Promise<Eventor> {
    const url = await bench.endpoint(settings);
    const eventor = new Eventor(bench.command);
    await eventor.#configure(configuration(bench, topics, { ...settings, url }));
    return eventor;
  }

  async #configure(text: string): Promise<void> {
    const writer = this.#child.process.stdin.getWriter();
    // Should it have ended already, then whoever waits for results says why.
    await writer.write(new TextEncoder().encode(text)).then(() => writer.close()).catch(() => {});
  }

  /** @throws {Error} when the process has ended */
  usage(): Promise<ProcessUsage> {
    if (this.#hasEnded) throw new Error(`eventor has ended; ${this.logEnd}`);
    return processUsage(this.pid);
  }

  get pid(): number {
    return this.#child.process.pid;
  }

  /** Resolves with what the pattern's group matches in the log, now or later. */
  async logged(pattern: RegExp): Promise<string> {
    const deadline = performance.now() + LOG_DEADLINE_MS;
    for (;;) {
      const found = this.#log.map((line) => pattern.exec(line)?.[1]).find((text) => text);
      if (found !== undefined) return found;
      if (this.#hasEnded || performance.now() > deadline) {
        throw new Error(`eventor does not log ${pattern}; ${this.logEnd}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOG_POLL_MS));
    }
  }

  /** The end of its log, for messages. */
  get logEnd(): string {
    return `the end of its log:\n${this.#log.slice(-15).join("\n")}`;
  }

  async #readLog(): Promise<void> {
    for await (const line of linesOf(this.#child.process.stderr)) {
      this.#log.push(line);
      if (this.#log.length > 1000) this.#log.splice(0, 500);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
    await this.#logRead;
  }
}

function configuration(
  { broker, options }: Bench,
  { events, results }: Topics,
  { url, ordering, concurrency, handlerKeys = [] }: PipelineSettings & { url: string },
): string {
  const keys = [`ordering: ${ordering}`, `concurrency: ${concurrency}`, ...options.pipelineKeys];
  return `
- name: bench
  logLevel: INFO
  ${keys.join("\n  ")}
  eventListener:
    type: kafka
    topic: ${events}
    consumerConfig:
      bootstrap.servers: ${broker}
      group.id: ${events}
      auto.offset.reset: earliest
  eventHandler:
    type: http
    ${[`url: ${url}`, ...handlerKeys].join("\n    ")}
  eventResultProcessor:
    type: kafka
    topic: ${results}
    when: [onSuccess]
    producerConfig:
      bootstrap.servers: ${broker}
      acks: all
`;
}
