import { assertEquals } from "@std/assert";
import { readAdminRequest, responseBytes } from "../../src/process/admin_messages.ts";

Deno.test("readAdminRequest() reads what probes send", () => {
  const table: [head: string, url: string, method: string][] = [
    ["GET /livez HTTP/1.1\r\nHost: 127.0.0.1:9464", "http://127.0.0.1:9464/livez", "GET"],
    ["HEAD /readyz?verbose HTTP/1.1\r\nhost:localhost", "http://localhost/readyz?verbose", "HEAD"],
    ["GET /livez HTTP/1.1\r\nAccept: */*\r\nHOST: [::1]:9464 ", "http://[::1]:9464/livez", "GET"],
    ["OPTIONS / HTTP/1.0", "http://localhost/", "OPTIONS"],
    ["GET http://localhost/livez HTTP/1.1\r\nHost: localhost", "http://localhost/livez", "GET"],
  ];
  for (const [head, url, method] of table) assertEquals(readAdminRequest(head), { url, method });
});

Deno.test("readAdminRequest() says what is wrong, in words that hold nothing of the request", () => {
  const NO_REQUEST = "not an HTTP/1.1 request";
  const NO_HOST = "invalid Host header";
  const NO_TARGET = "invalid request target";
  const table: [head: string, problem: string][] = [
    ["", NO_REQUEST],
    ["\x16\x03\x01CANARY", NO_REQUEST],
    ["GET /livez", NO_REQUEST],
    ["GET /livez HTTP/2.0\r\nHost: localhost", NO_REQUEST],
    ["GET /CANARY HTTP/1.1", NO_HOST],
    ["GET /livez HTTP/1.1\r\nHost: ", NO_HOST],
    ["GET /livez HTTP/1.1\r\nHost: [", NO_HOST],
    ["GET /livez?CANARY HTTP/1.1\r\nHost: localhost:99999", NO_HOST],
    ["GET /livez HTTP/1.1\r\nHost: localhost/CANARY", NO_HOST],
    ["GET /livez HTTP/1.1\r\nHost: CANARY@localhost", NO_HOST],
    ["GET /livez HTTP/1.1\r\nHost: a b", NO_HOST],
    ["GET /livez HTTP/1.1\r\nHost: a\r\nHost: b", "more than one Host header"],
    ["GET CANARY HTTP/1.1\r\nHost: localhost", NO_TARGET],
    ["GET ftp://CANARY/ HTTP/1.1\r\nHost: localhost", NO_TARGET],
    ["GET http://[ HTTP/1.1\r\nHost: localhost", NO_TARGET],
  ];
  for (const [head, problem] of table) assertEquals(readAdminRequest(head), problem, head);
});

Deno.test("responseBytes() are a whole response, without its body when that was not asked for", async () => {
  const head = "HTTP/1.1 503 Service Unavailable\r\n" +
    "content-type: text/plain;charset=UTF-8\r\ncontent-length: 3\r\nconnection: close\r\n\r\n";
  for (const [method, expected] of [["GET", head + "no\n"], ["HEAD", head]] as const) {
    const bytes = await responseBytes(new Response("no\n", { status: 503 }), { method });
    assertEquals(new TextDecoder().decode(bytes), expected);
  }
});
