const NAME = /^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.?$/;

/** As a parser of URLs writes addresses. */
const IPV4 = /^\d+(\.\d+){3}$/;
const LINK_LOCAL = /^\[fe[89ab]/;

/** What the sandbox and messages call a host at a port: IPv6 addresses in brackets. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The two parts of the same, the host without brackets. */
export function splitHost(hostAndPort: string): { readonly host: string; readonly port: number } {
  const separator = hostAndPort.lastIndexOf(":");
  return {
    host: hostAndPort.slice(0, separator).replaceAll(/[[\]]/g, ""),
    port: Number(hostAndPort.slice(separator + 1)),
  };
}

/**
 * Whether a text in lower case names one host: a name, an IPv4 address, or an IPv6 address in brackets. The sandbox
 * takes wildcards and whole networks for hosts as well (`*.example.com`, `10.0.0.0/8`), so nothing else may get there.
 */
export function isHost(text: string): boolean {
  return text.startsWith("[") ? URL.canParse(`http://${text}`) : NAME.test(text);
}

const AUTHORITY = /^https?:\/\/([^/\\?#]*)/i;

/** Whether a text without a port is taken for an IPv4 address that it does not show: `8080` for 0.0.31.144. */
export function isOtherAddress(text: string): boolean {
  const address = URL.parse(`http://${text}`)?.hostname;
  return address !== undefined && IPV4.test(address) && address !== text;
}

/**
 * What is wrong with the place that an http:// or https:// URL names, although a parser takes it: `http:///x` for
 * `http://x`, `http://8080` for `http://0.0.31.144`, `http://010.0.0.1` for `http://8.0.0.1`, and 0 for a port like others.
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

/** Whether a user name and a password have their place in a URL, be they empty. */
export function hasUserInfo(written: string): boolean {
  return authorityOf(written).includes("@");
}

/** What has to be otherwise in an http:// or https:// URL that cannot be parsed, in words that follow `such a URL`. */
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
