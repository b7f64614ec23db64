import { generateKeyPairSync } from "node:crypto";
import { fileURLToPath } from "node:url";
import type {
  Command,
  Served,
  ServerConfig,
  SignedTokens,
  TokenRequest,
} from "../../oauth_server/protocol.ts";
import { mortal } from "../executable/eventor_process.ts";
import { inTime } from "../eventually.ts";

const DIRECTORY = fileURLToPath(new URL("../../oauth_server/", import.meta.url));
const DEADLINE_MS = 60_000;

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** The key of the client `signing`. */
export const SIGNING_KEY = String(privateKey.export({ type: "pkcs8", format: "pem" }));

/** The secret of the clients that have one, unless the server is started with another one. */
export const CLIENT_SECRET = "secret-8c2f_.: +/%";

function clientsWith(secret: string) {
  const machine = {
    "grant_types": ["client_credentials"],
    "redirect_uris": [],
    "response_types": [],
  };
  return [
    { "client_id": "basic", "client_secret": secret, ...machine },
    {
      "client_id": "body",
      "client_secret": secret,
      "token_endpoint_auth_method": "client_secret_post",
      ...machine,
    },
    {
      "client_id": "signing",
      "token_endpoint_auth_method": "private_key_jwt",
      "token_endpoint_auth_signing_alg": "ES256",
      jwks: { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "key-1", use: "sig" }] },
      ...machine,
    },
    {
      "client_id": "refreshing",
      "client_secret": secret,
      "grant_types": ["authorization_code", "refresh_token"],
      "redirect_uris": ["https://client.example.com/"],
      "response_types": ["code"],
    },
    { "client_id": "endpoint", "client_secret": "endpoint", ...machine },
  ];
}

/** Tokens that others can check, with a key of their own. */
export function signedTokens(audience: string, scope: string): SignedTokens {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = { ...privateKey.export({ format: "jwk" }), kid: "key-1", use: "sig", alg: "ES256" };
  return { audience, scope, key };
}

/** An OAuth 2.0 server, `oidc-provider`, in a process of its own. */
export class OAuthServer implements AsyncDisposable {
  readonly issuer: string;
  readonly #child: Deno.ChildProcess;
  readonly #mortal: Disposable;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: AsyncIterator<string>;

  private constructor(
    { issuer, child, life, input, output }: {
      issuer: string;
      child: Deno.ChildProcess;
      life: Disposable;
      input: WritableStreamDefaultWriter<Uint8Array>;
      output: AsyncIterator<string>;
    },
  ) {
    this.issuer = issuer;
    this.#child = child;
    this.#mortal = life;
    this.#input = input;
    this.#output = output;
  }

  /** Starts one that answers. @param secret of clients that have one */
  static async start(
    { port = 0, lifetimeS = 3600, secret = CLIENT_SECRET, tls, signedTokens }:
      & Partial<Pick<ServerConfig, "port" | "lifetimeS" | "tls" | "signedTokens">>
      & { secret?: string } = {},
  ): Promise<OAuthServer> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--frozen", "--config", `${DIRECTORY}deno.json`, `${DIRECTORY}main.ts`],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const life = mortal(child, { deadlineMs: 10 * DEADLINE_MS });
    const input = child.stdin.getWriter();
    const output = linesOf(child.stdout);
    const config = {
      port,
      lifetimeS,
      clients: clientsWith(secret),
      ...(tls === undefined ? {} : { tls }),
      ...(signedTokens === undefined ? {} : { signedTokens }),
    } satisfies ServerConfig;
    const { issuer = "" } = await exchange({ input, output }, config);
    return new OAuthServer({ issuer, child, life, input, output });
  }

  get port(): number {
    return Number(new URL(this.issuer).port);
  }

  get tokenEndpoint(): string {
    return `${this.issuer}/token`;
  }

  /** Where the keys are by which its signed tokens can be checked. */
  get jwksUrl(): string {
    return `${this.issuer}/jwks`;
  }

  /** All requests for tokens so far. */
  async requests(): Promise<readonly TokenRequest[]> {
    return (await this.#tell({ kind: "requests" })).requests ?? [];
  }

  /** A refresh token for the client `refreshing`. */
  async refreshToken(): Promise<string> {
    return (await this.#tell({ kind: "refreshToken", clientId: "refreshing" })).refreshToken ?? "";
  }

  /** Whether a token is good now, as the server knows it. */
  async isActive(token: string): Promise<boolean> {
    const client = { id: "endpoint", secret: "endpoint" };
    const response = await this.#post("/token/introspection", { token }, client);
    return (await response.json()).active === true;
  }

  /** Ends the life of a token of a client that has a secret. */
  async revoke(token: string, clientId: string): Promise<void> {
    const client = { id: clientId, secret: CLIENT_SECRET };
    await (await this.#post("/token/revocation", { token }, client)).body?.cancel();
  }

  async #post(
    path: string,
    parameters: Record<string, string>,
    { id, secret }: { id: string; secret: string },
  ): Promise<Response> {
    return await fetch(this.issuer + path, {
      method: "POST",
      headers: { authorization: `Basic ${btoa(`${id}:${encodeURIComponent(secret)}`)}` },
      body: new URLSearchParams(parameters),
    });
  }

  async #tell(command: Command): Promise<Served> {
    return await exchange({ input: this.#input, output: this.#output }, command);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#mortal[Symbol.dispose]();
    await this.#child.status;
    await this.#input.close().catch(() => {});
    await this.#output.return?.();
  }
}

async function exchange(
  { input, output }: {
    input: WritableStreamDefaultWriter<Uint8Array>;
    output: AsyncIterator<string>;
  },
  said: ServerConfig | Command,
): Promise<Served> {
  await input.write(new TextEncoder().encode(`${JSON.stringify(said)}\n`));
  const { value: { value } } = await inTime(output.next(), {
    deadlineMs: DEADLINE_MS,
    what: "an answer of the OAuth 2.0 server",
  });
  if (value === undefined) throw new Error("the OAuth 2.0 server has ended");
  return JSON.parse(value);
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
