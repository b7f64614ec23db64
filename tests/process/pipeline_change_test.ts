import { assertEquals } from "@std/assert";
import { pipelineSchema } from "../../src/config/schema.ts";
import { type PipelineChange, pipelineChange } from "../../src/process/pipeline_change.ts";
import { CertificateAuthority } from "../support/tls/certificate_authority.ts";

const AUTHORITY = new CertificateAuthority();
const CLIENT = AUTHORITY.clientCertificate();
const TLS = { ca: AUTHORITY.cert, ...CLIENT };
const BEARER = { type: "bearer", token: "one" };
const OAUTH2 = {
  type: "oauth2",
  tokenEndpoint: "https://a.example/token",
  clientId: "me",
  clientSecret: "one",
};

Deno.test("pipelineChange() tells what it takes to go over to another configuration", async (t) => {
  const table: [string, Record<string, unknown>, Record<string, unknown>, PipelineChange][] = [
    ["nothing", { tls: TLS }, { tls: TLS }, "none"],
    ["a certificate", { tls: TLS }, { tls: { ca: AUTHORITY.cert } }, "restart"],
    ["a token", { auth: BEARER }, { auth: { ...BEARER, token: "two" } }, "update"],
    ["a client secret", { auth: OAUTH2 }, { auth: { ...OAUTH2, clientSecret: "two" } }, "update"],
    ["a token and a certificate", { auth: BEARER, tls: TLS }, {
      auth: { ...BEARER, token: "two" },
      tls: { ca: AUTHORITY.cert },
    }, "restart"],
    ["a header", {}, { headers: { a: "b" } }, "restart"],
    ["a URL", { tls: TLS }, { tls: TLS, url: "https://other.example/" }, "restart"],
    ["the host of a token endpoint", { auth: OAUTH2 }, {
      auth: { ...OAUTH2, tokenEndpoint: "https://b.example/token" },
    }, "restart"],
    ["another kind of auth", { auth: OAUTH2 }, { auth: BEARER }, "restart"],
  ];
  for (const [name, from, to, expected] of table) {
    await t.step(name, () => assertEquals(pipelineChange(kafka(from), kafka(to)), expected));
  }
});

Deno.test("pipelineChange() knows that standard input cannot be read twice", () => {
  const [from, to] = ["a", "b"].map((value) => stdin({ headers: { "x-a": value } }));
  assertEquals(pipelineChange(from!, to!), "impossible");
  assertEquals(pipelineChange(stdin({ tls: TLS }), stdin({ tls: {} })), "impossible");
  const token = (token: string) => stdin({ auth: { ...BEARER, token } });
  assertEquals(pipelineChange(token("one"), token("two")), "update");
});

Deno.test("pipelineChange() knows that a pipeline keeps its name", () => {
  assertEquals(pipelineChange(kafka({}), { ...kafka({}), name: "other" }), "impossible");
});

function kafka(handler: Record<string, unknown>) {
  return pipelineOf(handler, {
    type: "kafka",
    topic: "ORDERS",
    consumerConfig: { "bootstrap.servers": "localhost", "group.id": "orders" },
  });
}

function stdin(handler: Record<string, unknown>) {
  return pipelineOf(handler, { type: "stdin" });
}

function pipelineOf(handler: Record<string, unknown>, eventListener: unknown) {
  return pipelineSchema.parse({
    name: "orders",
    eventListener,
    eventHandler: { type: "http", url: "https://localhost/", ...handler },
  });
}
