import { fileURLToPath } from "node:url";
import { freePort } from "../tools/kafka/ports.ts";
import { GuardedChild, linesOf } from "../bench/guarded_child.ts";
import type { EndpointCommand, Rule } from "./endpoint_rules.ts";
import type { EndpointCall } from "./history.ts";

const script = fileURLToPath(new URL("./endpoint_process.ts", import.meta.url));

/** An endpoint in a process of its own, which does what it is told and logs every call. */
export class FaultyEndpoint implements AsyncDisposable {
  readonly host: string;
  readonly #child: GuardedChild;
  readonly #callLog: string;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: AsyncGenerator<string>;
  #secretless = 0;
  #last: Promise<void> = Promise.resolve();

  private constructor(child: GuardedChild, { port, callLog }: { port: number; callLog: string }) {
    this.host = `127.0.0.1:${port}`;
    this.#child = child;
    this.#callLog = callLog;
    this.#writer = child.process.stdin.getWriter();
    this.#answers = linesOf(child.process.stdout);
  }

  /** @param callLog the path of a file that is not there yet */
  static async start(
    { callLog, seed, secret }: { callLog: string; seed: number; secret: string },
  ): Promise<FaultyEndpoint> {
    const port = freePort();
    const child = new GuardedChild(Deno.execPath(), {
      args: ["run", "--allow-net", "--allow-write", script, `${port}`, callLog, `${seed}`, secret],
      stdin: "piped",
      stdout: "piped",
    });
    const endpoint = new FaultyEndpoint(child, { port, callLog });
    await endpoint.behave([]);
    return endpoint;
  }

  /** Resolves when this is what it does with the calls that come from now on. */
  behave(rules: readonly Rule[]): Promise<void> {
    return this.#tell({ kind: "rules", rules });
  }

  /** Refuses connections, and ends those that are open. */
  goDown(): Promise<void> {
    return this.#tell({ kind: "listen", listening: false });
  }

  comeBack(): Promise<void> {
    return this.#tell({ kind: "listen", listening: true });
  }

  /** All calls so far. */
  async calls(): Promise<EndpointCall[]> {
    await this.#tell({ kind: "flush" });
    const lines = (await Deno.readTextFile(this.#callLog)).split("\n");
    return lines.slice(0, -1).map((line) => {
      const [partition, offset, atMs, attempt, answer = ""] = line.split(" ");
      return {
        partition: Number(partition),
        offset: Number(offset),
        atMs: Number(atMs),
        attempt: Number(attempt),
        answer,
      };
    });
  }

  /** How many calls had come without the secret when it was told something last. */
  get secretless(): number {
    return this.#secretless;
  }

  #tell(command: EndpointCommand): Promise<void> {
    this.#last = this.#last.then(async () => {
      await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(command)}\n`));
      const { done, value } = await this.#answers.next();
      if (done) throw new Error(`the endpoint ended instead of obeying '${command.kind}'`);
      this.#secretless = Number(value);
    });
    return this.#last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
    await this.#writer.close().catch(() => {});
    // Nobody reads what it has not said.
    await this.#answers.return(undefined);
  }
}
