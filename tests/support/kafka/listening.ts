import type { InboundEvent } from "../../../src/core/event.ts";
import { PipelineHealth } from "../../../src/core/health.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import type { Deliver } from "../../../src/core/listener.ts";
import { KafkaListener } from "../../../src/transports/kafka/consumer/listener.ts";
import { eventually } from "../eventually.ts";
import { listenerConfig } from "./config.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { RecordedLog } from "../recorded_log.ts";

/** A listener that settles each event at once, or as the test says, and ends with its scope. */
export class KafkaListening implements AsyncDisposable {
  readonly events: InboundEvent[] = [];
  readonly log: RecordedLog;
  readonly health: PipelineHealth;
  readonly #lease = new LeaseController();
  readonly #listener: KafkaListener;
  readonly #listening: Promise<void>;

  private constructor(
    listener: KafkaListener,
    { log, health, deliver }: { log: RecordedLog; health: PipelineHealth; deliver: Deliver },
  ) {
    this.log = log;
    this.health = health;
    this.#listener = listener;
    this.#listening = listener.listen((delivery) => {
      this.events.push(delivery.event);
      return deliver(delivery);
    }, this.#lease);
    // A failure shows where it ends.
    this.#listening.catch(() => {});
  }

  /** Opens a listener of a topic of the test broker; `keys` are librdkafka's. */
  static async open(
    options: {
      topic: string;
      group: string;
      keys?: Record<string, unknown>;
      deliver?: Deliver;
    },
  ): Promise<KafkaListening> {
    const { deliver = () => Promise.resolve() } = options;
    const log = new RecordedLog();
    const health = new PipelineHealth();
    const context = { pipeline: "listening", log: log.log, limits: DEFAULT_LIMITS, health };
    const listener = await KafkaListener.open(listenerConfig(options), context);
    return new KafkaListening(listener, { log, health, deliver });
  }

  /** Settles as the listener ends. */
  get ended(): Promise<void> {
    return this.#listening;
  }

  get values(): string[] {
    return this.events.map(({ value }) => new TextDecoder().decode(value ?? undefined));
  }

  /** Resolves when so many events have come, which may still be joined by others. */
  async received(count: number): Promise<void> {
    const enough = eventually(() => this.events.length >= count, {
      deadlineMs: 30_000,
      what: () => `${count} events, found ${this.events.length}`,
    });
    await Promise.race([enough, this.#listening.then(() => enough)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lease.beginEnd();
    await this.#listening.finally(() => this.#listener[Symbol.asyncDispose]());
  }
}
