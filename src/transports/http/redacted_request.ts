import type { InboundEvent } from "../../core/event.ts";
import type { CallMessage } from "../../core/handler.ts";
import { fill, type Template } from "../../core/template.ts";
import { REDACTED } from "../../schema/url.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { headerValue } from "./percent_encoding.ts";
import {
  literalValues,
  redactedLiterals,
  redactedRedirect,
  RedactedTargets,
} from "./redacted_target.ts";
import type { HeaderList } from "./request_headers.ts";
import type { RequestTarget } from "./request_writer.ts";

/** A request without its body. */
export interface RequestHead {
  readonly method: string;
  /** As written, in their order. */
  readonly headers: HeaderList;
}

/** Configured headers that hold no secrets. */
const HARMLESS = new Set([
  "accept",
  "accept-charset",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "content-language",
  "content-type",
  "user-agent",
]);

/** Headers that always hold secrets, configured or not. */
const SECRET = ["authorization", "cookie"];

/**
 * Redacts requests for `eventor try`. A configured header value may be a secret, even if it is written in the file;
 * values of events are not.
 */
export class RedactedRequests {
  readonly #secret: ReadonlySet<string>;
  readonly #configured: ReadonlyMap<string, string | Template>;
  readonly #targets: RedactedTargets;

  constructor(config: HttpHandlerConfig) {
    const { headers, auth } = config;
    const ofAuth = auth?.type === "apiKey" ? [auth.header.toLowerCase()] : [];
    this.#secret = new Set([...SECRET, ...ofAuth]);
    this.#configured = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
    this.#targets = new RedactedTargets(config);
  }

  of(
    { method, headers }: RequestHead,
    event: InboundEvent,
    { target, isRedirected }: RequestTarget,
  ): Pick<CallMessage, "title" | "headers" | "hidden"> {
    const redactedTarget = isRedirected ? redactedRedirect(target) : this.#targets.of(event);
    const shown = headers.map(([name, value]) =>
      [name, this.#valueOf(name, value, event)] as const
    );
    const hidden = headers.filter(([, value], index) => shown[index]?.[1] !== value);
    return {
      title: `${method} ${redactedTarget} HTTP/1.1`,
      headers: shown,
      hidden: [
        // The endpoint may echo credentials without their scheme.
        ...hidden.flatMap(([, value]) => [value, value.replace(/^[A-Za-z]+ +/, "")]),
        ...(isRedirected
          ? literalValues({ parts: [target.replace(/^[^?]*\??/, "")] })
          : this.#targets.hidden),
      ],
    };
  }

  #valueOf(name: string, value: string, event: InboundEvent): string {
    const lowerCase = name.toLowerCase();
    if (this.#secret.has(lowerCase)) return REDACTED;
    const configured = this.#configured.get(lowerCase);
    if (configured === undefined || HARMLESS.has(lowerCase)) return value;
    return typeof configured === "string"
      ? REDACTED
      : fill(redactedLiterals(configured), { event }, headerValue);
  }
}
