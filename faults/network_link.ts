import type { Bytes } from "../src/core/event.ts";
import { FrameReader } from "./frame_reader.ts";
import { reset } from "./tcp_reset.ts";

/** As much is on its way at most, in each direction. */
const MAX_UNDERWAY_BYTES = 256 * 1024;

/** Timers are no more exact. */
const LEAST_PAUSE_MS = 2;

/** What the way to a broker is like. */
export interface Conditions {
  readonly latencyMs?: number;
  /** In each direction of a connection. */
  readonly bytesPerSecond?: number;
  /** What passes is written in pieces of no more bytes. */
  readonly sliceBytes?: number;
  /** How long it takes until one side learns that the other has closed. */
  readonly closeDelayMs?: number;
}

/** What the links of a network share. */
export interface LinkOptions {
  readonly conditions: () => Conditions;
  /** When nothing needs to be delivered any more. */
  readonly ended: Promise<void>;
  /** What becomes of what the broker sends. */
  readonly change: (bytes: Bytes) => Bytes;
}

/** One connection of a client, and what it sends and gets. */
export class NetworkLink {
  readonly #client: Deno.TcpConn;
  readonly #broker: Deno.TcpConn;
  readonly #options: LinkOptions;
  #mayPass: Promise<void>;

  /** @param mayPass resolves when what comes may go on */
  constructor(
    { client, broker, mayPass }: {
      client: Deno.TcpConn;
      broker: Deno.TcpConn;
      mayPass: Promise<void>;
    },
    options: LinkOptions,
  ) {
    this.#client = client;
    this.#broker = broker;
    this.#mayPass = mayPass;
    this.#options = options;
    for (const side of [client, broker]) side.setNoDelay(true);
  }

  /** Holds everything back until this resolves. */
  hold(mayPass: Promise<void>): void {
    this.#mayPass = mayPass;
  }

  /** Ends with a reset for the client. */
  reset(): void {
    reset(this.#client);
    this.close();
  }

  closeAtBroker(): void {
    close(this.#broker);
  }

  close(): void {
    close(this.#client);
    close(this.#broker);
  }

  /** Resolves when both sides are closed. Never rejects. */
  async run(): Promise<void> {
    await Promise.all([
      this.#pass(this.#client, this.#broker, (bytes) => bytes),
      this.#pass(this.#broker, this.#client, this.#options.change),
    ]);
  }

  async #pass(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    change: (bytes: Bytes) => Bytes,
  ): Promise<void> {
    const reader = new FrameReader(from);
    const pace = { freeAt: 0 };
    let underway = 0;
    let last = Promise.resolve();
    try {
      while (await reader.begin()) {
        for await (const piece of reader.pieces()) {
          const dueAt = performance.now() + (this.#options.conditions().latencyMs ?? 0);
          const bytes = change(piece);
          underway += bytes.length;
          last = last.then(() => this.#deliver(bytes, { to, dueAt, pace }));
          last = last.then(() => void (underway -= bytes.length));
          // The other side may have gone; then this one goes, too.
          last.catch(() => close(from));
          if (underway > MAX_UNDERWAY_BYTES) await last;
        }
      }
      await last;
    } catch {
      // Either side may go at any time; that is what the other one is told.
    }
    await this.#sleep(this.#options.conditions().closeDelayMs ?? 0);
    close(to);
  }

  async #deliver(
    bytes: Bytes,
    { to, dueAt, pace }: { to: Deno.TcpConn; dueAt: number; pace: { freeAt: number } },
  ): Promise<void> {
    await this.#sleep(dueAt - performance.now());
    const { sliceBytes = bytes.length, bytesPerSecond = Infinity } = this.#options.conditions();
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      await Promise.race([this.#mayPass, this.#options.ended]);
      const slice = bytes.subarray(at, at + sliceBytes);
      const beginsAt = Math.max(pace.freeAt, performance.now());
      pace.freeAt = beginsAt + slice.length / bytesPerSecond * 1000;
      await this.#sleep(beginsAt - performance.now());
      for (let sent = 0; sent < slice.length;) sent += await to.write(slice.subarray(sent));
    }
  }

  async #sleep(ms: number): Promise<void> {
    if (ms < LEAST_PAUSE_MS) return;
    let timer: number | undefined;
    const over = new Promise((resolve) => timer = setTimeout(resolve, ms));
    await Promise.race([over, this.#options.ended]);
    clearTimeout(timer);
  }
}

/** Closes a connection, if it is open. */
export function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
