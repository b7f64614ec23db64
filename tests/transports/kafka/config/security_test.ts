import { assertEquals } from "@std/assert";
import type {
  KafkaListenerConfig,
  KafkaSaslConfig,
  KafkaTlsConfig,
} from "../../../../src/transports/kafka/config/mod.ts";
import { kafkaListener } from "../../../../src/transports/kafka/mod.ts";
import { configOf, consumerText, problemsOf, type Surroundings } from "../../../config/loading.ts";
import { CertificateAuthority } from "../../../support/tls/certificate_authority.ts";
import { encryptedKey } from "../../../support/tls/encrypted_key.ts";

type Keys = Readonly<Record<string, unknown>>;

const AUTHORITY = new CertificateAuthority();
const CLIENT = AUTHORITY.clientCertificate();
const OTHER = AUTHORITY.clientCertificate();
const EXPIRED = AUTHORITY.clientCertificate("client", {
  validFrom: new Date("2020-01-01"),
  validTo: new Date("2020-02-01"),
});
const OUTSIDE: Surroundings = {
  files: {
    "/ca.pem": AUTHORITY.cert,
    "/client.pem": CLIENT.cert,
    "/client.key": CLIENT.key,
    "/locked.key": await encryptedKey(CLIENT.key, "passphrase"),
    "/other.key": OTHER.key,
    "/expired.pem": EXPIRED.cert,
    "/expired.key": EXPIRED.key,
  },
};
const SSL = { "security.protocol": "ssl" };
const TOKEN = {
  "security.protocol": "sasl_ssl",
  "sasl.mechanism": "OAUTHBEARER",
  "sasl.oauthbearer.method": "OIDC",
  "sasl.oauthbearer.token.endpoint.url": "https://login.example/token",
  "sasl.oauthbearer.client.id": "eventor",
  "sasl.oauthbearer.client.secret": "secret",
};
const USER = { "sasl.username": "me", "sasl.password": "secret" };

function listenerOf(keys: Keys) {
  const { pipelines: [pipeline], warnings } = configOf(consumerText(keys), OUTSIDE);
  const listener = pipeline?.eventListener as KafkaListenerConfig;
  return { listener, warnings: warnings.map(({ message }) => message) };
}

Deno.test("consumerConfig gives a client's certificate with its key, opened by the passphrase", async (t) => {
  const checked = { verifyCertificate: true, verifyHostname: true };
  const certified = { cert: CLIENT.cert, key: CLIENT.key, ...checked };
  const table: [Keys, KafkaTlsConfig][] = [
    [{}, checked],
    [{ "ssl.ca.location": "/ca.pem" }, { ca: AUTHORITY.cert, ...checked }],
    [{ "ssl.ca.pem": AUTHORITY.cert }, { ca: AUTHORITY.cert, ...checked }],
    [{ "ssl.ca.location": "probe" }, checked],
    [{ "ssl.certificate.location": "/client.pem", "ssl.key.location": "/client.key" }, certified],
    [{ "ssl.certificate.pem": CLIENT.cert, "ssl.key.pem": CLIENT.key }, certified],
    [{
      "ssl.certificate.location": "/client.pem",
      "ssl.key.location": "/locked.key",
      "ssl.key.password": "passphrase",
    }, certified],
  ];
  for (const [keys, expected] of table) {
    await t.step(Object.keys(keys).join(" "), () => {
      const { listener, warnings } = listenerOf({ ...SSL, ...keys });
      assertEquals([listener.consumerConfig.tls, warnings], [expected, []]);
    });
  }
});

Deno.test("consumerConfig tells how to ask for tokens, and what goes along with them", async (t) => {
  const token = {
    tokenEndpoint: "https://login.example/token",
    grant: "clientCredentials",
    clientId: "eventor",
    clientAuthentication: { method: "basic", clientSecret: "secret" },
    parameters: [],
  } as const;
  const mechanism = "oauthbearer";
  const table: [Keys, KafkaSaslConfig][] = [
    [{}, { mechanism, token, extensions: {} }],
    [{ "sasl.oauthbearer.scope": "kafka" }, {
      mechanism,
      token: { ...token, scope: "kafka" },
      extensions: {},
    }],
    [{ "https.ca.location": "/ca.pem" }, {
      mechanism,
      token: { ...token, caPem: AUTHORITY.cert },
      extensions: {},
    }],
    [{ "https.ca.location": "probe" }, { mechanism, token, extensions: {} }],
    [{ "sasl.oauthbearer.extensions": "logicalCluster=lkc-1, identityPoolId=a=b" }, {
      mechanism,
      token,
      extensions: { logicalCluster: "lkc-1", identityPoolId: "a=b" },
    }],
  ];
  for (const [keys, expected] of table) {
    await t.step(Object.keys(keys).join(" "), () => {
      const { listener, warnings } = listenerOf({ ...TOKEN, ...keys });
      assertEquals([listener.consumerConfig.sasl, warnings], [expected, []]);
    });
  }
});

Deno.test("a listener that needs tokens may reach the token endpoint, on whichever port", async (t) => {
  const table = [
    ["https://login.example/token", "login.example:443"],
    ["http://login.example/token?a=b", "login.example:80"],
    ["https://login.example:8443/token", "login.example:8443"],
  ] as const;
  for (const [url, host] of table) {
    await t.step(url, () => {
      const { listener } = listenerOf({ ...TOKEN, "sasl.oauthbearer.token.endpoint.url": url });
      assertEquals(kafkaListener.permissions(listener).net, ["localhost:9092", host]);
    });
  }
});

