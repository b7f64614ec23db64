import { assert, assertEquals } from "@std/assert";
import { loadConfig } from "../../src/config/mod.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { CertificateAuthority } from "../support/tls/certificate_authority.ts";
import { externalValues, ORIGINAL_SAMPLE, problemsOf } from "./loading.ts";

const SNIPPETS = [
  "",
  "\n",
  "  ",
  ": ",
  "- ",
  "{",
  "]",
  "&a ",
  "*a",
  "<<: ",
  "!!str ",
  "'",
  '"',
  "#",
  "|\n",
  "null",
  "[]",
  "-1",
  "1e999",
  ".nan",
  "${env:A}",
  "${file:/x}",
  "${",
  "\u0000",
  "\u202e",
  "\ud800",
  "__proto__: 1",
  "constructor",
];

const ROUNDS = 10_000;
const MAX_MS = 1000;
const SECRET = "canary-7f3a";

const AUTHORITY = new CertificateAuthority();
const CLIENT = AUTHORITY.clientCertificate();
const KEY_PART = CLIENT.key.slice(60, 76);
const SURROUNDINGS = {
  files: { "/ca.pem": AUTHORITY.cert, "/cert.pem": CLIENT.cert, "/key.pem": CLIENT.key },
};

/** With every section that there is, and secrets in each place for one. */
const FULL = `
admin: { address: "127.0.0.1:9464", readyAfter: 30s }
logFormat: json
pipelines:
  - name: orders
    ordering: key
    concurrency: 64
    eventListener:
      type: kafka
      topic: ORDERS
      consumerConfig:
        bootstrap.servers: localhost:9093
        group.id: orders
        security.protocol: sasl_ssl
        sasl.mechanism: PLAIN
        sasl.username: user
        sasl.password: ${SECRET}
    eventHandler:
      type: http
      url: https://localhost:8080/orders
      tls: { ca: "\${file:/ca.pem}", cert: "\${file:/cert.pem}", key: "\${file:/key.pem}" }
      headers: { Authorization: "Bearer ${SECRET}" }
      retry: { maxAttempts: 3, initialDelay: 1s, multiplier: 1.5, on: [429, noResponse] }
      onTombstone: skip
    eventResultProcessor:
      - { type: stdout, when: [onSuccess] }
    deadLetter:
      type: kafka
      topic: ORDERS_DLQ
      producerConfig:
        bootstrap.servers: localhost:9092
        security.protocol: sasl_ssl
        sasl.mechanism: SCRAM-SHA-256
        sasl.username: user
        sasl.password: "${SECRET}"
`;

Deno.test(`loadConfig() makes a plan or one-line problems of ${ROUNDS} mutated files, soon and without secrets`, () => {
  let seed = 1;
  function random(limit: number): number {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * limit);
  }

  for (const text of [ORIGINAL_SAMPLE, FULL]) assertEquals(problemsOf(text, SURROUNDINGS), []);
  for (let round = 0; round < ROUNDS; round++) {
    let text = round % 2 === 0 ? ORIGINAL_SAMPLE : FULL;
    for (let change = 0; change <= random(6); change++) {
      const at = random(text.length);
      const snippet = SNIPPETS[random(SNIPPETS.length)] ?? "";
      text = text.slice(0, at) + snippet + text.slice(at + random(12));
    }
    const startedAt = performance.now();
    const loaded = loadConfig([{ name: "config.yaml", text }], externalValues(SURROUNDINGS));
    assert(performance.now() - startedAt < MAX_MS, text);
    if ("config" in loaded) continue;
    assert(loaded.problems.length > 0, text);
    for (const problem of loaded.problems) {
      const line = formatProblem(problem);
      assert(!/\p{Cc}|Invalid|not valid|undefined|\[object/u.test(line), `${line}\n${text}`);
      assert(!line.includes(SECRET) && !line.includes(KEY_PART), `${line}\n${text}`);
    }
  }
});
