import { assertEquals } from "@std/assert";
import zlib from "node:zlib";
import type { InboundEvent, RecordHeader } from "../../../../src/core/event.ts";
import { octets } from "../../../../src/core/octets.ts";
import { parsePlaceholder, type Template } from "../../../../src/core/template.ts";
import { anEvent } from "../../../support/events.ts";
import { FakeListener } from "../../../support/fakes/listener.ts";
import { FakeResultProcessor } from "../../../support/fakes/result_processor.ts";
import { openHandler } from "../../../support/http/handler.ts";
import { type RawEndpoint, startRawEndpoint } from "../../../support/http/raw_endpoint.ts";
import { DEFAULT_FAILURE_POLICY, runParts } from "../../../support/fakes/run_parts.ts";

const GZIP = String.fromCharCode(...zlib.gzipSync(octets("ok")).subarray(0, -3));

const ANSWERS: readonly (readonly [what: string, answer: string, reason: string])[] = [
  [
    "with gzip that is cut off",
    `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${GZIP.length}\r\n\r\n${GZIP}`,
    "response not encoded as its Content-Encoding says (gzip)",
  ],
  [
    "with two lengths",
    "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
    "invalid HTTP response: it has conflicting Content-Length values",
  ],
  [
    "with a chunk of no size",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "invalid HTTP response: a chunk has an invalid size",
  ],
  [
    "whose body breaks off",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe",
    "response cut off after 2 of 5 bytes: connection closed",
  ],
];

/** Of one group, in which one waits for the other. */
const EVENTS: readonly InboundEvent[] = [0, 1, 2].map((offset) => anEvent({ key: null, offset }));

for (const [what, answer, reason] of ANSWERS) {
  Deno.test(`A pipeline publishes an answer ${what} as an error at once, and goes on behind it`, async () => {
    await using endpoint = startEndpoint(answer);
    await using handler = openHandler(`http://${endpoint.host}/`);
    const [results, errors] = [new FakeResultProcessor(), new FakeResultProcessor()];

    await runParts({
      listener: new FakeListener(...EVENTS),
      handler,
      resultProcessors: [
        { when: ["onSuccess"], processor: results },
        { when: ["onError"], processor: errors },
      ],
    });

    assertEquals(offsetsCalled(endpoint), ["0", "1", "2"]);
    assertEquals(results.stored.length, 2);
    assertEquals(
      errors.stored.map(({ headers }) => textsOf(headers, ["eventor-status", "eventor-error"])),
      [["200", reason]],
    );
  });

  Deno.test(`A pipeline makes a dead letter of an answer ${what} at once, and goes on behind it`, async () => {
    await using endpoint = startEndpoint(answer);
    await using handler = openHandler(`http://${endpoint.host}/`);
    const [results, deadLetters] = [new FakeResultProcessor(), new FakeResultProcessor()];

    await runParts({
      listener: new FakeListener(...EVENTS),
      handler,
      resultProcessors: [{ when: ["onSuccess"], processor: results }],
      deadLetters,
      policy: { ...DEFAULT_FAILURE_POLICY, onFailure: "deadLetter" },
    });

    assertEquals(offsetsCalled(endpoint), ["0", "1", "2"]);
    assertEquals(results.stored.length, 2);
    const names = ["reason", "status", "attempts", "message"]
      .map((name) => `eventor-dead-letter-${name}`);
    assertEquals(deadLetters.stored.map(({ headers }) => textsOf(headers, names)), [[
      "status",
      "200",
      "1",
      `status 200, ${reason}, and no eventResultProcessor is configured for onError`,
    ]]);
  });
}

Deno.test("A pipeline makes a dead letter of what is no HTTP, without a status", async () => {
  await using endpoint = startEndpoint("SSH-2.0-OpenSSH_9.6\r\n");
  await using handler = openHandler(`http://${endpoint.host}/`);
  const deadLetters = new FakeResultProcessor();

  await runParts({
    listener: new FakeListener(...EVENTS),
    handler,
    deadLetters,
    policy: { ...DEFAULT_FAILURE_POLICY, onFailure: "deadLetter" },
  });

  assertEquals(offsetsCalled(endpoint), ["0", "1", "2"]);
  const names = deadLetters.stored.map(({ headers }) => headers.map(([name]) => name));
  assertEquals(names.map((found) => found.includes("eventor-dead-letter-status")), [false]);
});

Deno.test("A pipeline puts headers of responses into keys and headers of results byte for byte", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    const head = "HTTP/1.1 200 OK\r\nX-Name: M\xc3\xbcller\r\nX-Old: M\xfcller\r\n";
    await connection.write(octets(`${head}Content-Length: 0\r\n\r\n`));
  });
  await using handler = openHandler(`http://${endpoint.host}/`);
  const processor = new FakeResultProcessor();
  const templates = {
    key: template("response.headers.x-name"),
    headers: [["x-old", template("response.headers.x-old")] as const],
  };

  await runParts({
    listener: new FakeListener(anEvent()),
    handler,
    resultProcessors: [{ when: ["onSuccess"], processor, templates }],
  });

  const [record] = processor.stored;
  assertEquals(record?.key, octets("M\xc3\xbcller"));
  assertEquals(record?.headers.at(-1), ["x-old", octets("M\xfcller")]);
});

/** Answers the first request by `answer`, and closes; the others by a success. */
function startEndpoint(answer: string): RawEndpoint {
  let requests = 0;
  return startRawEndpoint(async (connection) => {
    while (await connection.readRequest() !== null) {
      if (requests++ === 0) return await connection.write(octets(answer));
      await connection.respond("ok");
    }
  });
}

function offsetsCalled({ requests }: RawEndpoint): (string | undefined)[] {
  return requests.map(({ headers }) => headers.get("eventor-offset"));
}

function textsOf(headers: readonly RecordHeader[], names: readonly string[]): string[] {
  return names.map((wanted) => {
    const [, value] = headers.find(([name]) => name === wanted) ?? [];
    return new TextDecoder().decode(value ?? undefined);
  });
}

function template(placeholder: string): Template {
  const found = parsePlaceholder(placeholder);
  return { parts: found === null ? [] : [found] };
}
