const NAME = /^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.?$/;

/** As URL parsers write addresses. */
const IPV4 = /^\d+(\.\d+){3}$/;

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

/** Whether URL parsers read a text without a port as another IPv4 address: `8080` as 0.0.31.144. */
export function isOtherAddress(text: string): boolean {
  const address = URL.parse(`http://${text}`)?.hostname;
  return address !== undefined && IPV4.test(address) && address !== text;
}
