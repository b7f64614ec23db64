import type { Bytes } from "../../core/event.ts";
import type { CallInFlight } from "./calls_in_flight.ts";
import { breakOffReason, isClosed } from "./failure.ts";
import type { HttpResponse } from "./http_response.ts";
import type { ResponseReader } from "./response_reader.ts";
import type { Stream } from "./stream.ts";
import type { UnclosedConnections } from "./unclosed_connections.ts";

/** Requests are written in pieces of this length, so that an early response stops the rest. */
const PIECE_BYTES = 64 * 1024;
const READ_BYTES = 64 * 1024;

const REQUEST_TIMEOUT = 408;
const REQUEST_TIMEOUT_STARTS = ["HTTP/1.1 408", "HTTP/1.0 408"];
const REQUEST_TIMEOUT_START_LENGTH = 12;

/** A request with its call and the callbacks for its response. */
export interface Exchange {
  readonly request: Bytes;
  readonly call: Pick<CallInFlight, "reason" | "onGivenUp">;
  readonly resolve: (response: HttpResponse) => void;
  readonly reject: (error: Error) => void;
}

export interface ConnectionOwner {
  /** The connection can take another request within `keepMs`. */
  onFree(connection: Connection, keepMs: number): void;
  /** The server closed a reused connection before any byte of the response, or with a 408. */
  onUnanswered(exchange: Exchange): void;
  /** A call that began at `begunAtMs` timed out on a reused connection before any byte of the response. */
  onSilence(begunAtMs: number): void;
}

export interface ConnectionDependencies {
  readonly open: (signal: AbortSignal) => Promise<Stream>;
  /** Creates the reader of one response. */
  readonly newReader: () => ResponseReader;
  readonly unclosed: UnclosedConnections;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  /** For the log: a request is sent again on a new connection, since the server has closed the kept one. */
  readonly onRepeated?: () => void;
  /** For the log: the server sent bytes that belong to no request, so the connection is closed. */
  readonly onSurplus?: () => void;
}

/** A connection to an HTTP/1.1 server, for one request at a time. */
export class Connection {
  readonly openedAtMs: number;
  readonly #dependencies: ConnectionDependencies;
  readonly #owner: ConnectionOwner;
  readonly #opening = new AbortController();
  /** Undefined while connecting. */
  #stream: Stream | undefined;
  #exchange: Exchange | undefined;
  /** When the last exchange began. */
  #begunAtMs = 0;
  #reader: ResponseReader;
  /** Whether a byte of the response has arrived. */
  #isAnswered = false;
  /** Whether an earlier request got its response. */
  #isReused = false;
  /** Whether the system has accepted the whole request. */
  #isSent = true;
  /** Settles when no write is pending. */
  #writing: Promise<void> = Promise.resolve();
  #isOpen = true;

