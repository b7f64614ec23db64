import type { Socket } from "node:net";
import type { Bytes } from "../../event.ts";
import type { CallInFlight } from "./calls_in_flight.ts";
import { CutOffResponseError, type HttpResponse, type ResponseReader } from "./response_reader.ts";

/** What a connection needs besides its socket. */
export interface ConnectionOptions {
  /** Makes the reader of one response. */
  readonly newReader: () => ResponseReader;
  /** Called when a further request may be sent. */
  readonly onFree: (connection: Connection) => void;
}

/** A request that is answered. */
interface Exchange {
  readonly reader: ResponseReader;
  readonly resolve: (response: HttpResponse) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A connection to an HTTP/1.1 server, for one request after the other. Nothing is ever sent twice: whoever made the
 * request decides about that.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  #exchange: Exchange | undefined;
  #isOpen = true;

  /** @param socket may be connecting still */
  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on("data", (bytes: Bytes) => this.#take(bytes));
    socket.on("end", () => this.#end());
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new CutOffResponseError(false)));
  }

  /** Whether a request may be sent: the server has not closed the connection. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Sends a request when no other one is being answered, and resolves with its response.
   *
   * @throws {Error} of the socket, {InvalidResponseError}, {CutOffResponseError}, or why the call was given up
   */
  exchange(request: Bytes, call: CallInFlight): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const exchange = { reader: this.#options.newReader(), resolve, reject };
      this.#exchange = exchange;
      call.onGivenUp((reason) => {
        if (this.#exchange === exchange) this.#fail(reason);
      });
      if (this.#isOpen) this.#socket.write(request);
    });
  }

  close(): void {
    this.#isOpen = false;
    this.#socket.destroy();
  }

  #take(bytes: Bytes): void {
    // Nothing was asked for.
    if (this.#exchange === undefined) return this.close();
    try {
      // The parts of a Buffer are slow to make.
      const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      const response = this.#exchange.reader.take(plain);
      if (response !== null) this.#finish(response);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #end(): void {
    if (this.#exchange === undefined) return this.close();
    try {
      this.#finish(this.#exchange.reader.end());
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #finish(response: HttpResponse): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    // A server may answer before it has read everything. It need not read the rest then.
    const isSent = this.#socket.writableLength === 0;
    if (response.keepsConnection && isSent && this.#isOpen) this.#options.onFree(this);
    else this.close();
    exchange?.resolve(response);
  }

  #fail(error: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.close();
    exchange?.reject(error);
  }
}
