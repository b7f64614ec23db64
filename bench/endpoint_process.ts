import { fileURLToPath } from "node:url";
import { GuardedChild, linesOf } from "./guarded_child.ts";

const script = fileURLToPath(new URL("./endpoint.ts", import.meta.url));

/** Endpoints in processes of their own, one for each latency, started when first asked for. */
export class Endpoints implements AsyncDisposable {
  readonly #children = new AsyncDisposableStack();
  readonly #urls = new Map<number, Promise<string>>();

  /** The URL of the endpoint that answers after so many milliseconds. */
  url(latencyMs: number): Promise<string> {
    const known = this.#urls.get(latencyMs);
    if (known !== undefined) return known;
    const url = this.#start(latencyMs);
    this.#urls.set(latencyMs, url);
    return url;
  }

  async #start(latencyMs: number): Promise<string> {
    const child = this.#children.use(
      new GuardedChild(Deno.execPath(), {
        args: ["run", "--allow-net", script, `${latencyMs}`],
        stdout: "piped",
      }),
    );
    for await (const port of linesOf(child.process.stdout)) {
      return `http://127.0.0.1:${port}/`;
    }
    throw new Error("the endpoint ended instead of saying its port");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#children.disposeAsync();
  }
}
