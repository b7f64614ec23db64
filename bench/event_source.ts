import { keyOf, valueOf } from "./events.ts";
import { RecordSender } from "./record_sender.ts";

const TEXT_ENCODER = new TextEncoder();

/** Writes events to a topic, one by one and evenly in time. Ends with its scope. */
export class EventSource implements AsyncDisposable {
  readonly #sender: RecordSender;
  #sent = 0;

  private constructor(sender: RecordSender) {
    this.#sender = sender;
  }

  static async open(broker: string, topic: string): Promise<EventSource> {
    return new EventSource(await RecordSender.open(broker, topic));
  }

  /** How many there have been so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Resolves once so many more are stored. */
  async sendEvenly(count: number, { perSecond }: { perSecond: number }): Promise<void> {
    const startedAt = performance.now();
    for (let index = 0; index < count; index++) {
      const waitMs = startedAt + index * 1000 / perSecond - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      await this.#sendNext();
    }
    await this.#sender.acknowledged();
  }

  async #sendNext(): Promise<void> {
    const number = this.#sent++;
    const key = TEXT_ENCODER.encode(keyOf(number));
    const value = TEXT_ENCODER.encode(valueOf(number));
    await this.#sender.send({ key, value, headers: [] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
  }
}