  constructor(dependencies: ConnectionDependencies, owner: ConnectionOwner) {
    this.#dependencies = dependencies;
    this.#owner = owner;
    this.openedAtMs = dependencies.now();
    this.#reader = dependencies.newReader();
    dependencies.open(this.#opening.signal)
      .then((stream) => this.#begin(stream), (error) => this.#fail(error));
  }

  /** Whether requests may be sent: neither side has closed the connection. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Sends a request, at once or when connected. The previous exchange must be over. Until the head is complete, the
   * exchange can be rejected: with a connection error, {CutOffResponseError}, or why the call was given up.
   */
  send(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#begunAtMs = this.#dependencies.now();
    this.#isAnswered = false;
    // When the call is given up, the connection may already serve another one.
    exchange.call.onGivenUp((reason) => {
      if (this.#exchange === exchange) this.#fail(reason);
    });
    if (this.#stream !== undefined && this.#isOpen) this.#write(this.#stream, exchange);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#opening.abort();
    if (!this.#isSent) this.#dependencies.unclosed.add(this.#writing);
    this.#stream?.close();
  }

  #begin(stream: Stream): void {
    if (!this.#isOpen) return stream.close();
    this.#stream = stream;
    this.#readAll(stream);
    if (this.#exchange !== undefined) this.#write(stream, this.#exchange);
  }

  #write(stream: Stream, exchange: Exchange): void {
    this.#isSent = false;
    this.#writing = this.#writeAll(stream, exchange);
  }

  async #writeAll(stream: Stream, exchange: Exchange): Promise<void> {
    let rest = exchange.request;
    try {
      while (rest.length > 0 && this.#exchange === exchange) {
        const piece = rest.length <= PIECE_BYTES ? rest : rest.subarray(0, PIECE_BYTES);
        const length = await stream.write(piece);
        if (length === rest.length) {
          this.#isSent = true;
          return;
        }
        rest = rest.subarray(length);
      }
    } catch {
      // Reading fails as well, and knows more: what the server sent before it closed, or why it refuses TLS.
    }
  }

  async #readAll(stream: Stream): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    try {
      while (this.#isOpen) {
        const length = await stream.read(buffer);
        if (!this.#isOpen) return;
        if (length === null) this.#end({ withoutTls: false });
        else this.#take(buffer.subarray(0, length));
      }
    } catch (error) {
      if (error instanceof Deno.errors.UnexpectedEof) this.#end({ withoutTls: true });
      else this.#fail(error as Error);
    }
  }

  #take(bytes: Bytes): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return this.#takeSurplus(bytes);
    this.#isAnswered = true;
    try {
      const response = this.#reader.take(bytes);
      if (response !== null) this.#finish(response, exchange);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** Some servers send 408 before they close an idle connection: that is no surplus. */
  #takeSurplus(bytes: Bytes): void {
    const start = String.fromCharCode(...bytes.subarray(0, REQUEST_TIMEOUT_START_LENGTH));
    if (!REQUEST_TIMEOUT_STARTS.some((expected) => expected.startsWith(start))) {
      this.#dependencies.onSurplus?.();
    }
    this.close();
  }

  /** TCP has ended. Not all servers end TLS first. */
  #end({ withoutTls }: { withoutTls: boolean }): void {
    if (this.#exchange === undefined) return this.close();
    try {
      this.#finish(this.#reader.end(withoutTls), this.#exchange);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #finish(response: HttpResponse, exchange: Exchange): void {
    const { keepMs, surplus } = this.#reader;
    this.#exchange = undefined;
    if (surplus.length > 0) this.#takeSurplus(surplus);
    else if (keepMs === 0) this.close();
    // The server has not read the request: it closed the connection as idle (RFC 9110, 15.5.9).
    const isUnread = response.status === REQUEST_TIMEOUT && keepMs === 0;
    if (isUnread && this.#isReused) return this.#owner.onUnanswered(exchange);
    if (keepMs > 0) this.#free(keepMs);
    exchange.resolve(response);
  }

  #free(keepMs: number): void {
    this.#isReused = true;
    this.#reader = this.#dependencies.newReader();
    if (this.#isSent) return this.#owner.onFree(this, keepMs);
    // The response came before the system accepted the whole request, or before the write resolved.
    setTimeout(() => {
      if (!this.#isSent) this.close();
      else if (this.#isOpen) this.#owner.onFree(this, keepMs);
    });
  }

  #fail(error: Error): void {
    const exchange = this.#exchange;
    const isUnanswered = this.#isReused && !this.#isAnswered;
    this.#exchange = undefined;
    this.close();
    if (exchange === undefined) return;
    const { reason } = exchange.call;
    if (isUnanswered && reason?.name === "TimeoutError") this.#owner.onSilence(this.#begunAtMs);
    if (isUnanswered && reason === undefined && isClosed(error)) {
      return this.#owner.onUnanswered(exchange);
    }
    // With a complete head it is a response, even if its body is cut off.
    const response = this.#reader.breakOff(breakOffReason(error));
    if (response === null) exchange.reject(error);
    else exchange.resolve(response);
  }
}