Deno.test("consumerConfig says which keys about security do not go together", async (t) => {
  const at = (key: string) => `['${key}']: `;
  const noSasl = "has no effect without SASL: set security.protocol to sasl_ssl";
  const noToken = "has no effect without OAUTHBEARER: leave it out";
  const required = "required for that sasl.mechanism";
  const table: [Keys, string[]][] = [
    [{ "security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN" }, [
      at("sasl.username") + required,
      at("sasl.password") + required,
    ]],
    [{ "security.protocol": "sasl_ssl", "sasl.mechanism": "OAUTHBEARER" }, [
      at("sasl.oauthbearer.method") + required,
      at("sasl.oauthbearer.token.endpoint.url") + required,
      at("sasl.oauthbearer.client.id") + required,
      at("sasl.oauthbearer.client.secret") + required,
    ]],
    [{ ...TOKEN, ...USER }, [
      at("sasl.username") + "has no effect with OAUTHBEARER: leave it out",
      at("sasl.password") + "has no effect with OAUTHBEARER: leave it out",
    ]],
    [{ ...TOKEN, ...USER, "sasl.mechanism": "SCRAM-SHA-256" }, [
      at("sasl.oauthbearer.method") + noToken,
      at("sasl.oauthbearer.token.endpoint.url") + noToken,
      at("sasl.oauthbearer.client.id") + noToken,
      at("sasl.oauthbearer.client.secret") + noToken,
    ]],
    [{ "sasl.mechanism": "PLAIN", "sasl.oauthbearer.scope": "a", "https.ca.location": "/ca.pem" }, [
      at("sasl.mechanism") + noSasl,
      at("sasl.oauthbearer.scope") + noSasl,
      at("https.ca.location") + noSasl,
    ]],
    [{ ...TOKEN, "sasl.oauthbearer.method": "default" }, [
      at("sasl.oauthbearer.method") +
      "an unsigned token does not authenticate anyone: set it to oidc",
    ]],
    [{ ...TOKEN, "sasl.oauthbearer.token.endpoint.url": "login.example" }, [
      at("sasl.oauthbearer.token.endpoint.url") + "expected an http:// or https:// URL",
    ]],
    ...["", "a", "a=", "1=b", "auth=b", "a=b,,c=d", "a=ü"].map((extensions): [Keys, string[]] => [
      { ...TOKEN, "sasl.oauthbearer.extensions": extensions },
      [
        at("sasl.oauthbearer.extensions") +
        "expected 'name=value', separated by commas; names are of letters, found " +
        (extensions === "" ? "empty text" : `'${extensions}'`),
      ],
    ]),
    [{ ...TOKEN, "https.ca.location": "/ca.pem", "https.ca.pem": AUTHORITY.cert }, [
      at("https.ca.pem") + "can't be combined with 'https.ca.location': leave one of them out",
    ]],
    [{ ...TOKEN, "sasl.oauthbearer.grant.type": "client_credentials" }, [
      at("sasl.oauthbearer.grant.type") +
      "eventor requests tokens only with the grant client_credentials and a secret",
    ]],
    [{
      ...SSL,
      "ssl.certificate.location": "/client.pem",
      "ssl.key.location": "/other.key",
    }, [at("ssl.key.location") + "the private key is not that of the certificate"]],
    [{
      ...SSL,
      "ssl.certificate.location": "/client.pem",
      "ssl.key.location": "/locked.key",
      "ssl.key.password": "wrong",
    }, [
      at("ssl.key.password") +
      "does not decrypt the private key: it is another one, or the key is not encrypted by AES " +
      "with SHA-256, as by 'openssl pkcs8 -topk8 -v2 aes-256-cbc'",
    ]],
    [{ ...SSL, "ssl.certificate.location": "/client.pem", "ssl.key.location": "/locked.key" }, [
      at("ssl.key.password") + "required, as the private key is encrypted",
    ]],
  ];
  for (const [keys, expected] of table) {
    await t.step(JSON.stringify(keys).slice(0, 100), () => {
      assertEquals(
        problemsOf(consumerText(keys), OUTSIDE),
        expected.map((line) => `pipeline 'orders': eventListener.consumerConfig${line}`),
      );
    });
  }
});

Deno.test("consumerConfig warns of what is shown to the network, and of certificates that are not valid", async (t) => {
  const table: [Keys, string[]][] = [
    [{ ...USER, "security.protocol": "sasl_plaintext", "sasl.mechanism": "SCRAM-SHA-512" }, [
      "security.protocol sasl_plaintext shows all events, and enough to guess a weak password by, to the network",
    ]],
    [{ ...TOKEN, "security.protocol": "sasl_plaintext" }, [
      "security.protocol sasl_plaintext shows all events, and tokens, to the network",
    ]],
    [{ ...TOKEN, "sasl.oauthbearer.token.endpoint.url": "http://login.example/token" }, [
      "sasl.oauthbearer.token.endpoint.url without https shows the client's secret to the network",
    ]],
    [{ ...SSL, "ssl.certificate.location": "/expired.pem", "ssl.key.location": "/expired.key" }, [
      "ssl.certificate.location: the certificate has expired on 2020-02-01",
    ]],
    [{ ...SSL, "ssl.ca.location": "/expired.pem" }, [
      "ssl.ca.location: the certificate has expired on 2020-02-01",
    ]],
  ];
  for (const [keys, expected] of table) {
    await t.step(expected.join(), () => {
      const { warnings } = listenerOf(keys);
      assertEquals(warnings, expected.map((warning) => `eventListener: ${warning}`));
    });
  }
});
