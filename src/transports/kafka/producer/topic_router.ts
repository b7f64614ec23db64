import type { OutboundRecord, ResultProcessor } from "../../../core/result_processor.ts";

/** Stores each record in the topic that it names. */
export class TopicRouter implements ResultProcessor {
  readonly #stores: ReadonlyMap<string, ResultProcessor>;

  private constructor(stores: ReadonlyMap<string, ResultProcessor>) {
    this.#stores = stores;
  }

  /** @param open opens the store of one topic; if one fails to open, those already open are closed */
  static async open(
    topics: readonly string[],
    open: (topic: string) => Promise<ResultProcessor>,
  ): Promise<TopicRouter> {
    await using opened = new AsyncDisposableStack();
    const stores = new Map<string, ResultProcessor>();
    for (const topic of topics) stores.set(topic, opened.use(await open(topic)));
    opened.move();
    return new TopicRouter(stores);
  }

  process(record: OutboundRecord, signal: AbortSignal): Promise<string> {
    const store = this.#stores.get(record.destination ?? "");
    if (store === undefined) throw new RangeError("A record names a topic that is not open");
    return store.process(record, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#stores.values().map((store) => store[Symbol.asyncDispose]()));
  }
}
