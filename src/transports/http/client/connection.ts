import type { Socket } from "node:net";
import type { Bytes } from "../../../core/event.ts";
import type { CallInFlight } from "./calls_in_flight.ts";
import { breakOffReason } from "../failure.ts";
import type { HttpResponse } from "./http_client.ts";
import type { ResponseReader } from "./response_reader.ts";

/** What a connection needs besides its socket. */
export interface ConnectionOptions {
  /** Makes the reader of one response. */
  readonly newReader: () => ResponseReader;
  /** Called when a further request may be sent. */
  readonly onFree: (connection: Connection) => void;
}

/** A request that waits for its response. */
interface Exchange {
  readonly reader: ResponseReader;
  readonly resolve: (response: HttpResponse) => void;
  readonly reject: (error: Error) => void;
}

/** A connection to an HTTP/1.1 server, for one request after the other. */
export class Connection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  #exchange: Exchange | undefined;
  /** A request that is sent when the connection has come about. */
  #unsent: Bytes | undefined;
  #isConnected = false;
  #isOpen = true;

  /** @param socket one that is connecting */
  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on("connect", () => this.#begin());
    socket.on("data", (bytes: Bytes) => this.#take(bytes));
    socket.on("end", () => this.#end());
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#end());
  }

  /** Whether requests may be sent: neither side has closed the connection. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Sends a request when no other one waits for its response, and resolves with that.
   *
   * @throws {Error} of the socket, {CutOffResponseError}, or why the call was given up, before there is a complete head
   */
  exchange(request: Bytes, call: CallInFlight): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const exchange = { reader: this.#options.newReader(), resolve, reject };
      this.#exchange = exchange;
      // By the time the call is given up, the connection may belong to another one.
      call.onGivenUp((reason) => {
        if (this.#exchange === exchange) this.#fail(reason);
      });
      if (!this.#isConnected) this.#unsent = request;
      else if (this.#isOpen) this.#socket.write(request);
    });
  }

  close(): void {
    this.#isOpen = false;
    this.#socket.destroy();
  }

  #begin(): void {
    this.#isConnected = true;
    if (this.#unsent !== undefined) this.#socket.write(this.#unsent);
    this.#unsent = undefined;
  }

  #take(bytes: Bytes): void {
    // Nothing was asked for.
    if (this.#exchange === undefined) return this.close();
    try {
      // The parts of a Buffer are slow to make.
      const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      const response = this.#exchange.reader.take(plain);
      if (response !== null) this.#finish(response, this.#exchange);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #end(): void {
    if (this.#exchange === undefined) return this.close();
    try {
      this.#finish(this.#exchange.reader.end(), this.#exchange);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #finish(response: HttpResponse, { reader, resolve }: Exchange): void {
    this.#exchange = undefined;
    // A server may answer before it has read everything. It need not read the rest then.
    const isSent = this.#socket.writableLength === 0;
    if (reader.keepsConnection && isSent && this.#isOpen) this.#options.onFree(this);
    else this.close();
    resolve(response);
  }

  #fail(error: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.close();
    if (exchange === undefined) return;
    // What has a head is an answer, even if its body does not come.
    const response = exchange.reader.breakOff(breakOffReason(error));
    if (response === null) exchange.reject(error);
    else exchange.resolve(response);
  }
}
