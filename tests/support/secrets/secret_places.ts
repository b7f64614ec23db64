import { type Canaries, type Way } from "./canaries.ts";
import { CertificateAuthority } from "../tls/certificate_authority.ts";
import { encryptedKey } from "../tls/encrypted_key.ts";
import type { Endpoint } from "../http/endpoint.ts";
import { testBroker } from "../kafka/broker.ts";

type Mapping = Readonly<Record<string, unknown>>;

/** By which canaries get into a configuration. */
export const WAYS: readonly Way[] = ["env", "file", "literal"];

/** Plants secrets in configurations. */
export interface Planter {
  plant(place: string): string;
  /** The same where only what comes from outside is a secret. */
  plantOutside(place: string): string;
  /** A client's certificate and its key, which is encrypted. */
  readonly client: { readonly cert: string; readonly key: string; readonly passphrase: string };
}

/** Sections of a handler, each with canaries in all places for secrets that it has. To be extended with every such key. */
function handlers(
  { plant, plantOutside, client }: Planter,
  { url }: Endpoint,
): Record<string, Mapping> {
  const endpoint = { type: "http", url: `${url}events`, timeout: "2s" };
  const token = {
    type: "oauth2",
    tokenEndpoint: `${url}token/${plantOutside("path of auth")}?k=${plant("query of auth")}`,
  };
  const path = `hooks/${plantOutside("path of a URL")}`;
  return {
    headers: {
      ...endpoint,
      url: `${url}${path}/\${event.key}?a=${plant("query")}&b=${plant("other query")}`,
      headers: {
        Authorization: `Bearer ${plant("Authorization")}`,
        Cookie: `session=${plant("Cookie")}`,
        "X-Anything": plant("header"),
        "X-Template": `${plant("header with a template")} \${event.key}`,
      },
    },
    basic: {
      ...endpoint,
      auth: { type: "basic", username: "user", password: plant("auth basic") },
    },
    bearer: { ...endpoint, auth: { type: "bearer", token: plant("auth bearer") } },
    apiKey: { ...endpoint, auth: { type: "apiKey", key: plant("auth apiKey") } },
    oauth2: {
      ...endpoint,
      auth: {
        ...token,
        clientId: "client",
        clientSecret: plant("clientSecret"),
        parameters: { extra: plant("parameters of auth") },
      },
    },
    refresh: {
      ...endpoint,
      auth: {
        ...token,
        grant: "refreshToken",
        clientId: "client",
        clientAuthentication: "body",
        clientSecret: plant("clientSecret in the body"),
        refreshToken: plant("refreshToken"),
      },
    },
    tls: {
      ...endpoint,
      url: endpoint.url.replace("http:", "https:"),
      tls: { cert: client.cert, key: client.key, keyPassphrase: client.passphrase },
    },
  };
}

/** Keys of Kafka's clients, the same way. */
function kafkaBlocks(
  { plant, plantOutside, client }: Planter,
  { url }: Endpoint,
): Record<string, Mapping> {
  return {
    plain: {
      "security.protocol": "sasl_plaintext",
      "sasl.mechanism": "PLAIN",
      "sasl.username": "user",
      "sasl.password": plant("sasl.password of PLAIN"),
    },
    scram: {
      "security.protocol": "sasl_ssl",
      "sasl.mechanism": "SCRAM-SHA-256",
      "sasl.username": "user",
      "sasl.password": plant("sasl.password of SCRAM"),
    },
    oauthbearer: {
      "security.protocol": "sasl_plaintext",
      "sasl.mechanism": "OAUTHBEARER",
      "sasl.oauthbearer.method": "oidc",
      "sasl.oauthbearer.token.endpoint.url": `${url}token/${plantOutside("path of OAUTHBEARER")}`,
      "sasl.oauthbearer.client.id": "client",
      "sasl.oauthbearer.client.secret": plant("sasl.oauthbearer.client.secret"),
    },
    ssl: {
      "security.protocol": "ssl",
      "ssl.certificate.pem": client.cert,
      "ssl.key.pem": client.key,
      "ssl.key.password": client.passphrase,
    },
  };
}

/** @param nextWay by which each canary gets into the configuration */
export async function planter(canaries: Canaries, nextWay: () => Way): Promise<Planter> {
  const { cert, key } = new CertificateAuthority().clientCertificate();
  const passphrase = crypto.randomUUID().replaceAll("-", "");
  canaries.know("decrypted key", key);
  return {
    plant: (place) => canaries.plant(place, nextWay()),
    plantOutside(place) {
      const way = nextWay();
      return canaries.plant(place, way === "literal" ? "env" : way);
    },
    client: {
      cert,
      key: canaries.plantText("private key", nextWay(), await encryptedKey(key, passphrase)),
      passphrase: canaries.plantText("passphrase", nextWay(), passphrase),
    },
  };
}

/** One way after the other. */
export function takingTurns(): () => Way {
  let number = 0;
  return () => WAYS[number++ % WAYS.length] ?? "env";
}

/** Where the pipelines read and write. */
export interface Topics {
  readonly topic: string;
  readonly results: string;
  readonly deadLetters: string;
}

/** When nothing is run. */
export const NO_TOPICS: Topics = { topic: "A", results: "B", deadLetters: "C" };

/** A pipeline for each section. */
export function pipelines(
  planter: Planter,
  endpoint: Endpoint,
  topics: Topics,
): readonly Mapping[] {
  const servers = { "bootstrap.servers": testBroker() };
  const store = (topic: string, block: Mapping = {}) => ({
    type: "kafka",
    topic,
    producerConfig: { ...servers, ...block },
  });
  const pipeline = (name: string, eventHandler: Mapping, block: Mapping = {}) => ({
    name,
    logLevel: "DEBUG",
    eventListener: {
      type: "kafka",
      topic: topics.topic,
      consumerConfig: {
        ...servers,
        "group.id": `${topics.topic}-${name}`,
        "auto.offset.reset": "earliest",
        ...block,
      },
    },
    eventHandler: { ...eventHandler, retry: { maxAttempts: 2, initialDelay: "10ms" } },
    eventResultProcessor: {
      ...store(topics.results, block),
      when: "onSuccess",
      headers: { "x-token": planter.plant(RESULT_HEADER) },
    },
    deadLetter: store(topics.deadLetters, block),
  });
  const plain = { type: "http", url: endpoint.url };
  return [
    ...Object.entries(handlers(planter, endpoint)).map(([name, handler]) =>
      pipeline(name, handler)
    ),
    ...Object.entries(kafkaBlocks(planter, endpoint)).map(([name, block]) =>
      pipeline(`kafka-${name}`, plain, block)
    ),
  ];
}

/** What stands there is published. */
export const RESULT_HEADER = "header of results";
