/** Where connections lead to. */
export interface Server {
  /** As in a URL, an IPv6 address in brackets. */
  readonly hostname: string;
  readonly port: number;
}

/** The server that a URL names. */
export function serverOf({ hostname, port, protocol }: URL): Server {
  const defaultPort = protocol === "https:" ? 443 : 80;
  return { hostname, port: port === "" ? defaultPort : Number(port) };
}

/** The same as `host:port`, as the sandbox and messages name it. */
export function hostOf(url: string): string {
  const { hostname, port } = serverOf(new URL(url));
  return `${hostname}:${port}`;
}
