import { assertEquals, assertRejects } from "@std/assert";
import { HandlerError } from "../../../../src/core/handler.ts";
import { certifiedKey } from "../../../support/certificates.ts";
import { startEndpoint } from "../../../support/endpoint.ts";
import { anEvent } from "../../../support/events.ts";
import { openHandler } from "../../../support/http_handler.ts";
import { startRawEndpoint } from "../../../support/raw_endpoint.ts";

const NEVER = new AbortController().signal;

Deno.test("HttpHandler sends nothing to an endpoint whose certificate is of an authority it does not know", async () => {
  await using endpoint = startEndpoint(undefined, { tls: certifiedKey() });
  await using handler = openHandler(endpoint.url);

  await assertRejects(
    () => handler.handle(anEvent(), NEVER),
    HandlerError,
    ": certificate not accepted: its authority is not known",
  );

  assertEquals(endpoint.calls.length, 0);
});

Deno.test("HttpHandler says so, when an endpoint for https:// speaks no TLS", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.write("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  await using handler = openHandler(`https://${endpoint.host}/`);

  await assertRejects(
    () => handler.handle(anEvent(), NEVER),
    HandlerError,
    ": no TLS: the port may be one for http://",
  );
});
