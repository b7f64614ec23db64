/**
 * As much of Kafka's protocol as two requests take: a client would have to be loaded, and its timers would keep the
 * process of the caller alive.
 *
 * @module
 */

/** Sends a request, and returns what its response holds. */
export async function request(
  bootstrapServer: string,
  { key, version, deadlineMs }: { key: number; version: number; deadlineMs: number },
  body: Uint8Array[],
): Promise<Reader> {
  const [hostname, port] = bootstrapServer.split(":");
  const parts = [int16(key), int16(version), int32(0), string("eventor"), ...body];
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const message = concatenate([int32(size), ...parts]);
  using connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    connection.close();
  }, deadlineMs);
  try {
    for (let rest = message; rest.length > 0;) {
      rest = rest.subarray(await connection.write(rest));
    }
    const length = new Reader(await readFully(connection, 4)).int32();
    const response = new Reader(await readFully(connection, length));
    response.int32(); // correlation id
    return response;
  } catch (error) {
    throw late ? new Error(`${bootstrapServer} does not answer within ${deadlineMs} ms`) : error;
  } finally {
    clearTimeout(timer);
  }
}

async function readFully(connection: Deno.Conn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await connection.read(bytes.subarray(filled));
    if (count === null) throw new Error("the broker closed the connection");
    filled += count;
  }
  return bytes;
}

/** Reads the values of a response one after the other. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  int8(): number {
    return this.#view.getInt8(this.#advance(1));
  }

  int16(): number {
    return this.#view.getInt16(this.#advance(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  string(): string | undefined {
    const length = this.int16();
    if (length < 0) return undefined;
    const start = this.#advance(length);
    return new TextDecoder().decode(this.#bytes.subarray(start, start + length));
  }

  #advance(count: number): number {
    const offset = this.#offset;
    this.#offset += count;
    return offset;
  }
}

export function int8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function int16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}

export function int32(value: number): Uint8Array {
  return Uint8Array.of(value >> 24, value >> 16, value >> 8, value);
}

export function string(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return concatenate([int16(bytes.length), bytes]);
}

export function array<Item>(items: Item[], encode: (item: Item) => Uint8Array[]): Uint8Array {
  return concatenate([int32(items.length), ...items.flatMap(encode)]);
}

function concatenate(parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
