import type { ClientAuth, CustomFetchOptions } from "oauth4webapi";
import * as oauth from "oauth4webapi";
import { withoutQuery } from "../../schema/url.ts";
import { VERSION } from "../../version.ts";
import { type CallInFlight, CallsInFlight } from "../http1/calls_in_flight.ts";
import { sendAlone } from "../http1/lone_request.ts";
import { UnclosedConnections, UnclosedConnectionsError } from "../http1/unclosed_connections.ts";
import { describeFailure } from "../http1/failure.ts";
import type { ClientAuthentication, OAuth2Config } from "./config.ts";
import { importPrivateKey } from "./private_key.ts";
import {
  type Grant,
  MAX_RESPONSE_BYTES,
  readTokenResponse,
  TokenAnswerError,
  TokenError,
} from "./token_response.ts";

const DEADLINE_MS = 10_000;

const GRANT_TYPES = {
  clientCredentials: "client_credentials",
  refreshToken: "refresh_token",
} as const;

type TokenRequest = CustomFetchOptions<"POST", URLSearchParams>;

export type TokenEndpoint = Pick<HttpTokenEndpoint, "request">;

/** Requests tokens over HTTP, each on a new connection: hours may lie between them. */
export class HttpTokenEndpoint {
  readonly #config: OAuth2Config;
  readonly #send: typeof sendAlone;
  readonly #unclosed = new UnclosedConnections();

  /** @param send replaces the function that uses the network */
  constructor(config: OAuth2Config, send = sendAlone) {
    this.#config = config;
    this.#send = send;
  }

  /**
   * Makes one request.
   *
   * @param refreshToken for the grant `refreshToken`
   * @throws {TokenError}
   * @throws {UnclosedConnectionsError}
   */
  async request(refreshToken: string | undefined, signal: AbortSignal): Promise<Grant> {
    using calls = new CallsInFlight(DEADLINE_MS);
    try {
      return await this.#request(refreshToken, calls.begin(signal));
    } catch (error) {
      if (error instanceof TokenError || error instanceof UnclosedConnectionsError) throw error;
      const { tokenEndpoint, redactedTokenEndpoint } = this.#config;
      const name = withoutQuery(tokenEndpoint, redactedTokenEndpoint);
      throw new TokenError(`token endpoint '${name}' ${describe(error)}`);
    }
  }

  async #request(refreshToken: string | undefined, call: CallInFlight): Promise<Grant> {
    const { tokenEndpoint, clientId, clientAuthentication, grant: grantType, caPem } = this.#config;
    const tls = caPem === undefined ? {} : { ca: caPem };
    let grant!: Grant;
    const options = {
      headers: { "user-agent": `eventor/${VERSION}` },
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: async (url: string, { method, headers, body }: TokenRequest) => {
        const limits = { maxResponseBytes: MAX_RESPONSE_BYTES, call, unclosed: this.#unclosed };
        const request = { method, url, headers, body: `${body}`, tls, ...limits };
        grant = readTokenResponse(await this.#send(request));
        return new Response();
      },
    };
    await oauth.genericTokenEndpointRequest(
      { issuer: tokenEndpoint, token_endpoint: tokenEndpoint },
      { client_id: clientId },
      await clientAuthFor(clientAuthentication),
      GRANT_TYPES[grantType],
      this.#parameters(refreshToken),
      options,
    );
    return grant;
  }

  #parameters(refreshToken: string | undefined): URLSearchParams {
    const { grant, scope, audience, parameters } = this.#config;
    const all = new URLSearchParams(parameters.map(([name, value]) => [name, value]));
    if (scope !== undefined) all.set("scope", scope);
    if (audience !== undefined) all.set("audience", audience);
    if (grant === "refreshToken") all.set("refresh_token", refreshToken ?? "");
    return all;
  }
}

async function clientAuthFor(authentication: ClientAuthentication): Promise<ClientAuth> {
  switch (authentication.method) {
    case "basic":
      return secretInHeader(authentication.clientSecret);
    case "body":
      return oauth.ClientSecretPost(authentication.clientSecret);
    case "privateKeyJwt":
      return await signedBy(authentication);
  }
}

/** The library also encodes `-`, `_` and `.`, which most secrets contain: servers that forget to decode refuse them. */
function secretInHeader(clientSecret: string): ClientAuth {
  return (_server, { client_id: clientId }, _body, headers) => {
    const credentials = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
    headers.set("authorization", `Basic ${btoa(credentials)}`);
  };
}

/** As RFC 6749, 2.3.1 requires. */
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
    throw new TokenError("cannot sign the token request: invalid private key");
  }
  return oauth.PrivateKeyJwt({ key, ...(keyId === undefined ? {} : { kid: keyId }) }, {
    [oauth.modifyAssertion](_header, payload) {
      // `Date.now()` is monotonic beside kafkajs, and need not be the time of day.
      const now = Math.floor(new Date().getTime() / 1000);
      Object.assign(payload, { iat: now, exp: now + 60 });
      // A server whose clock is behind ours would refuse it.
      delete payload["nbf"];
      if (assertionAudience !== undefined) payload["aud"] = assertionAudience;
    },
  });
}

/** Completes "token endpoint ...". */
function describe(error: unknown): string {
  return error instanceof TokenAnswerError
    ? error.message
    : `did not answer: ${describeFailure(error, DEADLINE_MS)}`;
}
