import { assert, assertEquals, assertRejects } from "@std/assert";
import { FaultyNetwork } from "../../../faults/faulty_network.ts";

const FRAME = Uint8Array.of(0, 0, 0, 3, 1, 2, 3);

/** Sends back what it gets, and takes note of it. */
class Echo implements AsyncDisposable {
  readonly address: string;
  received = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #running: Promise<void>[] = [];

  constructor() {
    this.address = `127.0.0.1:${this.#listener.addr.port}`;
    this.#running.push(this.#accept());
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) this.#running.push(this.#answer(connection));
  }

  async #answer(connection: Deno.TcpConn): Promise<void> {
    using _closed = connection;
    const buffer = new Uint8Array(1024);
    try {
      for (
        let count = await connection.read(buffer);
        count !== null;
        count = await connection.read(buffer)
      ) {
        this.received += count;
        await connection.write(buffer.subarray(0, count));
      }
    } catch {
      // The network may reset the connection.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await Promise.all(this.#running);
  }
}

async function connect({ address }: FaultyNetwork): Promise<Deno.TcpConn> {
  const [hostname = "", port] = address.split(":");
  return await Deno.connect({ hostname, port: Number(port) });
}

/** What comes, in one piece or in several. */
async function receive(connection: Deno.TcpConn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await connection.read(bytes.subarray(filled));
    if (count === null) throw new Error("it has ended");
    filled += count;
  }
  return bytes;
}

/** How long it takes until a frame is back. */
async function roundTripMs(connection: Deno.TcpConn, frame = FRAME): Promise<number> {
  const beganAt = performance.now();
  await connection.write(frame);
  assertEquals(await receive(connection, frame.length), frame);
  return performance.now() - beganAt;
}

Deno.test("FaultyNetwork passes frames unchanged, in slices too", async () => {
  await using echo = new Echo();
  await using network = new FaultyNetwork(echo.address);
  using connection = await connect(network);
  await roundTripMs(connection);
  network.become({ sliceBytes: 2 });
  await roundTripMs(connection);
});

Deno.test("FaultyNetwork takes its time in each direction", async () => {
  await using echo = new Echo();
  await using network = new FaultyNetwork(echo.address);
  using connection = await connect(network);
  network.become({ latencyMs: 50 });
  assert(await roundTripMs(connection) >= 99);
  // A frame of 1,000 bytes takes 100 ms, of which the last slice is sent at the beginning of its part.
  network.become({ bytesPerSecond: 10_000, sliceBytes: 100 });
  const frame = new Uint8Array(1000);
  new DataView(frame.buffer).setInt32(0, frame.length - 4);
  assert(await roundTripMs(connection, frame) >= 99);
});

Deno.test("FaultyNetwork names itself where the broker tells its address", async () => {
  await using echo = new Echo();
  await using network = new FaultyNetwork(echo.address);
  using connection = await connect(network);
  const addressFrame = (address: string) => {
    const [host = "", port] = address.split(":");
    const frame = new Uint8Array(4 + 2 + host.length + 4);
    const view = new DataView(frame.buffer);
    view.setInt32(0, frame.length - 4);
    view.setInt16(4, host.length);
    frame.set(new TextEncoder().encode(host), 6);
    view.setInt32(6 + host.length, Number(port));
    return frame;
  };
  await connection.write(addressFrame(echo.address));
  const expected = addressFrame(network.address);
  assertEquals(await receive(connection, expected.length), expected);
});

Deno.test("FaultyNetwork holds back what it swallows until it passes again", async () => {
  await using echo = new Echo();
  await using network = new FaultyNetwork(echo.address);
  using connection = await connect(network);
  await roundTripMs(connection);
  network.swallow();
  const answer = roundTripMs(connection);
  // A connection of another network has come and gone meanwhile.
  await using other = new FaultyNetwork(echo.address);
  using otherConnection = await connect(other);
  await roundTripMs(otherConnection);
  assertEquals(echo.received, 2 * FRAME.length);
  network.passAgain({ forgetsConnections: false });
  await answer;
  assertEquals(echo.received, 3 * FRAME.length);
});

Deno.test("FaultyNetwork lets new connections pass when it forgets those that were open", async () => {
  await using echo = new Echo();
  await using network = new FaultyNetwork(echo.address);
  using forgotten = await connect(network);
  await roundTripMs(forgotten);
  network.swallow();
  network.passAgain({ forgetsConnections: true });
  await forgotten.write(FRAME);
  using fresh = await connect(network);
  await roundTripMs(fresh);
  assertEquals(echo.received, 2 * FRAME.length);
});

Deno.test("FaultyNetwork resets connections", async () => {
  await using echo = new Echo();
  await using network = new FaultyNetwork(echo.address);
  using connection = await connect(network);
  await roundTripMs(connection);
  network.reset();
  await assertRejects(() => receive(connection, 1), Deno.errors.ConnectionReset);
});

Deno.test("FaultyNetwork tells late that the broker has closed a connection", async () => {
  await using echo = new Echo();
  await using network = new FaultyNetwork(echo.address);
  using connection = await connect(network);
  await roundTripMs(connection);
  network.become({ closeDelayMs: 100 });
  const beganAt = performance.now();
  network.closeAtBroker();
  assertEquals(await connection.read(new Uint8Array(1)), null);
  assert(performance.now() - beganAt >= 99);
});
