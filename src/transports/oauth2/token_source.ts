import type { Logger } from "../../core/log.ts";
import type { OAuth2Config } from "./config.ts";
import { type Grant, HttpTokenEndpoint, type TokenEndpoint } from "./token_endpoint.ts";
import { TokenError } from "./token_error.ts";

/** When in its life a token is renewed, while it can still be used. */
const RENEWED_AT = 0.8;

/** What is left of a token's life is not used: a tenth of it, and so much at most. */
const MAX_REST_MS = 10_000;

/** So much of a life may be missing, as servers count in whole seconds; of a very short one, a half at most. */
const ROUNDED_MS = 1000;

/** So long a token is used at least, however short a life the server gives it: otherwise each call would ask for one. */
const MIN_USE_MS = 500;

/** Between a request that has failed and the next one. */
const PAUSE_MS = 5000;

/** What shows that a call may be made. */
export interface AccessToken {
  /** It holds printable ASCII characters only, no space. */
  readonly value: string;
  /** By the clock of the source; `Infinity` when the server does not say. */
  readonly renewAtMs: number;
  /** The same, for the end of its use. */
  readonly endMs: number;
}

/** What a source needs besides its configuration. */
export interface TokenSourceParts {
  readonly log?: Logger | undefined;
  /** The source of before: with the same first refresh token, this one goes on with the last one of that. */
  readonly former?: TokenSource | undefined;
  /** In place of one that is asked over HTTP. */
  readonly endpoint?: TokenEndpoint;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

/**
 * A token that is asked for when it is needed, kept, and renewed before it expires: by whoever needs it when it is time
 * for that, while all go on with the old one. There is one request at a time, for all who wait, and after one that has
 * failed none for 5 s. Nothing runs while nobody needs a token.
 */
export class TokenSource implements Disposable {
  readonly #endpoint: TokenEndpoint;
  readonly #log: Logger | undefined;
  readonly #now: () => number;
  readonly #disposed = new AbortController();
  readonly #firstRefreshToken: string | undefined;
  #refreshToken: string | undefined;
  #token: AccessToken | undefined;
  #request: Promise<AccessToken> | undefined;
  #failure: { readonly error: unknown; readonly atMs: number } | undefined;

  constructor(
    config: OAuth2Config,
    { log, former, endpoint = new HttpTokenEndpoint(config), now = () => performance.now() }:
      TokenSourceParts = {},
  ) {
    this.#endpoint = endpoint;
    this.#log = log;
    this.#now = now;
    this.#firstRefreshToken = config.refreshToken;
    // Each may be good for one request.
    const isSame = former !== undefined && former.#firstRefreshToken === config.refreshToken;
    this.#refreshToken = isSame ? former.#refreshToken : config.refreshToken;
  }

  /** The token, if there is one to use at once. */
  get current(): AccessToken | undefined {
    const token = this.#token;
    if (token === undefined) return undefined;
    const nowMs = this.#now();
    if (nowMs >= token.endMs) return undefined;
    if (nowMs >= token.renewAtMs && this.#mayRequest(nowMs)) this.#renewAhead(token);
    return token;
  }

  /**
   * The token, or that of the request that runs.
   *
   * @throws {TokenError} why there is none
   * @throws {DOMException} or whatever is the signal's reason, when it aborts before
   */
  async token(signal: AbortSignal): Promise<AccessToken> {
    signal.throwIfAborted();
    const token = this.current;
    if (token !== undefined) return token;
    if (this.#request === undefined && !this.#mayRequest(this.#now())) throw this.#failure?.error;
    return await orAborted(this.#request ?? this.#startRequest(), signal);
  }

  /**
   * A token that it is not yet time to renew, or the present one while there is no other.
   *
   * @throws {TokenError} why there is none
   * @throws {DOMException} or whatever is the signal's reason, when it aborts before
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

  /** Notes that a token was refused, so that the next one is a new one. A newer one stays. */
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
        `cannot renew the token: ${reasonOf(error)}; the present one is good for ${seconds} s more`,
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
    try {
      if (signal.aborted) throw new TokenError("no token is asked for any more");
      const askedMs = this.#now();
      const grant = await this.#endpoint.request(this.#refreshToken, signal);
      this.#failure = undefined;
      // The old one may be good for nothing from now on.
      this.#refreshToken = grant.refreshToken ?? this.#refreshToken;
      return this.#token = accessToken(grant, askedMs);
    } catch (error) {
      this.#failure = { error, atMs: this.#now() };
      throw error;
    }
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

/** Resolves as `promise` does, unless the signal aborts before. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: end, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener("abort", giveUp);
  try {
    return await Promise.race([promise, end]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
