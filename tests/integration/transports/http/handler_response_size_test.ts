import { assert, assertEquals } from "@std/assert";
import type { Result } from "../../../../src/core/handler.ts";
import { startEndpoint } from "../../../support/http/endpoint.ts";
import { anEvent, bytes } from "../../../support/events.ts";
import { runTool } from "../../../support/executable/eventor_process.ts";
import { eventually } from "../../../support/eventually.ts";
import { openHandler } from "../../../support/http/handler.ts";
import {
  type RawConnection,
  startRawEndpoint,
  textOf,
} from "../../../support/http/raw_endpoint.ts";

const NEVER = new AbortController().signal;
const MAX_BYTES = 10_000;
const TOO_LARGE = "status 200, response larger than maxResponseBytes (921600 bytes)";

/** How an endpoint may send as many bytes. */
const WAYS: readonly {
  readonly way: string;
  readonly send: (connection: RawConnection, length: number) => Promise<void>;
}[] = [
  {
    way: "with its length",
    send: (connection, length) => connection.respond("x".repeat(length)),
  },
  {
    way: "in one chunk",
    send: async (connection, length) => {
      await connection.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      await connection.write(`${length.toString(16)}\r\n${"x".repeat(length)}\r\n0\r\n\r\n`);
    },
  },
  {
    way: "in many chunks",
    send: async (connection, length) => {
      await connection.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      for (let sent = 0; sent < length; sent += 100) {
        const size = Math.min(100, length - sent);
        await connection.write(`${size.toString(16)}\r\n${"x".repeat(size)}\r\n`);
      }
      await connection.write("0\r\n\r\n");
    },
  },
  {
    way: "in chunks that make its length void",
    send: async (connection, length) => {
      await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n");
      await connection.write("transfer-encoding: chunked\r\n\r\n");
      await connection.write(`${length.toString(16)}\r\n${"x".repeat(length)}\r\n0\r\n\r\n`);
    },
  },
  {
    way: "compressed",
    send: async (connection, length) => {
      const body = await gzip([new Uint8Array(length).fill(120)]);
      await connection.write("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n");
      await connection.write(`content-length: ${body.length}\r\n\r\n`);
      await connection.write(body);
    },
  },
  {
    way: "until the connection is closed",
    send: async (connection, length) => {
      await connection.write(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(length)}`);
    },
  },
];

for (const { way, send } of WAYS) {
  Deno.test(`HttpHandler takes a response of maxResponseBytes that comes ${way}`, async () => {
    const { when, value } = await resultOf((connection) => send(connection, MAX_BYTES));
    assertEquals(when, "onSuccess");
    assertEquals(textOf(value), "x".repeat(MAX_BYTES));
  });

  Deno.test(`HttpHandler makes an error of a response of one byte more that comes ${way}`, async () => {
    const result = await resultOf((connection) => send(connection, MAX_BYTES + 1));
    assertIsTooLarge(result, 200);
  });
}

Deno.test("HttpHandler reads nothing of a response that is announced to be too large", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    await connection.write("HTTP/1.1 500 No\r\ncontent-length: 999999999999\r\n\r\n");
    await connection.closed();
  });
  await using handler = openHandler(`http://${endpoint.host}/`, { maxResponseBytes: MAX_BYTES });

  assertIsTooLarge(await handler.handle(anEvent(), NEVER), 500);

  await eventually(() => endpoint.openConnections === 0, { what: "the connection to be closed" });
});

Deno.test("HttpHandler stops reading a response that never ends", async () => {
  const chunk = `ffff\r\n${"x".repeat(0xffff)}\r\n`;
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    await connection.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    for (;;) await connection.write(chunk);
  });
  await using handler = openHandler(`http://${endpoint.host}/`, { maxResponseBytes: MAX_BYTES });

  assertIsTooLarge(await handler.handle(anEvent(), NEVER), 200);

  await eventually(() => endpoint.openConnections === 0, { what: "the connection to be closed" });
});

Deno.test("HttpHandler takes little memory for a response that is small until it is decoded", async () => {
  const MIB = 1024 * 1024;
  const bomb = await gzip(Array.from({ length: 200 }, () => new Uint8Array(MIB)));
  assert(bomb.length < MIB);
  await using endpoint = startEndpoint(() =>
    new Response(bomb, { headers: { "content-encoding": "gzip" } })
  );
  const calling = new URL("../../../support/http/calling_process.ts", import.meta.url).pathname;

  const { code, stdout, stderr } = await runTool(calling, {
    args: [endpoint.url],
    deadlineMs: 60_000,
  });

  assertEquals(code, 0, stderr);
  const lines = stdout.trimEnd().split("\n");
  const grownMib = Number(lines.pop());
  assertEquals(new Set(lines), new Set([TOO_LARGE]));
  assert(grownMib < 64, `${grownMib} MiB more`);
});

Deno.test("HttpHandler works again, after a response that was too large", async () => {
  await using endpoint = startEndpoint((_, number) =>
    new Response(number === 0 ? "too large" : "small")
  );
  await using handler = openHandler(endpoint.url, { maxResponseBytes: 5 });

  assertEquals((await handler.handle(anEvent(), NEVER)).when, "onError");
  const { when, value } = await handler.handle(anEvent(), NEVER);

  assertEquals(when, "onSuccess");
  assertEquals(textOf(value), "small");
});

Deno.test("HttpHandler does not mind a length of a body that does not come", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n");
  });
  await using handler = openHandler(`http://${endpoint.host}/`, { method: "HEAD" });
  const { when, value } = await handler.handle(anEvent(), NEVER);
  assertEquals({ when, value }, { when: "onSuccess", value: new Uint8Array() });
});

/** What becomes of the response that `respond` sends. */
async function resultOf(
  respond: (connection: RawConnection) => Promise<void>,
): Promise<Result> {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    await respond(connection);
  });
  await using handler = openHandler(`http://${endpoint.host}/`, { maxResponseBytes: MAX_BYTES });
  return await handler.handle(anEvent(), NEVER);
}

function assertIsTooLarge(result: Result, status: number): void {
  const reason = "response larger than maxResponseBytes (10000 bytes)";
  // What templates may ask for is not published.
  const { response: _, ...published } = result;
  assertEquals(published, {
    when: "onError",
    error: {
      status: `${status}`,
      isTransient: false,
      suggestsOutage: status >= 500,
      isAboutServer: status >= 500,
    },
    summary: `status ${status}, ${reason}`,
    value: new Uint8Array(),
    headers: [["eventor-status", bytes(`${status}`)], ["eventor-error", bytes(reason)]],
  });
}

async function gzip(parts: Uint8Array<ArrayBuffer>[]): Promise<Uint8Array<ArrayBuffer>> {
  const encoded = new Blob(parts).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(encoded).arrayBuffer());
}
