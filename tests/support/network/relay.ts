import type { Bytes } from "../../../src/core/event.ts";

/** Passes on what comes from either side of a pair of connections, and resolves when both have ended. */
export type PassOn = (client: Deno.TcpConn, server: Deno.TcpConn) => Promise<void>;

/** Listens on a free port of the loopback interface, and makes a connection to a server for each that it takes. */
export class Relay implements AsyncDisposable {
  /** `host:port` */
  readonly address: string;
  /** That of the server. */
  readonly upstream: { readonly hostname: string; readonly port: number };
  readonly #listener: Deno.TcpListener;
  readonly #passOn: PassOn;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>[] = [];
  #opened = 0;

  /** @param server `host:port` */
  constructor(server: string, passOn: PassOn) {
    const [hostname = "", port] = server.split(":");
    this.upstream = { hostname, port: Number(port) };
    this.#passOn = passOn;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.address = `127.0.0.1:${this.#listener.addr.port}`;
    this.#running.push(this.#accept());
  }

  /** How many connections there have been. */
  get opened(): number {
    return this.#opened;
  }

  /** May be called again. */
  async [Symbol.asyncDispose](): Promise<void> {
    close(this.#listener);
    for (const connection of this.#connections) close(connection);
    await Promise.all(this.#running);
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) this.#running.push(this.#connect(client));
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #connect(client: Deno.TcpConn): Promise<void> {
    this.#opened++;
    const pair = [client];
    this.#connections.add(client);
    try {
      // One that is not there is no failure of the relay: its client is hung up on.
      const server = await Deno.connect(this.upstream).catch(() => null);
      if (server === null) return;
      pair.push(server);
      this.#connections.add(server);
      await this.#passOn(client, server);
    } finally {
      for (const connection of pair) {
        close(connection);
        this.#connections.delete(connection);
      }
    }
  }
}

export async function writeAll(connection: Deno.TcpConn, bytes: Bytes): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** May be called again. */
export function close(resource: Deno.TcpConn | Deno.TcpListener): void {
  try {
    resource.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
