import type { Socket } from "node:net";

/** What is below a socket of Node's, as far as it is used here (Deno 2.6.8). */
export interface TcpHandle {
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
  afterConnect(request: ConnectRequest, status: number): void;
  /** Shakes hands by TLS. */
  afterConnectTls(): void;
  setNetPermToken(token: object | undefined): void;
}

/** Is told how an attempt has ended: 0 is success. */
export interface ConnectRequest {
  oncomplete(status: number): void;
}

/** The handle of a socket, which it has from its first attempt to connect on. */
export function handleOf(socket: Socket): TcpHandle {
  return Object(Reflect.get(socket, "_handle"));
}

/** Deno's own connection below a socket of Node's, by TCP or TLS. */
export function streamOf(socket: Socket): unknown {
  return streamIn(handleOf(socket));
}

/** The same in a handle. */
export function streamIn(handle: TcpHandle): unknown {
  return Reflect.get(handle, streamKey(handle));
}

/** Has a handle use a connection. */
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
