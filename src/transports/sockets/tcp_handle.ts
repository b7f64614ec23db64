import type { Socket } from "node:net";

/** The handle of a Node socket, as far as it is used here (Deno 2.6.8). */
export interface TcpHandle {
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
  afterConnect(request: ConnectRequest, status: number): void;
  /** Performs the TLS handshake. */
  afterConnectTls(): void;
  setNetPermToken(token: object | undefined): void;
}

/** The callback for the outcome of an attempt: 0 is success. */
export interface ConnectRequest {
  oncomplete(status: number): void;
}

/** The handle of a socket; there is one once the socket has started to connect. */
export function handleOf(socket: Socket): TcpHandle {
  return Object(Reflect.get(socket, "_handle"));
}

/** The Deno connection of a Node socket, by TCP or TLS. */
export function streamOf(socket: Socket): unknown {
  return streamIn(handleOf(socket));
}

/** The Deno connection of a handle. */
export function streamIn(handle: TcpHandle): unknown {
  return Reflect.get(handle, streamKey(handle));
}

/** Makes a handle use a connection. */
export function setStream(handle: TcpHandle, connection: Deno.TcpConn): void {
  Reflect.set(handle, streamKey(handle), connection);
}

function streamKey(handle: TcpHandle): symbol {
  for (let at = handle; at; at = Object.getPrototypeOf(at)) {
    const key = Object.getOwnPropertySymbols(at)
      .find(({ description }) => description === "kStreamBaseField");
    if (key !== undefined) return key;
  }
  throw new Error("Deno has changed: its sockets hide their connections");
}
