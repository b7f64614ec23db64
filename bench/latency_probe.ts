import { keyOf, valueOf } from "./events.ts";
import { GuardedChild, linesOf } from "./guarded_child.ts";
import { RecordSender } from "./record_sender.ts";

const DEADLINE_MS = 60_000;

/**
 * Sends events one by one, each in a request of its own, and sees what comes of them. Reading is left to kcat, which
 * prints each record at once and takes little of the cores that are measured.
 */
export class LatencyProbe implements AsyncDisposable {
  readonly #sender: RecordSender;
  readonly #reader: GuardedChild;
  readonly #readingDone: Promise<void>;
  readonly #sentAt: number[] = [];
  readonly #readAt: number[] = [];
  #awaited: { count: number; reached: () => void } | undefined;

  private constructor(sender: RecordSender, reader: GuardedChild) {
    this.#sender = sender;
    this.#reader = reader;
    this.#readingDone = this.#readAll();
  }

  /** The records of the topic `read` must begin with the values of those that were sent to the topic `write`. */
  static async start(
    broker: string,
    { write, read }: { write: string; read: string },
  ): Promise<LatencyProbe> {
    const sender = await RecordSender.open(broker, write);
    const reader = new GuardedChild("kcat", {
      args: ["-b", broker, "-C", "-t", read, "-o", "beginning", "-q", "-u", "-f", "%s\n"],
      stdout: "piped",
    });
    return new LatencyProbe(sender, reader);
  }

  /** Sends one event, and waits until it has been seen: from then on everything runs. */
  async sendOne(): Promise<void> {
    await this.sendEvenly(1, { perSecond: 1 });
  }

  /** Resolves with the microseconds that each took, from before it was sent until it had been read. */
  async sendEvenly(count: number, { perSecond }: { perSecond: number }): Promise<number[]> {
    const first = this.#sentAt.length;
    const sends: Promise<void>[] = [];
    const startedAt = performance.now();
    for (let sent = 0; sent < count; sent++) {
      const waitMs = startedAt + sent * 1000 / perSecond - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      sends.push(this.#send(first + sent));
    }
    await Promise.all(sends);
    await this.#sender.acknowledged();
    await this.#untilRead(first + count);
    return this.#readAt.slice(first).map((at, index) => (at - this.#sentAt[first + index]!) * 1000);
  }

  #send(number: number): Promise<void> {
    this.#sentAt[number] = performance.now();
    return this.#sender.send(keyOf(number), valueOf(number));
  }

  async #untilRead(count: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#awaited = { count, reached: resolve };
    this.#noteReached();
    const timer = setTimeout(() => {
      reject(new Error(`${this.#readCount} of ${count} within ${DEADLINE_MS / 1000} s`));
    }, DEADLINE_MS);
    await promise.finally(() => clearTimeout(timer));
  }

  #readCount = 0;

  async #readAll(): Promise<void> {
    for await (const line of linesOf(this.#reader.process.stdout)) {
      const number = Number.parseInt(line);
      // A result that comes twice counts when it came first.
      if (this.#readAt[number] !== undefined) continue;
      this.#readAt[number] = performance.now();
      this.#readCount++;
      this.#noteReached();
    }
  }

  #noteReached(): void {
    if (this.#awaited !== undefined && this.#readCount >= this.#awaited.count) {
      this.#awaited.reached();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader[Symbol.asyncDispose]();
    await this.#readingDone;
    await this.#sender[Symbol.asyncDispose]();
  }
}
