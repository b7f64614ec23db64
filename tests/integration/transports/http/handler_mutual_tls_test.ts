import { assertEquals, assertMatch } from "@std/assert";
import { HandlerError } from "../../../../src/core/handler.ts";
import { checkEndpoint } from "../../../../src/transports/http/check.ts";
import { httpHandlerSchema } from "../../../../src/transports/http/config.ts";
import {
  CertificateAuthority,
  type CertifiedKey,
} from "../../../support/tls/certificate_authority.ts";
import { startEndpoint } from "../../../support/http/endpoint.ts";
import { anEvent } from "../../../support/events.ts";
import { openHandler } from "../../../support/http/handler.ts";
import { MutualTlsEndpoint } from "../../../support/http/mutual_tls_endpoint.ts";

const NEVER = new AbortController().signal;
const PAST = { validFrom: new Date("2020-01-01"), validTo: new Date("2020-02-01") };
const FUTURE = { validFrom: new Date("2090-01-01"), validTo: new Date("2091-01-01") };

const authority = new CertificateAuthority();
const stranger = new CertificateAuthority("Another authority");
const client = authority.clientCertificate();

Deno.test("HttpHandler and 'check --online' say what is wrong with the endpoint's certificate", async (t) => {
  const table: [string, CertifiedKey, string][] = [
    ["of an unknown authority", stranger.serverCertificate(), "unknown authority"],
    ["that has expired", authority.serverCertificate(["localhost"], PAST), "it has expired"],
    ["of the future", authority.serverCertificate(["localhost"], FUTURE), "it is not valid yet"],
    [
      "for another name",
      authority.serverCertificate(["other.example"]),
      "it is for another host name",
    ],
  ];
  for (const [name, certifiedKey, reason] of table) {
    await t.step(name, async () => {
      await using endpoint = startEndpoint(undefined, { tls: certifiedKey });
      const tls = { ca: authority.cert, ...client };
      const expected = new RegExp(`: certificate not accepted: ${reason}`);
      assertMatch(await failureOf(endpoint.url, tls), expected);
      assertMatch(await problemOf(endpoint.url, tls), expected);
      assertEquals(endpoint.calls, []);
    });
  }
});

Deno.test("HttpHandler and 'check --online' say what the endpoint has against the client's certificate", async (t) => {
  await using endpoint = await MutualTlsEndpoint.start(authority.serverCertificate(), {
    authority: authority.cert,
  });
  const ca = authority.cert;
  const missing = /client certificate missing or not accepted/;
  const table: [string, Record<string, unknown>, RegExp][] = [
    ["none", { ca }, missing],
    ["of another authority", { ca, ...stranger.clientCertificate() }, missing],
    ["that has expired", { ca, ...authority.clientCertificate("old", PAST) }, missing],
  ];
  for (const [name, tls, expected] of table) {
    await t.step(name, async () => {
      assertMatch(await failureOf(endpoint.url, tls), expected);
      assertMatch(await problemOf(endpoint.url, tls), expected);
    });
  }
  await t.step("nothing", async () => {
    const tls = { ca, ...client };
    await using handler = openHandler(endpoint.url, { tls });
    const { when } = await handler.handle(anEvent(), NEVER);
    assertEquals(when, "onSuccess");
    assertEquals(await problemOf(endpoint.url, tls), "");
    assertEquals(endpoint.clients, ["client"]);
  });
});

/** Why a call fails; it must not have been taken for sent. */
async function failureOf(url: string, tls: Record<string, unknown>): Promise<string> {
  await using handler = openHandler(url, { tls });
  const error = await handler.handle(anEvent(), NEVER).catch((error: unknown) => error);
  return error instanceof HandlerError && !error.wasSent ? error.message : `other: ${error}`;
}

async function problemOf(url: string, tls: Record<string, unknown>): Promise<string> {
  const problems = await checkEndpoint(httpHandlerSchema.parse({ type: "http", url, tls }));
  return problems.join("\n");
}
