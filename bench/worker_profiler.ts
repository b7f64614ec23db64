/** What V8 sampled: a tree of functions, and which of them ran at each sample. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  /** Microseconds from each sample's predecessor to it. */
  readonly timeDeltas: readonly number[];
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly sessionId: string; readonly message?: string };
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

const DEADLINE_MS = 60_000;
const SAMPLING_INTERVAL_MICROS = 500;

/**
 * V8's profiler in the first Worker of a process that runs with `--inspect`. Deno lists only main threads; their
 * Workers are reached through them, by the protocol's domain NodeWorker.
 */
export class WorkerProfiler implements Disposable {
  readonly #socket: WebSocket;
  readonly #worker = Promise.withResolvers<string>();
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = () => this.#fail(new Error("the profiled process closed the connection"));
  }

  /** @param url what the process prints as `Debugger listening on` */
  static async attach(url: string): Promise<WorkerProfiler> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error(`cannot connect to ${url}`));
    });
    const profiler = new WorkerProfiler(socket);
    profiler.#send({ method: "NodeWorker.enable", params: { waitForDebuggerOnStart: false } });
    await inTime(profiler.#worker.promise, "the process has no Worker");
    return profiler;
  }

  async start(): Promise<void> {
    await this.#call("Profiler.enable");
    await this.#call("Profiler.setSamplingInterval", { interval: SAMPLING_INTERVAL_MICROS });
    await this.#call("Profiler.start");
  }

  async stop(): Promise<CpuProfile> {
    const { profile } = await this.#call("Profiler.stop") as { profile: CpuProfile };
    return profile;
  }

  async #call(method: string, params = {}): Promise<unknown> {
    const sessionId = await this.#worker.promise;
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#answers.set(id, answer);
    const message = JSON.stringify({ id, method, params });
    this.#send({ method: "NodeWorker.sendMessageToWorker", params: { sessionId, message } });
    return await inTime(answer.promise, `the Worker does not answer ${method}`);
  }

  #send(message: object): void {
    // Identifiers of the Worker's messages and of those around them are counted together, so none is there twice.
    this.#socket.send(JSON.stringify({ id: ++this.#lastId, ...message }));
  }

  #take({ id, method, params, result, error }: Message): void {
    if (method === "NodeWorker.attachedToWorker") this.#worker.resolve(params!.sessionId);
    if (method === "NodeWorker.receivedMessageFromWorker") this.#take(JSON.parse(params!.message!));
    if (id === undefined) return;
    const answer = this.#answers.get(id);
    if (error !== undefined) answer?.reject(new Error(error.message));
    else answer?.resolve(result);
  }

  #fail(error: Error): void {
    for (const answer of this.#answers.values()) answer.reject(error);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

async function inTime<T>(promise: Promise<T>, otherwise: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(otherwise)), DEADLINE_MS);
  return await Promise.race([promise, late.promise]).finally(() => clearTimeout(timer));
}
