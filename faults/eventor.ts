import { GuardedChild, linesOf } from "../bench/guarded_child.ts";
import { processUsage } from "../bench/process_usage.ts";
import { signalProcess } from "../tools/processes.ts";
import { eventually } from "../tests/support/eventually.ts";
import type { ProcessEnd } from "./history.ts";

const LOG_LINES_KEPT = 1000;
const LINE_DEADLINE_MS = 30_000;

/** Written in the same turn in which it begins to listen to signals. */
const STARTS = /eventor \S+ starts \d+ pipeline/;

/** How a member is started. */
export interface EventorOptions {
  /** What it is called in messages, and by its calls' path. */
  readonly name: string;
  /** The executable, or what runs the program with further arguments behind it. */
  readonly command: readonly string[];
  readonly config: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Must not be in its log. */
  readonly canary: string;
  /** Otherwise nobody reads its log until `readLog()`. */
  readonly readsLog?: boolean;
}

/** A running eventor. It ends with its scope; all that is worth telling of it is noted here. */
export class Eventor implements AsyncDisposable {
  readonly name: string;
  /** How it ended, unless it was killed by the row. */
  readonly ends: ProcessEnd[] = [];
  readonly leaks: string[] = [];
  readonly #child: GuardedChild;
  readonly #canary: string;
  readonly #log: string[] = [];
  #logRead: Promise<void> | null = null;
  #hasStarted = false;
  #mayEnd = false;
  #hasEnded = false;

  constructor(
    { name, command: [executable = "", ...args], config, env = {}, canary, readsLog = true }:
      EventorOptions,
  ) {
    this.name = name;
    this.#canary = canary;
    this.#child = new GuardedChild(executable, {
      args: [...args, "-f", "-"],
      env,
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    });
    void this.#child.ended.then((status) => this.#noteEnd(status));
    void this.#configure(config);
    if (readsLog) this.readLog();
  }

  get pid(): number {
    return this.#child.process.pid;
  }

  /** The end of its log, for messages. */
  get logEnd(): string {
    return `the end of the log of ${this.name}:\n${this.#log.slice(-15).join("\n")}`;
  }

  /** The lines of its log that are kept. */
  get log(): readonly string[] {
    return this.#log;
  }

  /** Begins to read its log. */
  readLog(): void {
    this.#logRead ??= this.#readLog();
  }

  /** Resolves with the first of the kept lines that matches, now or later. */
  async line(pattern: RegExp, { deadlineMs = LINE_DEADLINE_MS } = {}): Promise<string> {
    const find = () => this.#log.find((line) => pattern.test(line));
    await eventually(() => find() !== undefined, {
      deadlineMs,
      what: () => `a log line that matches ${pattern}; ${this.logEnd}`,
    });
    return find() ?? "";
  }

  /** How many of the kept lines match. */
  count(pattern: RegExp): number {
    return this.#log.filter((line) => pattern.test(line)).length;
  }

  /** The last of the kept lines that match, and its groups. */
  lastMatch(pattern: RegExp): RegExpExecArray | null {
    const line = this.#log.findLast((line) => pattern.test(line));
    return line === undefined ? null : pattern.exec(line);
  }

  /** Memory, and how many sockets are open. */
  async usage(): Promise<{ rssMb: number; sockets: number }> {
    const { rssMb } = await processUsage(this.pid);
    const directory = `/proc/${this.pid}/fd`;
    let sockets = 0;
    for await (const { name } of Deno.readDir(directory)) {
      const target = await Deno.readLink(`${directory}/${name}`).catch(() => "");
      if (target.startsWith("socket:")) sockets++;
    }
    return { rssMb, sockets };
  }

  signal(signal: Deno.Signal): void {
    signalProcess(this.#child.process, signal);
  }

  /** Ends it by SIGKILL. */
  async kill(): Promise<void> {
    this.#mayEnd = true;
    this.signal("SIGKILL");
    await this.#child.ended;
  }

  /** Asks it to end, and notes whether it does so with exit code 0 and in time. */
  async stop({ maxMs }: { maxMs: number }): Promise<void> {
    await this.#untilItHeedsSignals();
    if (this.#hasEnded) return;
    this.#mayEnd = true;
    const askedAt = performance.now();
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), maxMs * 2);
    const status = await this.#child.ended;
    clearTimeout(timer);
    const tookMs = performance.now() - askedAt;
    this.ends.push({ who: this.name, expected: 0, found: found(status), tookMs, maxMs });
  }

  /** Resolves with the exit code or signal of an end that the row expects. */
  async ended(): Promise<number | string> {
    this.#mayEnd = true;
    return found(await this.#child.ended);
  }

  /** Whoever is asked to end before it has begun just ends, as every process does. */
  async #untilItHeedsSignals(): Promise<void> {
    await eventually(() => this.#logRead === null || this.#hasStarted || this.#hasEnded, {
      deadlineMs: LINE_DEADLINE_MS,
      what: () => `that it starts; ${this.logEnd}`,
    });
  }

  #noteEnd(status: Deno.CommandStatus): void {
    this.#hasEnded = true;
    if (this.#mayEnd) return;
    this.ends.push({ who: this.name, expected: null, found: found(status) });
  }

  async #configure(config: string): Promise<void> {
    const writer = this.#child.process.stdin.getWriter();
    // Should it have ended already, then how it ended is noted.
    await writer.write(new TextEncoder().encode(config)).then(() => writer.close()).catch(() => {});
  }

  async #readLog(): Promise<void> {
    for await (const line of linesOf(this.#child.process.stderr)) {
      if (line.includes(this.#canary)) this.leaks.push(`the log of ${this.name}`);
      if (STARTS.test(line)) this.#hasStarted = true;
      this.#log.push(line);
      if (this.#log.length > 2 * LOG_LINES_KEPT) this.#log.splice(0, LOG_LINES_KEPT);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#mayEnd = true;
    this.signal("SIGKILL");
    await this.#child.ended;
    // Otherwise the rest of the log would keep its pipe open.
    this.readLog();
    await this.#logRead;
  }
}

function found({ code, signal }: Deno.CommandStatus): number | string {
  return signal ?? code;
}
