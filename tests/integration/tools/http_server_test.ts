import { assertEquals } from "@std/assert";
import { startHttpServer } from "../../../tools/http_server.ts";

Deno.test("the sample endpoint prints a request and sends its body back", async () => {
  const written: string[] = [];
  await using server = startHttpServer({ port: 0, write: (text) => written.push(text) });

  const response = await fetch(`${server.url}/some/path`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-event": "1" },
    body: '{"name":"Zoë"}',
  });

  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type"), "application/json");
  assertEquals(await response.text(), '{"name":"Zoë"}');
  const lines = written.join("").split("\n");
  assertEquals(lines[0], "---------------------- request ----------------------");
  assertEquals(lines.filter((line) => line.startsWith("x-")), ["x-event: 1"]);
  assertEquals(lines.slice(-3), ["", '{"name":"Zoë"}', ""]);
});

Deno.test("the sample endpoint sends binary data back byte for byte", async () => {
  await using server = startHttpServer({ port: 0, write: () => {} });
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);

  const response = await fetch(server.url, { method: "POST", body: bytes });

  assertEquals(await response.bytes(), bytes);
  assertEquals(response.headers.get("content-type"), null);
});
