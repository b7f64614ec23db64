import { orAborted } from "../../core/backoff.ts";
import type { Logger } from "../../core/log.ts";
import type { OAuth2Config } from "./config.ts";
import { HttpTokenEndpoint, type TokenEndpoint } from "./token_endpoint.ts";
import { type Grant, TokenError } from "./token_response.ts";

/** The share of its life after which a token is renewed; it can still be used. */
const RENEWED_AT = 0.8;

/** The last tenth of a token's life is not used, or this long if that is shorter. */
const MAX_REST_MS = 10_000;

/** This much of a life may be missing, as servers count in whole seconds; of a very short one, half at most. */
const ROUNDED_MS = 1000;

/** Minimum use of a token, however short its life: otherwise each call would request one. */
const MIN_USE_MS = 500;

/** Pause after a failed request. */
const PAUSE_MS = 5000;

/** A bearer token and the times of its use. */
export interface AccessToken {
  /** Printable ASCII without spaces. */
  readonly value: string;
  /** By the clock of the source; `Infinity` if no expiry is known. */
  readonly renewAtMs: number;
  /** The end of its use, by the same clock. */
  readonly endMs: number;
}

export interface TokenSourceOptions {
  readonly log?: Logger | undefined;
  /** Replaces the endpoint that is called over HTTP. */
  readonly endpoint?: TokenEndpoint;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

/**
 * Requests a token when a call needs one, keeps it, and renews it before it expires. The first call after four fifths
 * of its life starts the renewal; calls go on with the old token. One request at a time serves all waiting calls. After
 * a failed request, the next one starts 5 s later at the earliest. Without calls, nothing runs.
 */
export class TokenSource implements Disposable {
  #endpoint: TokenEndpoint;
  readonly #log: Logger | undefined;
  readonly #now: () => number;
  readonly #disposed = new AbortController();
  /** As configured; the server may have issued later ones. */
  #firstRefreshToken: string | undefined;
  #refreshToken: string | undefined;
  #token: AccessToken | undefined;
  #request: Promise<AccessToken> | undefined;
  #failure: { readonly error: unknown; readonly atMs: number } | undefined;

  constructor(
    config: OAuth2Config,
    { log, endpoint = new HttpTokenEndpoint(config), now = () => performance.now() }:
      TokenSourceOptions = {},
  ) {
    this.#endpoint = endpoint;
    this.#log = log;
    this.#now = now;
    this.#firstRefreshToken = this.#refreshToken = config.refreshToken;
  }

  /** From now on requests tokens with other credentials. @param endpoint replaces the one that is called over HTTP */
  update(config: OAuth2Config, endpoint: TokenEndpoint = new HttpTokenEndpoint(config)): void {
    this.#endpoint = endpoint;
    this.#token = undefined;
    this.#failure = undefined;
    // A server may accept each refresh token once: the latest one stays unless another first one is configured.
    if (config.refreshToken === this.#firstRefreshToken) return;
    this.#firstRefreshToken = this.#refreshToken = config.refreshToken;
  }

  /** The token, if one can be used at once; starts its renewal when that is due. */
  get current(): AccessToken | undefined {
    const token = this.#token;
    if (token === undefined) return undefined;
    const nowMs = this.#now();
    if (nowMs >= token.endMs) return undefined;
    if (nowMs >= token.renewAtMs && this.#mayRequest(nowMs)) this.#renewAhead(token);
    return token;
  }

  /**
   * The token, or the one from the request in progress.
   *
   * @throws {TokenError} why there is none
   * @throws the reason of `signal` when it aborts first
   */
  async token(signal: AbortSignal): Promise<AccessToken> {
    signal.throwIfAborted();
    const token = this.current;
    if (token !== undefined) return token;
    if (this.#request === undefined && !this.#mayRequest(this.#now())) throw this.#failure?.error;
    return await orAborted(this.#request ?? this.#startRequest(), signal);
  }

  /**
   * A token that is not yet due for renewal, or the current one if there is no other.
   *
   * @throws {TokenError} why there is none
   * @throws the reason of `signal` when it aborts first
   */
  async fresh(signal: AbortSignal): Promise<AccessToken> {
    const token = await this.token(signal);
    const request = this.#request;
    if (this.#now() < token.renewAtMs || request === undefined) return token;
    try {
      return await orAborted(request, signal);
    } catch (error) {
      if (this.current === token) return token;
      throw error;
    }
  }

  /** Drops a token that was refused, so that the next call requests one. A newer token stays. */
  reject(token: AccessToken): void {
    if (this.#token === token) this.#token = undefined;
  }

  #mayRequest(nowMs: number): boolean {
    return this.#request === undefined &&
      (this.#failure === undefined || nowMs - this.#failure.atMs >= PAUSE_MS);
  }

  #renewAhead({ endMs }: AccessToken): void {
    const isFirst = this.#failure === undefined;
    this.#startRequest().catch((error) => {
      if (!isFirst || this.#disposed.signal.aborted) return;
      const seconds = Math.max(0, Math.round((endMs - this.#now()) / 1000));
      this.#log?.warn(
        `cannot renew the token: ${
          reasonOf(error)
        }; the current one is valid for ${seconds} s more`,
      );
    });
  }

  #startRequest(): Promise<AccessToken> {
    const request = this.#ask().finally(() => this.#request = undefined);
    this.#request = request;
    return request;
  }

  async #ask(): Promise<AccessToken> {
    const { signal } = this.#disposed;
    const [endpoint, first] = [this.#endpoint, this.#firstRefreshToken];
    try {
      if (signal.aborted) throw new TokenError("the token source is closed");
      const askedMs = this.#now();
      const grant = await endpoint.request(this.#refreshToken, signal);
      // The server may refuse the old one from now on.
      if (first === this.#firstRefreshToken) {
        this.#refreshToken = grant.refreshToken ?? this.#refreshToken;
      }
      if (endpoint === this.#endpoint) {
        this.#failure = undefined;
        return this.#token = accessToken(grant, askedMs);
      }
    } catch (error) {
      if (endpoint === this.#endpoint || signal.aborted) {
        this.#failure = { error, atMs: this.#now() };
        throw error;
      }
    }
    // `update()` came in between.
    return await this.#ask();
  }

  [Symbol.dispose](): void {
    this.#disposed.abort();
    this.#token = undefined;
  }
}

function accessToken({ accessToken: value, lifetimeMs }: Grant, askedMs: number): AccessToken {
  if (lifetimeMs === undefined) return { value, renewAtMs: Infinity, endMs: Infinity };
  const certainMs = Math.max(lifetimeMs - ROUNDED_MS, lifetimeMs / 2, MIN_USE_MS);
  return {
    value,
    renewAtMs: askedMs + certainMs * RENEWED_AT,
    endMs: askedMs + certainMs - Math.min(certainMs / 10, MAX_REST_MS),
  };
}

function reasonOf(error: unknown): string {
  return error instanceof TokenError ? error.message : "unknown failure";
}
