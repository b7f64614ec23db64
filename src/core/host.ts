const NAME = /^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.?$/;

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

/**
 * What is wrong with the place that an http:// or https:// URL names: to a parser, `http:///x` is `http://x`, and 0 a port
 * like others.
 *
 * @param written the text that was parsed to `url`
 */
export function placeProblem(written: string, { hostname, port }: URL): string | undefined {
  if (!/^[a-z]+:\/\/[^/\\?#]/i.test(written)) return "expected a host name after '//'";
  if (!isHost(hostname)) {
    return "expected a URL that names one host, by letters, digits, '.', '-' and '_'";
  }
  return port === "0" ? "expected a port from 1 to 65535, found 0" : undefined;
}
