import type { Bytes } from "../../../src/core/event.ts";
import { readdress } from "../kafka/advertised_address.ts";
import { close, Relay, writeAll } from "./relay.ts";

const NOTHING: Bytes = new Uint8Array();

interface ProxyState {
  isSilent: boolean;
  losesAnswers: boolean;
}

/** A TCP proxy in front of a broker, or of any server. As a broker it passes: what the broker says of its own address names the proxy. */
export class TcpProxy implements AsyncDisposable {
  /** As which the broker seems to know itself, `host:port`, with the same host as the broker has. */
  advertised: string;
  readonly #relay: Relay;
  readonly #states = new Set<ProxyState>();

  /** @param broker `host:port`; the host is advertised as it stands here */
  constructor(broker: string) {
    this.#relay = new Relay(broker, (client, broker) => this.#passOn(client, broker));
    this.advertised = this.address;
  }

  /** `host:port` of the proxy. */
  get address(): string {
    return this.#relay.address;
  }

  /** How many connections there have been. */
  get opened(): number {
    return this.#relay.opened;
  }

  /** From now on, the connections that are open stay so, and nothing passes them any more; new ones work. */
  silence(): void {
    for (const state of this.#states) state.isSilent = true;
  }

  /** From now on, what the broker answers on the connections that are open gets lost; new ones work. */
  loseAnswers(): void {
    for (const state of this.#states) state.losesAnswers = true;
  }

  /** May be called again. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#relay[Symbol.asyncDispose]();
  }

  async #passOn(client: Deno.TcpConn, broker: Deno.TcpConn): Promise<void> {
    const state: ProxyState = { isSilent: false, losesAnswers: false };
    this.#states.add(state);
    await Promise.all([
      pass(client, broker, { state, change: (bytes) => bytes }),
      pass(broker, client, {
        state,
        change: (bytes) => state.losesAnswers ? NOTHING : this.#readdress(bytes),
      }),
    ]);
    this.#states.delete(state);
  }

  #readdress(bytes: Bytes): Bytes {
    return readdress(bytes, {
      from: this.#relay.upstream,
      toPort: Number(this.advertised.split(":")[1]),
    });
  }
}

async function pass(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  { state, change }: { state: ProxyState; change: (bytes: Bytes) => Bytes },
): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
      if (!state.isSilent) await writeAll(to, change(buffer.subarray(0, count)));
    }
  } catch {
    // Either side may go at any time; that is what the other one is told.
  }
  if (!state.isSilent) close(to);
}
