import { type Broker, createTopics, startBroker } from "../../tools/kafka/mod.ts";
import { freePort } from "../../tools/kafka/ports.ts";
import {
  CertificateAuthority,
  type CertifiedKey,
  TemporaryFiles,
} from "./certificate_authority.ts";
import { type ScramCredential, setScramPassword } from "./scram_credentials.ts";

/** A user of PLAIN, whom the broker knows from its start on. */
export const PLAIN_USER = { username: "anna", password: "plain-secret-of-anna" };

/** Which tokens the broker takes. */
export interface TokenRules {
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
}

/** How to start a broker that looks who comes. */
export interface SecuredBrokerOptions {
  readonly tokens?: TokenRules;
  /** After how long at most a client has to show anew who it is. */
  readonly maxReauthMs?: number;
  readonly certificate?: CertifiedKey;
  readonly properties?: Readonly<Record<string, string>>;
}

const JAVA_OPTIONS = ["-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

const LISTENERS = ["SSL", "SASL_SSL", "SASL_PLAINTEXT"] as const;

/**
 * A broker with a listener for each `security.protocol`. That of TLS wants a certificate of the client; those of SASL
 * know PLAIN, SCRAM and, with `tokens`, OAUTHBEARER. Its certificates name `localhost`.
 */
export class SecuredBroker implements AsyncDisposable {
  readonly authority: CertificateAuthority;
  /** `host:port` of a listener that lets everybody in, for what tests need besides. */
  readonly bootstrapServer: string;
  readonly #broker: Broker;
  readonly #files: TemporaryFiles;
  readonly #ports: Readonly<Record<(typeof LISTENERS)[number], number>>;

  private constructor(
    broker: Broker,
    { authority, files, ports }: {
      authority: CertificateAuthority;
      files: TemporaryFiles;
      ports: Readonly<Record<(typeof LISTENERS)[number], number>>;
    },
  ) {
    this.#broker = broker;
    this.authority = authority;
    this.bootstrapServer = broker.bootstrapServer;
    this.#files = files;
    this.#ports = ports;
  }

  static async start(options: SecuredBrokerOptions = {}): Promise<SecuredBroker> {
    const authority = new CertificateAuthority("Authority of the brokers");
    const files = new TemporaryFiles();
    const [port, controllerPort, ssl, saslSsl, saslPlaintext] = freePorts(5);
    const ports = { SSL: ssl!, SASL_SSL: saslSsl!, SASL_PLAINTEXT: saslPlaintext! };
    const secured = Object.entries(ports).map(([name, port]) => `${name}://localhost:${port}`);
    const { tokens, certificate = authority.serverCertificate() } = options;
    const advertised = [`PLAINTEXT://127.0.0.1:${port}`, ...secured].join(",");
    const broker = await startBroker({
      port: port!,
      requireJvm: true,
      javaOptions: [
        ...JAVA_OPTIONS,
        ...(tokens === undefined
          ? []
          : [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${tokens.jwksUrl}`]),
      ],
      properties: {
        listeners: `${
          advertised.replaceAll("localhost", "127.0.0.1")
        },CONTROLLER://127.0.0.1:${controllerPort}`,
        "advertised.listeners": advertised,
        "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
        "listener.security.protocol.map":
          "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": files.write("broker.pem", keyStore(certificate)),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": files.write("authority.pem", authority.cert),
        "listener.name.ssl.ssl.client.auth": "required",
        ...saslProperties(options),
        ...options.properties,
      },
    }).catch((error) => {
      files[Symbol.dispose]();
      throw error;
    });
    return new SecuredBroker(broker, { authority, files, ports });
  }

  /** `host:port` of a listener. */
  address(listener: (typeof LISTENERS)[number]): string {
    return `localhost:${this.#ports[listener]}`;
  }

  /** Has the broker show another certificate from the next connection on. */
  async showCertificate(certificate: CertifiedKey): Promise<void> {
    this.#files.write("broker.pem", keyStore(certificate));
    await this.#broker.restart();
  }

  async setScramPassword(credential: ScramCredential): Promise<void> {
    await setScramPassword(this.bootstrapServer, credential);
  }

  async createTopics(...topics: string[]): Promise<void> {
    await createTopics(this.bootstrapServer, topics.map((topic) => ({ topic })));
  }

  get logFile(): string | undefined {
    return this.#broker.logFile;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker.stop();
    this.#files[Symbol.dispose]();
  }
}

function keyStore({ cert, key }: CertifiedKey): string {
  return `${key}${cert}`;
}

function saslProperties({ tokens, maxReauthMs }: SecuredBrokerOptions): Record<string, string> {
  const { username, password } = PLAIN_USER;
  const module = (name: string, options = "") =>
    `org.apache.kafka.common.security.${name} required ${options};`;
  const mechanisms = {
    "plain": module("plain.PlainLoginModule", `user_${username}="${password}"`),
    "scram-sha-256": module("scram.ScramLoginModule"),
    "scram-sha-512": module("scram.ScramLoginModule"),
    ...(tokens === undefined
      ? {}
      : { "oauthbearer": module("oauthbearer.OAuthBearerLoginModule") }),
  };
  const properties: Record<string, string> = {
    "sasl.enabled.mechanisms": Object.keys(mechanisms).map((name) => name.toUpperCase()).join(","),
    "sasl.mechanism.inter.broker.protocol": "PLAIN",
  };
  for (const listener of ["sasl_ssl", "sasl_plaintext"]) {
    const prefix = `listener.name.${listener}`;
    for (const [mechanism, module] of Object.entries(mechanisms)) {
      properties[`${prefix}.${mechanism}.sasl.jaas.config`] = module;
      if (maxReauthMs !== undefined) {
        properties[`${prefix}.${mechanism}.connections.max.reauth.ms`] = `${maxReauthMs}`;
      }
    }
    if (tokens === undefined) continue;
    properties[`${prefix}.oauthbearer.sasl.server.callback.handler.class`] =
      "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler";
    properties[`${prefix}.oauthbearer.sasl.oauthbearer.jwks.endpoint.url`] = tokens.jwksUrl;
    properties[`${prefix}.oauthbearer.sasl.oauthbearer.expected.issuer`] = tokens.issuer;
    properties[`${prefix}.oauthbearer.sasl.oauthbearer.expected.audience`] = tokens.audience;
  }
  return properties;
}

function freePorts(count: number): number[] {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(freePort());
  return [...ports];
}
