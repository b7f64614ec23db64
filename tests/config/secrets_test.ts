import { assert, assertEquals } from "@std/assert";
import { CertificateAuthority } from "../support/tls/certificate_authority.ts";
import { consumerText, pipelineText, problemsOf } from "./loading.ts";

const CANARY = "canary-5f1e";
const SURROUNDINGS = {
  variables: { CANARY },
  files: { "/canary": `${CANARY}\n`, [CANARY]: "no certificate" },
};
const REFERENCES = ["${env:CANARY}", "${file:/canary}", "a ${env:CANARY} b"];

Deno.test("problems show nothing that came from a reference", async (t) => {
  const places: [string, (value: string) => string][] = [
    ["a name", (name) => pipelineText({ name: `${name}\n` })],
    ["a level", (logLevel) => pipelineText({ logLevel })],
    ["a type", (type) => pipelineText({ eventListener: { type } })],
    ["a whole section", (eventHandler) => pipelineText({ eventHandler })],
    ["a URL", (url) => pipelineText({ eventHandler: { type: "http", url } })],
    [
      "a method",
      (method) =>
        pipelineText({ eventHandler: { type: "http", url: "http://x", method: `${method} b` } }),
    ],
    ["an outcome", (when) => pipelineText({ eventResultProcessor: { type: "stdout", when } })],
    ["a number", (value) => consumerText({ "session.timeout.ms": value })],
    ["brokers", (value) => consumerText({ "bootstrap.servers": `${value}:0` })],
    ["aliases", (value) => consumerText({ "max.partition.fetch.bytes": value })],
    [
      "the path of a file",
      (value) => consumerText({ "security.protocol": "ssl", "ssl.ca.location": `${value}?` }),
    ],
  ];
  for (const [name, text] of places) {
    for (const reference of REFERENCES) {
      await t.step(`${name}: ${reference}`, () => {
        const problems = problemsOf(text(reference), SURROUNDINGS);
        assert(problems.length > 0);
        assert(!problems.join("\n").includes(CANARY), problems.join("\n"));
      });
    }
  }
});

Deno.test("problems show nothing that stands where secrets stand", async (t) => {
  const url = "http://localhost";
  const table: [string, string, string[]][] = [
    [
      "a header's value",
      pipelineText({
        eventHandler: { type: "http", url, headers: { Authorization: `${CANARY}\n` } },
      }),
      [
        "pipeline 'orders': eventHandler.headers.Authorization: expected printable ASCII " +
        "characters on one line, found others (***)",
      ],
    ],
    [
      "a header that is a number",
      pipelineText({
        eventHandler: { type: "http", url, headers: { "x-token": 12345 } },
      }),
      [
        "pipeline 'orders': eventHandler.headers.x-token: expected text in quotes, found a number",
      ],
    ],
    [
      "a broken reference in a header",
      pipelineText({
        eventHandler: { type: "http", url, headers: { Authorization: `\${${CANARY}}` } },
      }),
      [
        "pipeline 'orders': eventHandler.headers.Authorization: unknown reference: " +
        "write ${env:NAME} or ${file:/path}, or $${ for a literal ${",
      ],
    ],
    [
      "a wrong variable in a password",
      consumerText({
        "security.protocol": "sasl_ssl",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "a",
        "sasl.password": `\${env:${CANARY}}`,
      }),
      [
        "pipeline 'orders': eventListener.consumerConfig['sasl.password']: " +
        "expected the name of an environment variable",
      ],
    ],
    [
      "a key that is no PEM text",
      consumerText({
        "security.protocol": "ssl",
        "ssl.certificate.pem": new CertificateAuthority().cert,
        "ssl.key.pem": CANARY,
      }),
      [
        "pipeline 'orders': eventListener.consumerConfig['ssl.key.pem']: expected a PEM text with " +
        "a private key: there is no '-----BEGIN PRIVATE KEY-----' in it",
      ],
    ],
    [
      "a password in a URL",
      pipelineText({
        eventHandler: { type: "http", url: `http://me:${CANARY}@localhost/` },
      }),
      [
        "pipeline 'orders': eventHandler.url: expected a URL without user name and password: " +
        "use 'auth' with 'type: basic'",
      ],
    ],
    [
      "a password in a URL of another kind",
      pipelineText({
        eventHandler: { type: "http", url: `ftp://me:${CANARY}@localhost/` },
      }),
      ["pipeline 'orders': eventHandler.url: expected an http:// or https:// URL"],
    ],
    [
      "a password before a broker",
      consumerText({
        "bootstrap.servers": `SASL_SSL://me:${CANARY}@localhost`,
      }),
      [
        "pipeline 'orders': eventListener.consumerConfig['bootstrap.servers']: expected 'host' or " +
        "'host:port', separated by commas, found 'SASL_SSL://***@localhost'",
      ],
    ],
    [
      "a secret without a space before it, in a mapping of one line",
      `- {name: a, eventListener: {type: stdin}, eventHandler: {type: http, url: "${url}", ` +
      `auth.token:${CANARY}, headers: {Authorization:${CANARY}}}}`,
      [
        "pipeline 'a': eventHandler.headers['Authorization:***']: 'Authorization:***' is not the " +
        "name of an HTTP header",
        "pipeline 'a': eventHandler: unknown key 'auth.token:***'",
      ],
    ],
    [
      "a secret without a space before it, as the only key",
      consumerText({}).replace(
        /"consumerConfig":\{.*?\}/,
        `"consumerConfig":"sasl.password:${CANARY}"`,
      ),
      ["pipeline 'orders': eventListener.consumerConfig: expected a mapping, found text"],
    ],
    [
      "a key in place of its path",
      consumerText({
        "security.protocol": "ssl",
        "ssl.certificate.pem": "-----BEGIN CERTIFICATE-----",
        "ssl.key.location": `-----BEGIN PRIVATE KEY-----\n${CANARY}`,
      }),
      [
        "pipeline 'orders': eventListener.consumerConfig['ssl.key.location']: cannot read the file " +
        "*** (NotFound)",
        "pipeline 'orders': eventListener.consumerConfig['ssl.certificate.pem']: expected a PEM " +
        "text with a certificate: there is no '-----END CERTIFICATE-----': is the text cut off?",
      ],
    ],
    ["what the YAML parser quotes", `- password: *${CANARY}`, [
      "invalid YAML at line 1, column 25: Cannot read alias: unidentified alias ***",
    ]],
    ["a tag", `- password: !${CANARY} a`, [
      "invalid YAML at line 1, column 27: Cannot resolve unknown tag ***",
    ]],
  ];
  for (const [name, text, expected] of table) {
    await t.step(name, () => assertEquals(problemsOf(text, SURROUNDINGS), expected));
  }
});
