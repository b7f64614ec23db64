import { Buffer } from "node:buffer";
import { TcpProxy } from "./tcp_proxy.ts";

const FETCH = 1;
const SIZE_BYTES = 4;

/** What a broker answers for one partition, from its number to its records. */
export interface PartitionPart {
  partition: number;
  records: Buffer;
}

/** A broker whose answers to fetches are changed on their way. `FetchProxy` makes them up. */
export class ChangedFetches implements AsyncDisposable {
  /** How many fetches it was asked for. */
  fetches = 0;
  /** Changes what is answered for a partition; `null` lets everything pass. */
  change: ((part: PartitionPart) => void) | null = null;
  readonly #proxy: TcpProxy;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #running: Promise<unknown>[] = [];

  /** @param broker `host:port` */
  constructor(broker: string) {
    this.#proxy = new TcpProxy(broker);
    this.#proxy.advertised = this.address;
    this.#running.push(this.#accept());
  }

  /** `host:port` */
  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) close(connection);
    await Promise.all(this.#running);
    await this.#proxy[Symbol.asyncDispose]();
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) this.#running.push(this.#connect(client));
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #connect(client: Deno.TcpConn): Promise<void> {
    const [hostname = "", port] = this.#proxy.address.split(":");
    const broker = await Deno.connect({ hostname, port: Number(port) });
    this.#connections.add(client).add(broker);
    const fetches = new Set<number>();
    await Promise.all([
      pass(client, broker, (request) => {
        if (request.readInt16BE(0) === FETCH) {
          fetches.add(request.readInt32BE(4));
          this.fetches++;
        }
        return request;
      }),
      pass(broker, client, (response) => {
        const isFetch = fetches.delete(response.readInt32BE(0));
        return isFetch && this.change !== null ? changed(response, this.change) : response;
      }),
    ]);
    this.#connections.delete(client);
    this.#connections.delete(broker);
  }
}

/** Passes frames on, each as `change` has it. */
async function pass(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  change: (frame: Buffer) => Buffer,
): Promise<void> {
  const piece = new Uint8Array(64 * 1024);
  let rest = Buffer.alloc(0);
  try {
    for (let count = await from.read(piece); count !== null; count = await from.read(piece)) {
      rest = Buffer.concat([rest, piece.subarray(0, count)]);
      while (rest.length >= SIZE_BYTES && rest.length >= SIZE_BYTES + rest.readInt32BE()) {
        const end = SIZE_BYTES + rest.readInt32BE();
        const frame = change(rest.subarray(SIZE_BYTES, end));
        rest = rest.subarray(end);
        const size = Buffer.alloc(SIZE_BYTES);
        size.writeInt32BE(frame.length);
        const bytes = Buffer.concat([size, frame]);
        for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
      }
    }
  } catch {
    // Either side may go at any time.
  }
  close(to);
}

/** A fetch response of version 11, with each partition as `change` has it. */
function changed(response: Buffer, change: (part: PartitionPart) => void): Buffer {
  const parts: Buffer[] = [];
  let position = 0;
  const copy = (length: number) => {
    parts.push(response.subarray(position, position + length));
    position += length;
  };
  const count = () => {
    const value = response.readInt32BE(position);
    copy(4);
    return value;
  };
  // Correlation id, throttle time, error and session.
  copy(14);
  for (let topics = count(); topics > 0; topics--) {
    copy(2 + response.readInt16BE(position));
    for (let partitions = count(); partitions > 0; partitions--) {
      const number = Buffer.alloc(4);
      const part = { partition: response.readInt32BE(position), records: Buffer.alloc(0) };
      position += 4;
      parts.push(number);
      // The error, and three offsets.
      copy(26);
      for (let aborted = count(); aborted > 0; aborted--) copy(16);
      copy(4);
      const length = Math.max(response.readInt32BE(position), 0);
      part.records = Buffer.from(response.subarray(position + 4, position + 4 + length));
      position += 4 + length;
      change(part);
      number.writeInt32BE(part.partition);
      const size = Buffer.alloc(4);
      size.writeInt32BE(part.records.length);
      parts.push(size, part.records);
    }
  }
  return Buffer.concat([...parts, response.subarray(position)]);
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
