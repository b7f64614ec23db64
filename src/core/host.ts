const NAME = /^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.?$/;

/** As URL parsers write addresses. */
const IPV4 = /^\d+(\.\d+){3}$/;
const LINK_LOCAL = /^\[fe[89ab]/;

/** `host:port` for the sandbox and messages, with IPv6 addresses in brackets. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Inverse of `hostAndPort()`; the host is without brackets. */
export function splitHost(hostAndPort: string): { readonly host: string; readonly port: number } {
  const separator = hostAndPort.lastIndexOf(":");
  return {
    host: hostAndPort.slice(0, separator).replaceAll(/[[\]]/g, ""),
    port: Number(hostAndPort.slice(separator + 1)),
  };
}

/**
 * Whether a lower-case text names one host: a name, an IPv4 address, or an IPv6 address in brackets. The sandbox also
 * accepts wildcards and networks (`*.example.com`, `10.0.0.0/8`), so nothing else may get there.
 */
export function isHost(text: string): boolean {
  return text.startsWith("[") ? URL.canParse(`http://${text}`) : NAME.test(text);
}

const AUTHORITY = /^https?:\/\/([^/\\?#]*)/i;

/** Whether URL parsers read a text without a port as another IPv4 address: `8080` as 0.0.31.144. */
export function isOtherAddress(text: string): boolean {
  const address = URL.parse(`http://${text}`)?.hostname;
  return address !== undefined && IPV4.test(address) && address !== text;
}

/**
 * What is wrong with host and port of an http:// or https:// URL, although parsers accept it: `http:///x` as
 * `http://x`, `http://8080` as `http://0.0.31.144`, `http://010.0.0.1` as `http://8.0.0.1`, and port 0.
 *
 * @param written the text that was parsed to `url`
 */
export function placeProblem(written: string, { hostname, port }: URL): string | undefined {
  const authority = authorityOf(written);
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

/** Whether a URL has a user name or a password, even an empty one. */
export function hasUserInfo(written: string): boolean {
  return authorityOf(written).includes("@");
}

/** What an http:// or https:// URL that cannot be parsed needs, in words that follow `such a URL`. */
export function unparsedPlace(written: string): string {
  const authority = authorityOf(written);
  if (authority === "") return "";
  return /\[[^\]]*%/.test(authority)
    ? " with an IPv6 address without a zone, which no URL can name"
    : " with a valid host and port";
}

function authorityOf(written: string): string {
  return AUTHORITY.exec(written)?.[1] ?? "";
}
