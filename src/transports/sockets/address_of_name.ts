import { lookup } from "node:dns";
import { Socket } from "node:net";
import type { Target } from "./connect.ts";
import { ConnectError } from "./connect_error.ts";
import { handleOf, streamIn, type TcpHandle } from "./tcp_handle.ts";

/** The addresses of a name, and the token that proves to the sandbox that they are its addresses. */
export interface Resolution {
  readonly addresses: readonly string[];
  readonly token: object | undefined;
}

/**
 * Node's `lookup()` returns either all addresses or the token of the sandbox (Deno 2.6.8); its request gets both.
 * Without the port, the sandbox refuses the lookup.
 */
export function resolve({ host, port }: Target): Promise<Resolution> {
  return new Promise((resolve) => {
    const options: object = { port };
    const request: unknown = lookup(host, options, () => {});
    Object.assign(Object(request), {
      oncomplete: (_error: number, addresses: string[], token: object | undefined) =>
        resolve({ addresses: [...new Set(addresses)], token }),
    });
  });
}

/**
 * Connects to an address of a name that the sandbox allows. The attempt cannot be given up (Deno 2.6.8): it runs until
 * the system ends it.
 */
export function connectToAddress(
  { host, port }: Target,
  token: object | undefined,
): Promise<Deno.TcpConn> {
  return new Promise((resolve, reject) => {
    const handle = newHandle();
    let failure: unknown;
    const settle = (status: number) => {
      if (status === 0) resolve(streamIn(handle) as Deno.TcpConn);
      else reject(ConnectError.of(failure));
    };
    handle.setNetPermToken(token);
    catchingReason(
      () => handle.connect({ oncomplete: settle }, host, port),
      (error) => failure = error,
    );
  });
}

/** A handle of a Node socket, without the socket. */
function newHandle(): TcpHandle {
  const socket = new Socket();
  socket.connect({ host: "name", port: 1, lookup: () => {} });
  const Handle = handleOf(socket).constructor as new (type: number) => TcpHandle;
  socket.destroy();
  return new Handle(0);
}

/**
 * Node's sockets report `ECONNREFUSED` for every failure (Deno 2.6.8): they drop the error of the promise that
 * connects. We catch it where they attach callbacks to that promise, which they do before `connect()` returns.
 */
function catchingReason(begin: () => void, onReason: (error: unknown) => void): void {
  const { then } = Promise.prototype;
  Promise.prototype.then = function (this: Promise<unknown>, ...callbacks: unknown[]) {
    then.call(this, undefined, onReason);
    return Reflect.apply(then, this, callbacks);
  };
  try {
    begin();
  } finally {
    Promise.prototype.then = then;
  }
}
