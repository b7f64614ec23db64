import type { AuthorizationServer, Client, ClientAuth, TokenEndpointResponse } from "oauth4webapi";
import { isIP } from "node:net";
import * as oauth from "oauth4webapi";
import { withoutQuery } from "../../config/shown_url.ts";
import { VERSION } from "../../version.ts";
import { describeFailure } from "../http/failure.ts";
import { isLocalhost } from "../sockets/dials.ts";
import { openConnection } from "../sockets/open_connection.ts";
import type { ClientAuthentication, OAuth2Config } from "./config.ts";
import { importPrivateKey } from "./private_key.ts";
import { TokenError } from "./token_error.ts";
import { ERROR_CODES, readTokenResponse, TokenAnswerError } from "./token_response.ts";

const DEADLINE_MS = 10_000;

/** What a token endpoint grants. */
export interface Grant {
  readonly accessToken: string;
  /** Absent when it does not say. */
  readonly lifetimeMs?: number;
  /** When it has a new one for the next request. */
  readonly refreshToken?: string;
}

/** Asks for tokens. */
export interface TokenEndpoint extends Disposable {
  /**
   * Makes one request.
   * @param refreshToken for the grant `refreshToken`
   * @throws {TokenError}
   */
  request(refreshToken: string | undefined, signal: AbortSignal): Promise<Grant>;
}

/** Sends requests as `fetch` does. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Asks for tokens over HTTP, a new connection each time: some hours lie between. */
export class HttpTokenEndpoint implements TokenEndpoint {
  readonly #config: OAuth2Config;
  readonly #server: AuthorizationServer;
  readonly #client: Client;
  readonly #fetch: Fetch;
  readonly #httpClient: Deno.HttpClient | undefined;
  #clientAuth: ClientAuth | undefined;

  /** @param fetch in place of the runtime's */
  constructor(config: OAuth2Config, fetch?: Fetch) {
    const { tokenEndpoint, clientId } = config;
    this.#config = config;
    this.#server = { issuer: tokenEndpoint, token_endpoint: tokenEndpoint };
    this.#client = { client_id: clientId };
    if (fetch === undefined) this.#httpClient = httpClientFor(config);
    this.#fetch = fetch ?? this.#fetchAlone;
  }

  async request(refreshToken: string | undefined, signal: AbortSignal): Promise<Grant> {
    const end = new AbortController();
    const giveUp = () => end.abort(signal.reason);
    signal.addEventListener("abort", giveUp);
    const timer = setTimeout(() => end.abort(new DOMException("", "TimeoutError")), DEADLINE_MS);
    try {
      return await this.#request(refreshToken, end.signal);
    } catch (error) {
      if (error instanceof TokenError) throw error;
      throw new TokenError(`token endpoint '${this.#name}' ${describe(error)}`);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
    }
  }

  async #request(refreshToken: string | undefined, signal: AbortSignal): Promise<Grant> {
    const { grant } = this.#config;
    const clientAuth = this.#clientAuth ??= await this.#clientAuthFor();
    const parameters = this.#parameters();
    const options = {
      signal,
      headers: { "user-agent": `eventor/${VERSION}` },
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: async (url: string, init: RequestInit) =>
        await readTokenResponse(await this.#fetch(url, init)),
    };
    if (grant === "clientCredentials") {
      const response = await oauth.clientCredentialsGrantRequest(
        this.#server,
        this.#client,
        clientAuth,
        parameters,
        options,
      );
      return granted(
        await oauth.processClientCredentialsResponse(this.#server, this.#client, response),
      );
    }
    const response = await oauth.refreshTokenGrantRequest(
      this.#server,
      this.#client,
      clientAuth,
      refreshToken ?? "",
      { ...options, additionalParameters: parameters },
    );
    return granted(
      await oauth.processRefreshTokenResponse(this.#server, this.#client, response),
    );
  }

  #parameters(): URLSearchParams {
    const { scope, audience, parameters } = this.#config;
    const all = new URLSearchParams(parameters.map(([name, value]) => [name, value]));
    if (scope !== undefined) all.set("scope", scope);
    if (audience !== undefined) all.set("audience", audience);
    return all;
  }

  async #clientAuthFor(): Promise<ClientAuth> {
    const { clientAuthentication: authentication } = this.#config;
    switch (authentication.method) {
      case "basic":
        return secretInHeader(authentication.clientSecret);
      case "body":
        return oauth.ClientSecretPost(authentication.clientSecret);
      case "privateKeyJwt":
        return await signedBy(authentication);
    }
  }

