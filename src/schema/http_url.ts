import { isHost, isOtherAddress } from "../core/host.ts";
import type { Reading } from "./scalar.ts";

/** What is expected of a value, in messages. */
export const HTTP_URL = "an http:// or https:// URL";

const AUTHORITY = /^https?:\/\/([^/\\?#]*)/i;
const LINK_LOCAL = /^\[fe[89ab]/;

/**
 * Reads the URL of an HTTP server.
 *
 * @param credentials says where user name and password belong
 * @param isQuoted whether a message may show a URL that cannot be parsed
 */
export function readHttpUrl(
  input: unknown,
  { credentials, isQuoted }: { credentials: string; isQuoted: boolean },
): Reading<URL> {
  const isUrl = typeof input === "string" && /^https?:\/\//i.test(input) &&
    !/[\p{Cc} ]/u.test(input);
  const text = isUrl ? input : "";
  const [, authority = ""] = AUTHORITY.exec(text) ?? [];
  const url = URL.parse(text);
  if (url === null) {
    const expected = HTTP_URL + unparsedAuthority(authority);
    // A message with `expected` quotes the value.
    const mayHoldSecret = !isQuoted || typeof input === "string" && /[@?]/.test(input);
    return mayHoldSecret ? { refused: `expected ${expected}` } : { expected };
  }
  if (authority.includes("@")) {
    return { refused: `expected a URL without user name and password: use ${credentials}` };
  }
  const refused = authorityProblem(authority, url);
  if (refused !== undefined) return { refused };
  return url.href.includes("#")
    ? { refused: "expected a URL without '#': servers never see what follows it" }
    : { value: url };
}

/** What a URL that cannot be parsed needs. */
function unparsedAuthority(authority: string): string {
  if (authority === "") return "";
  return /\[[^\]]*%/.test(authority)
    ? " with an IPv6 address without a zone, which no URL can name"
    : " with a valid host and port";
}

/**
 * What is wrong with host and port, although parsers accept them: `http:///x` as `http://x`, `http://8080` as
 * `http://0.0.31.144`, `http://010.0.0.1` as `http://8.0.0.1`, and port 0.
 */
function authorityProblem(authority: string, { hostname, port }: URL): string | undefined {
  if (authority === "") return "expected a host name after '//'";
  if (!isHost(hostname)) {
    return "expected a URL that names one host, by letters, digits, '.', '-' and '_'";
  }
  if (isOtherAddress(authority.replace(/\.?(:\d*)?$/, ""))) {
    return "expected a host name, or an IPv4 address as four numbers without leading zeros, such as 127.0.0.1";
  }
  if (LINK_LOCAL.test(hostname)) {
    return "expected an address that is not link-local: it would need a zone, which no URL can name";
  }
  return port === "0" ? "expected a port from 1 to 65535, found 0" : undefined;
}
