import type { InboundEvent } from "../../core/event.ts";
import type { Handler, Result } from "../../core/handler.ts";
import type { OpenContext } from "../../core/transport.ts";
import type { TokenSource } from "../oauth2/token_source.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { HttpHandler } from "./handler.ts";

/** Makes a source of tokens, for `auth` of type `oauth2`. */
export type MakeTokens = (config: HttpHandlerConfig) => TokenSource | undefined;

/** A handler under one configuration, and who uses it. */
interface Generation {
  readonly config: HttpHandlerConfig;
  readonly handler: HttpHandler;
  readonly tokens: TokenSource | undefined;
  calls: number;
}

/** A handler that can go over to other credentials and certificates while calls run. */
export class RenewableHandler implements Handler {
  readonly #context: OpenContext;
  readonly #makeTokens: MakeTokens;
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

  /** The source of tokens stays when `auth` is the same: a refresh token of before may be used up. */
  update(config: HttpHandlerConfig): void {
    const former = this.#current;
    const isSameAuth = JSON.stringify(former.config.auth) === JSON.stringify(config.auth);
    this.#current = this.#generation(config, isSameAuth ? former.tokens : this.#makeTokens(config));
    this.#retire(former);
  }

  #generation(config: HttpHandlerConfig, tokens: TokenSource | undefined): Generation {
    const handler = new HttpHandler(config, this.#context, { tokens });
    return { config, handler, tokens, calls: 0 };
  }

  async #retire({ handler, tokens, calls }: Generation): Promise<void> {
    if (calls > 0) return;
    if (tokens !== this.#current.tokens) tokens?.[Symbol.dispose]();
    await handler[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { handler, tokens } = this.#current;
    tokens?.[Symbol.dispose]();
    await handler[Symbol.asyncDispose]();
  }
}
