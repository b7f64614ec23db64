import { fileURLToPath } from "node:url";
import { GuardedChild, linesOf } from "./guarded_child.ts";

const script = fileURLToPath(new URL("./endpoint.ts", import.meta.url));

/** What an endpoint does besides sending bodies back. */
export interface EndpointBehaviour {
  readonly latencyMs: number;
  /** The share of the calls that it answers by 500. */
  readonly failingShare?: number;
}

/** Endpoints in processes of their own, one for each behaviour, started when first asked for. */
export class Endpoints implements AsyncDisposable {
  readonly #children = new AsyncDisposableStack();
  readonly #urls = new Map<string, Promise<string>>();

  /** The URL of the endpoint that does this. */
  url({ latencyMs, failingShare = 0 }: EndpointBehaviour): Promise<string> {
    const behaviour = [`${latencyMs}`, `${failingShare}`];
    const name = behaviour.join(" ");
    const known = this.#urls.get(name);
    if (known !== undefined) return known;
    const url = this.#start(behaviour);
    this.#urls.set(name, url);
    return url;
  }

  async #start(behaviour: readonly string[]): Promise<string> {
    const child = this.#children.use(
      new GuardedChild(Deno.execPath(), {
        args: ["run", "--allow-net", script, ...behaviour],
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