  get #name(): string {
    return withoutQuery(this.#config.tokenEndpoint, this.#config.shownTokenEndpoint);
  }

  #fetchAlone: Fetch = async (url, init) => {
    const server = await loopbackServer(url, init.signal);
    if (server === null) return await fetch(url, { ...init, client: this.#httpClient });
    using client = httpClientFor(this.#config, server);
    return await fetch(url, { ...init, client });
  };

  [Symbol.dispose](): void {
    this.#httpClient?.close();
  }
}

/**
 * The library encodes `-`, `_` and `.` as well, which is in most secrets: servers that forget to decode would refuse them.
 */
function secretInHeader(clientSecret: string): ClientAuth {
  return (_server, { client_id: clientId }, _body, headers) => {
    const credentials = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
    headers.set("authorization", `Basic ${btoa(credentials)}`);
  };
}

/** As RFC 6749, 2.3.1 wants it. */
function formEncoded(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice("=".length);
}

async function signedBy(
  { privateKey, algorithm, keyId, assertionAudience }: ClientAuthentication & {
    method: "privateKeyJwt";
  },
): Promise<ClientAuth> {
  let key: CryptoKey;
  try {
    key = await importPrivateKey(privateKey, algorithm);
  } catch {
    throw new TokenError("cannot sign for a token: the private key is damaged");
  }
  return oauth.PrivateKeyJwt({ key, ...(keyId === undefined ? {} : { kid: keyId }) }, {
    [oauth.modifyAssertion](_header, payload) {
      // `Date.now()` need not be the time of day.
      const now = Math.floor(new Date().getTime() / 1000);
      Object.assign(payload, { iat: now, exp: now + 60 });
      // For a server whose clock is behind ours.
      delete payload["nbf"];
      if (assertionAudience !== undefined) payload["aud"] = assertionAudience;
    },
  });
}

/**
 * Where a server at `http://localhost` listens, for `fetch()` tries only the addresses that the list of hosts has for it.
 * Null for other URLs, and when nobody listens. With `https`, the runtime would speak no TLS there (Deno 2.6.8).
 */
async function loopbackServer(
  url: string,
  signal?: AbortSignal | null,
): Promise<Deno.NetAddr | null> {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== "http:" || !isLocalhost(hostname)) return null;
  const target = { host: hostname, port: Number(port || 80) };
  try {
    using connection = await openConnection(target, signal ?? new AbortController().signal);
    return connection.remoteAddr;
  } catch {
    // The request fails as well, and says why.
    return null;
  }
}

/** @param server to connect to in place of the URL's host */
function httpClientFor({ caPem }: OAuth2Config, server?: Deno.NetAddr): Deno.HttpClient {
  const { hostname = "", port = 0 } = server ?? {};
  const host = isIP(hostname) === 6 ? `[${hostname}]` : hostname;
  return Deno.createHttpClient({
    ...(server === undefined ? {} : { proxy: { transport: "tcp", hostname: host, port } }),
    http1: true,
    http2: false,
    poolMaxIdlePerHost: 0,
    ...(caPem === undefined ? {} : { caCerts: [caPem] }),
  });
}

function granted(
  { access_token: accessToken, expires_in: lifetime, refresh_token: next }: TokenEndpointResponse,
): Grant {
  return {
    accessToken,
    // Some say 0 for a token that does not expire.
    ...(lifetime === undefined || lifetime === 0 ? {} : { lifetimeMs: lifetime * 1000 }),
    ...(next === undefined ? {} : { refreshToken: next }),
  };
}

/** Completes "token endpoint ...". */
function describe(error: unknown): string {
  if (error instanceof TokenAnswerError) return `gave an unusable answer: ${error.message}`;
  if (error instanceof oauth.ResponseBodyError) {
    return ERROR_CODES.has(error.error)
      ? `answered ${error.error}`
      : `answered status ${error.status}, with an error that OAuth 2.0 does not know`;
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === oauth.RESPONSE_IS_NOT_CONFORM || code === oauth.RESPONSE_IS_NOT_JSON) {
    const { cause } = error as Error;
    if (cause instanceof Response && cause.status !== 200) return `answered status ${cause.status}`;
  }
  if (
    error instanceof oauth.OperationProcessingError ||
    error instanceof oauth.UnsupportedOperationError
  ) return "gave an unusable answer: it is none of OAuth 2.0";
  return `did not answer: ${describeFailure(error, DEADLINE_MS)}`;
}
