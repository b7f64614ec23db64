import type { Bytes } from "../../src/core/event.ts";
import { readdress } from "./advertised_address.ts";

const NOTHING: Bytes = new Uint8Array();

interface ProxyState {
  isSilent: boolean;
  losesAnswers: boolean;
}

/** A TCP proxy in front of a broker, or of any server. As a broker it passes: what the broker says of its own address names the proxy. */
export class TcpProxy implements AsyncDisposable {
  /** `host:port` of the proxy. */
  readonly address: string;
  readonly #listener: Deno.TcpListener;
  readonly #upstream: Deno.ConnectOptions;
  readonly #connections = new Map<Deno.TcpConn, ProxyState>();
  readonly #running: Promise<void>[] = [];
  /** As which the broker seems to know itself, `host:port`, with the same host as the broker has. */
  advertised: string;
  #opened = 0;

  /** @param broker `host:port`; the host is advertised as it stands here */
  constructor(broker: string) {
    const [hostname = "", port] = broker.split(":");
    this.#upstream = { hostname, port: Number(port) };
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.address = `127.0.0.1:${this.#listener.addr.port}`;
    this.advertised = this.address;
    this.#running.push(this.#accept());
  }

  /** How many connections there have been. */
  get opened(): number {
    return this.#opened;
  }

  /** From now on, the connections that are open stay so, and nothing passes them any more; new ones work. */
  silence(): void {
    for (const state of this.#connections.values()) state.isSilent = true;
  }

  /** From now on, what the broker answers on the connections that are open gets lost; new ones work. */
  loseAnswers(): void {
    for (const state of this.#connections.values()) state.losesAnswers = true;
  }

  /** May be called again. */
  async [Symbol.asyncDispose](): Promise<void> {
    close(this.#listener);
    for (const connection of this.#connections.keys()) close(connection);
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
    const state: ProxyState = { isSilent: false, losesAnswers: false };
    this.#opened++;
    this.#connections.set(client, state);
    try {
      // One that is not there is no failure of the proxy: its client is hung up on.
      const broker = await Deno.connect(this.#upstream).catch(() => null);
      if (broker === null) return;
      this.#connections.set(broker, state);
      await Promise.all([
        this.#pass(client, broker, { state, change: (bytes) => bytes }),
        this.#pass(broker, client, {
          state,
          change: (bytes) => state.losesAnswers ? NOTHING : this.#readdress(bytes),
        }),
      ]);
      this.#connections.delete(broker);
    } finally {
      close(client);
      this.#connections.delete(client);
    }
  }

  async #pass(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    { state, change }: { state: ProxyState; change: (bytes: Bytes) => Bytes },
  ): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        if (state.isSilent) continue;
        const bytes = change(buffer.subarray(0, count));
        for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
      }
    } catch {
      // Either side may go at any time; that is what the other one is told.
    }
    if (!state.isSilent) close(to);
  }

  #readdress(bytes: Bytes): Bytes {
    return readdress(bytes, {
      from: this.#upstream,
      toPort: Number(this.advertised.split(":")[1]),
    });
  }
}

function close(resource: Deno.TcpConn | Deno.TcpListener): void {
  try {
    resource.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
