import type { Bytes } from "../src/core/event.ts";
import { readdress } from "../tests/support/kafka/advertised_address.ts";
import { close, type Conditions, NetworkLink } from "./network_link.ts";

/**
 * The way to a broker, as which it passes: what the broker says of its own address names this one. Of what passes it
 * changes nothing but the time it takes; what a client had sent before it gave up arrives all the same when the way is
 * open again, as it does with TCP.
 */
export class FaultyNetwork implements AsyncDisposable {
  /** `host:port` by which the broker is reached. */
  readonly address: string;
  readonly #listener: Deno.TcpListener;
  readonly #upstream: { readonly hostname: string; readonly port: number };
  readonly #links = new Set<NetworkLink>();
  readonly #running = new Set<Promise<void>>();
  readonly #end = Promise.withResolvers<void>();
  #conditions: Conditions = {};
  #way = openWay();

  /** @param broker `host:port`; the host is advertised as it stands here */
  constructor(broker: string) {
    const [hostname = "", port] = broker.split(":");
    this.#upstream = { hostname, port: Number(port) };
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.address = `127.0.0.1:${this.#listener.addr.port}`;
    this.#run(this.#accept());
  }

  /** From now on the way is like this. */
  become(conditions: Conditions): void {
    this.#conditions = conditions;
  }

  /** From now on nothing passes, and nobody is told. */
  swallow(): void {
    this.#way = Promise.withResolvers<void>();
    for (const link of this.#links) link.hold(this.#way.promise);
  }

  /** Everything passes again, unless on the connections that are open nothing ever does. */
  passAgain({ forgetsConnections }: { forgetsConnections: boolean }): void {
    for (const link of this.#links) if (forgetsConnections) link.hold(this.#end.promise);
    this.#way.resolve();
  }

  /** Each open connection ends with a reset. */
  reset(): void {
    for (const link of this.#links) link.reset();
  }

  /** The broker's side of each open connection ends. */
  closeAtBroker(): void {
    for (const link of this.#links) link.closeAtBroker();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.resolve();
    this.#listener.close();
    for (const link of this.#links) link.close();
    await Promise.all(this.#running);
  }

  #run(running: Promise<void>): void {
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) this.#run(this.#link(client));
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #link(client: Deno.TcpConn): Promise<void> {
    let broker: Deno.TcpConn;
    try {
      broker = await Deno.connect(this.#upstream);
    } catch {
      // There is no broker at this time, which the client learns from its connection's end.
      close(client);
      return;
    }
    const link = new NetworkLink({ client, broker, mayPass: this.#way.promise }, {
      conditions: () => this.#conditions,
      ended: this.#end.promise,
      change: (bytes) => this.#readdress(bytes),
    });
    this.#links.add(link);
    await link.run();
    this.#links.delete(link);
  }

  #readdress(bytes: Bytes): Bytes {
    return readdress(bytes, {
      from: this.#upstream,
      toPort: Number(this.address.split(":")[1]),
    });
  }
}

function openWay(): PromiseWithResolvers<void> {
  const way = Promise.withResolvers<void>();
  way.resolve();
  return way;
}
