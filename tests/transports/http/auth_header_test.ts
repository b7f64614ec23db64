import { assertEquals } from "@std/assert";
import type { AuthConfig } from "../../../src/transports/http/config_auth.ts";
import { RequestWriter } from "../../../src/transports/http/request_writer.ts";
import { httpHandlerSchema } from "../../../src/transports/http/config.ts";
import { RequestHeaders } from "../../../src/transports/http/request_headers.ts";
import { anEvent } from "../../support/events.ts";

const OAUTH2 = {
  type: "oauth2",
  tokenEndpoint: "https://id.example.com/token",
  clientId: "a",
  clientSecret: "b",
};

Deno.test("requests have the header by which the endpoint knows who calls", async (t) => {
  const table: [AuthConfig, readonly [string, string]][] = [
    // The example of RFC 7617, 2.1: a pound sign in UTF-8.
    [{ type: "basic", username: "test", password: "123£" }, [
      "authorization",
      "Basic dGVzdDoxMjPCow==",
    ]],
    [{ type: "bearer", token: "mF_9.B5f-4.1JqM" }, ["authorization", "Bearer mF_9.B5f-4.1JqM"]],
    [{ type: "apiKey", header: "X-API-Key", key: "a b" }, ["X-API-Key", "a b"]],
  ];
  for (const [auth, expected] of table) {
    await t.step(auth.type, () => {
      const { common } = new RequestHeaders({ headers: [], forwardHeaders: [], auth }, "orders");
      assertEquals(common.filter(([name]) => /^(authorization|x-api-key)$/i.test(name)), [
        expected,
      ]);
    });
  }
});

Deno.test("requests have one header of the name that shows who calls, whatever that is", () => {
  const auth = { type: "apiKey", header: "User-Agent", key: "me" } as const;
  const { common } = new RequestHeaders({ headers: [], forwardHeaders: [], auth }, "orders");
  assertEquals(common.filter(([name]) => /^user-agent$/i.test(name)), [["User-Agent", "me"]]);
});

Deno.test("RequestWriter writes the token of a request, and none where there is none", () => {
  const config = httpHandlerSchema.parse({ type: "http", url: "http://a/b", auth: OAUTH2 });
  const writer = new RequestWriter(config, "orders");
  const lines = (authorization?: string) =>
    new TextDecoder().decode(writer.write(anEvent(), { target: "/b", attempt: 1, authorization }))
      .split("\r\n").filter((line) => /^authorization:/i.test(line));
  assertEquals(lines("Bearer t1"), ["authorization: Bearer t1"]);
  assertEquals(lines("Bearer t2"), ["authorization: Bearer t2"]);
  assertEquals(lines(), []);
});
