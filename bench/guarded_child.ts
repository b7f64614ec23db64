import { signalProcess, whenWeDie } from "../tools/processes.ts";

const STOP_DEADLINE_MS = 10_000;

/** A process that ends with its scope, and with this process however that ends. */
export class GuardedChild implements AsyncDisposable {
  readonly process: Deno.ChildProcess;
  /** Resolves once it has ended. */
  readonly ended: Promise<Deno.CommandStatus>;

  constructor(command: string, options: Deno.CommandOptions) {
    this.process = new Deno.Command(command, { stdin: "null", ...options }).spawn();
    const dismissGuard = whenWeDie('kill -KILL "$1"', [`${this.process.pid}`]);
    // Its process identifier may soon be that of another process.
    this.ended = this.process.status.finally(dismissGuard);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    signalProcess(this.process, "SIGTERM");
    const timer = setTimeout(() => signalProcess(this.process, "SIGKILL"), STOP_DEADLINE_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

/** The next lines of an output, each as soon as it is there. */
export async function* linesOf(output: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of output) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
