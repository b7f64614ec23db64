import type { InboundEvent } from "../../core/event.ts";
import { isForwardedByPattern, withHyphens } from "./header_names.ts";
import { headerValue } from "./percent_encoding.ts";
import { TOKEN } from "../http1/http_response.ts";

const WILDCARD = "*";

/** Selects the event headers that become request headers. */
export class ForwardedHeaders {
  /** Names as written, by lower-case names. */
  readonly #names: ReadonlyMap<string, string>;
  /** Prefixes of names, in lower case; `""` matches all. */
  readonly #prefixes: readonly string[];
  readonly #taken: ReadonlySet<string>;
  readonly #takenWithHyphens: ReadonlySet<string>;

  /**
   * @param forwardHeaders names, and patterns: `*`, or a prefix with `*` behind it
   * @param taken lower-case names of headers that events must not replace
   */
  constructor(forwardHeaders: readonly string[], taken: ReadonlySet<string>) {
    this.#names = new Map(
      forwardHeaders.filter((name) => !isPattern(name)).map((name) => [name.toLowerCase(), name]),
    );
    this.#prefixes = forwardHeaders.filter(isPattern)
      .map((pattern) => pattern.slice(0, -WILDCARD.length).toLowerCase());
    this.#taken = taken;
    this.#takenWithHyphens = new Set([...taken].map(withHyphens));
  }

  /** Whether no header is ever forwarded. */
  get isEmpty(): boolean {
    return this.#names.size === 0 && this.#prefixes.length === 0;
  }

  /** Whether the configuration lists a header by name, which is in lower case. */
  hasName(name: string): boolean {
    return this.#names.has(name);
  }

  /** Leaves out null values, and names that a pattern matches but HTTP does not allow. */
  *of({ headers }: InboundEvent): Generator<readonly [name: string, value: string]> {
    for (const [eventName, value] of headers) {
      const name = value && this.#nameFor(eventName);
      if (name) yield [name, headerValue(value!)];
    }
  }

  #nameFor(eventName: string): string | undefined {
    const lowerCase = eventName.toLowerCase();
    if (this.#taken.has(lowerCase)) return undefined;
    const name = this.#names.get(lowerCase);
    if (name !== undefined) return name;
    const isMatched = this.#prefixes.some((prefix) => lowerCase.startsWith(prefix)) &&
      this.#isFree(withHyphens(lowerCase)) && TOKEN.test(eventName);
    return isMatched ? eventName : undefined;
  }

  #isFree(name: string): boolean {
    return !this.#takenWithHyphens.has(name) && isForwardedByPattern(name);
  }
}

/** Whether an entry of `forwardHeaders` can match several headers. */
export function isPattern(name: string): boolean {
  return name.endsWith(WILDCARD);
}
