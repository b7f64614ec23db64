import { fileURLToPath } from "node:url";
import { type CertifiedKey, TemporaryFiles } from "../tls/certificate_authority.ts";
import { eventually } from "../eventually.ts";
import { mortal } from "../executable/eventor_process.ts";

const PROGRAM = fileURLToPath(new URL("./MutualTlsEndpoint.java", import.meta.url));
const DEADLINE_MS = 300_000;

/** An HTTPS endpoint that demands client certificates, in a process of its own. It is gone with its scope. */
export class MutualTlsEndpoint implements AsyncDisposable {
  /** What it has said: `CONNECTION`, `REFUSED why`, `CALL CN=client`. */
  readonly lines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #mortal: Disposable;
  readonly #read: Promise<void>;
  #port = 0;

  /** @param authority the PEM of the one whose clients are accepted */
  static async start(
    certifiedKey: CertifiedKey,
    { authority, port = 0 }: { authority: string; port?: number },
  ): Promise<MutualTlsEndpoint> {
    const endpoint = new MutualTlsEndpoint(certifiedKey, { authority, port });
    await eventually(() => endpoint.#port !== 0, {
      deadlineMs: 60_000,
      what: () => "the port of the endpoint; is there a JDK?",
    });
    return endpoint;
  }

  private constructor(
    { cert, key }: CertifiedKey,
    { authority, port }: { authority: string; port: number },
  ) {
    // The program reads them at its start.
    const files = new TemporaryFiles();
    this.#child = new Deno.Command("java", {
      args: [
        PROGRAM,
        String(port),
        files.write("cert.pem", cert),
        files.write("key.pem", key),
        files.write("ca.pem", authority),
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#mortal = mortal(this.#child, { deadlineMs: DEADLINE_MS });
    this.#read = this.#readLines().finally(() => files[Symbol.dispose]());
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `https://localhost:${this.#port}/`;
  }

  /** How many connections were tried. */
  get connections(): number {
    return this.lines.filter((line) => line === "CONNECTION").length;
  }

  /** The names of the clients whose calls were answered. */
  get clients(): readonly string[] {
    return this.lines.filter((line) => line.startsWith("CALL CN="))
      .map((line) => line.slice("CALL CN=".length));
  }

  async #readLines(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.startsWith("PORT ")) this.#port = Number(line.slice(5));
        else this.lines.push(line);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#mortal[Symbol.dispose]();
    await this.#child.status;
    await this.#read;
  }
}
