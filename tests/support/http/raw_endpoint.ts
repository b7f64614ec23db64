import type { Bytes } from "../../../src/core/event.ts";

const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder();

/** An endpoint that does what no HTTP server does, on a free port of the loopback interface. */
export interface RawEndpoint extends AsyncDisposable {
  readonly host: string;
  readonly requests: readonly RawRequest[];
  readonly acceptedConnections: number;
  readonly openConnections: number;
}

/** A request as it came over the wire. */
export interface RawRequest {
  readonly requestLine: string;
  /** As they were written, in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Bytes;
}

/** One connection to the endpoint. Reads no byte too many, so that what it leaves unread is known. */
export class RawConnection {
  readonly #connection: Deno.Conn;
  readonly #requests: RawRequest[];

  constructor(connection: Deno.Conn, requests: RawRequest[]) {
    this.#connection = connection;
    this.#requests = requests;
  }

  /**
   * Resolves with null when the other side has closed. With `leaveUnread`, as many bytes of the body stay unread, so
   * that closing the connection resets it.
   */
  async readRequest({ leaveUnread = 0 } = {}): Promise<RawRequest | null> {
    let head = "";
    while (!head.endsWith("\r\n\r\n")) {
      const byte = await this.#readByte();
      if (byte === null) return null;
      head += String.fromCharCode(byte);
    }
    const [requestLine = "", ...lines] = head.trimEnd().split("\r\n");
    const headers = new Map(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    const body = await this.#read(Number(headers.get("content-length") ?? 0) - leaveUnread);
    if (body === null) return null;
    const request = { requestLine, headers, body };
    this.#requests.push(request);
    return request;
  }

  async write(data: string | Bytes): Promise<void> {
    let rest = typeof data === "string" ? TEXT_ENCODER.encode(data) : data;
    while (rest.length > 0) rest = rest.subarray(await this.#connection.write(rest));
  }

  /** Answers 200. */
  async respond(body = ""): Promise<void> {
    await this.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  }

  /** Resolves with the number of bytes that still came when the other side closes. */
  async readToEnd(): Promise<number> {
    const buffer = new Uint8Array(64 * 1024);
    let length = 0;
    for (;;) {
      const count = await this.#connection.read(buffer);
      if (count === null) return length;
      length += count;
    }
  }

  /** Resolves when the other side closes. */
  async closed(): Promise<void> {
    while (await this.#readByte() !== null);
  }

  async #readByte(): Promise<number | null> {
    return (await this.#read(1))?.[0] ?? null;
  }

  async #read(length: number): Promise<Bytes | null> {
    const bytes = new Uint8Array(Math.max(length, 0));
    let end = 0;
    while (end < length) {
      const count = await this.#connection.read(bytes.subarray(end));
      if (count === null) return null;
      end += count;
    }
    return bytes;
  }
}

/** Starts an endpoint; a connection is closed when `serve` is done with it. With `tls` it speaks that. */
export function startRawEndpoint(
  serve: (connection: RawConnection, number: number) => Promise<void>,
  { tls }: { tls?: Deno.TlsCertifiedKeyPem } = {},
): RawEndpoint {
  const address = { hostname: "127.0.0.1", port: 0 };
  const listener: Deno.Listener<Deno.Conn, Deno.NetAddr> = tls === undefined
    ? Deno.listen(address)
    : Deno.listenTls({ ...address, ...tls });
  const requests: RawRequest[] = [];
  const open = new Map<Deno.Conn, Promise<void>>();
  let accepted = 0;

  async function serveAndClose(connection: Deno.Conn): Promise<void> {
    try {
      await serve(new RawConnection(connection, requests), accepted++);
    } catch {
      // The other side has gone, which is its right.
    } finally {
      close(connection);
      open.delete(connection);
    }
  }

  async function acceptAll(): Promise<void> {
    for await (const connection of listener) open.set(connection, serveAndClose(connection));
  }
  const accepting = acceptAll();
  return {
    host: `127.0.0.1:${listener.addr.port}`,
    requests,
    get acceptedConnections() {
      return accepted;
    },
    get openConnections() {
      return open.size;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      const serving = [...open.values()];
      for (const connection of open.keys()) close(connection);
      await Promise.all(serving);
    },
  };
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}

/** The text of a body. */
export function textOf(bytes: Bytes | null | undefined): string {
  return TEXT_DECODER.decode(bytes ?? undefined);
}
