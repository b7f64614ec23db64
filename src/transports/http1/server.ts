/** Host and port that connections lead to. */
export interface Server {
  /** As in a URL: IPv6 addresses are in brackets. */
  readonly hostname: string;
  readonly port: number;
}

/** The server of a URL, with the default port if it has none. */
export function serverOf({ hostname, port, protocol }: URL): Server {
  const defaultPort = protocol === "https:" ? 443 : 80;
  return { hostname, port: port === "" ? defaultPort : Number(port) };
}

/** The server of a URL as `host:port`, the form of the sandbox and of messages. */
export function hostOf(url: string): string {
  const { hostname, port } = serverOf(new URL(url));
  return `${hostname}:${port}`;
}

/** The request target of a URL: path and query. */
export function targetOf({ pathname, search }: URL): string {
  return pathname + search;
}
