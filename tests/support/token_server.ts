import { freePort } from "../../tools/kafka/ports.ts";

/** What a server of tokens is started with. */
export interface TokenServerOptions {
  readonly port: number;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Whom its tokens are for. */
  readonly audience: string;
  readonly lifetimeSeconds: number;
  /** What they are signed with. */
  readonly key: JsonWebKey;
}

const SIGNED_BY = {
  name: "RSASSA-PKCS1-v1_5",
  modulusLength: 2048,
  publicExponent: Uint8Array.of(1, 0, 1),
  hash: "SHA-256",
};

/** `oidc-provider` in a process of its own: an OAuth 2.0 server that gives a client signed tokens. */
export class TokenServer implements AsyncDisposable {
  #options: TokenServerOptions;
  #process: Deno.ChildProcess;

  private constructor(options: TokenServerOptions, process: Deno.ChildProcess) {
    this.#options = options;
    this.#process = process;
  }

  static async start(
    options: Partial<Omit<TokenServerOptions, "port" | "key">> = {},
  ): Promise<TokenServer> {
    const { privateKey } = await crypto.subtle.generateKey(SIGNED_BY, true, ["sign", "verify"]);
    const { key_ops: _, ext: __, ...key } = await crypto.subtle.exportKey("jwk", privateKey);
    const all = {
      port: freePort(),
      clientId: "eventor",
      clientSecret: "secret-of-the-client",
      audience: "kafka",
      lifetimeSeconds: 600,
      key: { ...key, kid: "first", use: "sig", alg: "RS256" },
      ...options,
    };
    return new TokenServer(all, await launch(all));
  }

  get clientId(): string {
    return this.#options.clientId;
  }

  get clientSecret(): string {
    return this.#options.clientSecret;
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.#options.port}`;
  }

  get tokenEndpoint(): string {
    return `${this.issuer}/token`;
  }

  get jwksUrl(): string {
    return `${this.issuer}/jwks`;
  }

  /** The same server with other settings, on the same port. */
  async restart(changes: Partial<Omit<TokenServerOptions, "port" | "key">>): Promise<void> {
    await this.stop();
    this.#options = { ...this.#options, ...changes };
    this.#process = await launch(this.#options);
  }

  async stop(): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#process.status;
    await this.#process.stdout.cancel().catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

async function launch(options: TokenServerOptions): Promise<Deno.ChildProcess> {
  const program = new URL("./token_server_process.ts", import.meta.url);
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--frozen", program.pathname, JSON.stringify(options)],
    env: { NODE_ENV: "production" },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = process.stdout.getReader();
  let text = "";
  while (!text.includes("ready")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("oidc-provider does not start");
    text += new TextDecoder().decode(value);
  }
  reader.releaseLock();
  return process;
}
