import type { InboundEvent } from "../../core/event.ts";
import type { Handler, Result } from "../../core/handler.ts";
import type { OpenContext } from "../../core/transport.ts";
import type { TokenSource } from "../oauth2/token_source.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { HttpHandler } from "./handler.ts";

/**
 * Makes a source of tokens, for `auth` of type `oauth2`.
 *
 * @param former the previous source, which may hold a newer refresh token than the configuration
 */
export type MakeTokens = (
  config: HttpHandlerConfig,
  former?: TokenSource,
) => TokenSource | undefined;

/** A handler with its configuration and the number of its calls in flight. */
interface Generation {
  readonly config: HttpHandlerConfig;
  readonly handler: HttpHandler;
  readonly tokens: TokenSource | undefined;
  calls: number;
}

/** Replaces credentials and certificates while calls are in flight; these end with the old ones. */
export class RenewableHandler implements Handler {
  readonly #context: OpenContext;
  readonly #makeTokens: MakeTokens;
  /** The current one, and earlier ones with calls in flight. */
  readonly #generations = new Set<Generation>();
  #current: Generation;

  constructor(
    config: HttpHandlerConfig,
    context: OpenContext,
    { makeTokens }: { makeTokens: MakeTokens },
  ) {
    this.#context = context;
    this.#makeTokens = makeTokens;
    this.#current = this.#generation(config, makeTokens(config));
  }

  async handle(event: InboundEvent, signal: AbortSignal, attempt?: number): Promise<Result> {
    const generation = this.#current;
    generation.calls++;
    try {
      return await generation.handler.handle(event, signal, attempt);
    } finally {
      generation.calls--;
      if (generation !== this.#current) await this.#retire(generation);
    }
  }

  /** Keeps the source of tokens while `auth` is the same: the configured refresh token may be used up. */
  update(config: HttpHandlerConfig): void {
    const former = this.#current;
    const isSameAuth = JSON.stringify(former.config.auth) === JSON.stringify(config.auth);
    const tokens = isSameAuth ? former.tokens : this.#makeTokens(config, former.tokens);
    this.#current = this.#generation(config, tokens);
    this.#retire(former);
  }

  #generation(config: HttpHandlerConfig, tokens: TokenSource | undefined): Generation {
    const handler = new HttpHandler(config, this.#context, { tokens });
    const generation = { config, handler, tokens, calls: 0 };
    this.#generations.add(generation);
    return generation;
  }

  async #retire(generation: Generation): Promise<void> {
    const { handler, tokens, calls } = generation;
    if (calls > 0) return;
    this.#generations.delete(generation);
    const isInUse = this.#generations.values().some((other) => other.tokens === tokens);
    if (!isInUse) tokens?.[Symbol.dispose]();
    await handler[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { handler, tokens } = this.#current;
    tokens?.[Symbol.dispose]();
    await handler[Symbol.asyncDispose]();
  }
}
