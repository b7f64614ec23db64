import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  type Admin,
  type ConfigResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from "kafkajs";
import { patchKafkajs } from "../../../../src/transports/kafka/kafkajs/mod.ts";
import { type Broker, createTopics, startBroker } from "../../../../tools/kafka/mod.ts";
import { freePort } from "../../../../tools/kafka/ports.ts";
import {
  CertificateAuthority,
  type CertifiedKey,
  TemporaryFiles,
} from "../../tls/certificate_authority.ts";
import { type ScramCredential, setScramPassword } from "./scram_credentials.ts";

/** A user of PLAIN, whom the broker knows from its start on. */
export const PLAIN_USER = { username: "anna", password: "plain-secret-of-anna" };

/** Which tokens the broker takes. */
export interface TokenRules {
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
}

/** What a user must not read. */
export type Forbidden = { readonly topic: string } | { readonly group: string };

type Ports = Readonly<Record<SecuredListener, number>>;

/** How to start a broker that looks who comes. */
export interface SecuredBrokerOptions {
  readonly tokens?: TokenRules;
  /** After how long at most a client has to show anew who it is. */
  readonly maxReauthMs?: number;
}

const JAVA_OPTIONS = ["-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/** What lets everybody in, for what tests do besides; and what the broker itself uses. */
const OPEN = { PLAINTEXT: "PLAINTEXT", CONTROLLER: "PLAINTEXT" };

/** By the name of each listener what it speaks. */
const PROTOCOLS = {
  /** Wants a certificate of the client. */
  SSL: "SSL",
  SASL_SSL: "SASL_SSL",
  SASL_PLAINTEXT: "SASL_PLAINTEXT",
  /** TLS with a certificate that has expired. */
  EXPIRED: "SSL",
  /** TLS with a certificate for another name. */
  RENAMED: "SSL",
  /** TLS with a certificate that is its own authority. */
  SELFSIGNED: "SSL",
} as const;

/** A listener that looks who comes, or that should be looked at. */
export type SecuredListener = keyof typeof PROTOCOLS;

const BROKER: ConfigResourceTypes.BROKER = 4;

/**
 * A broker with a listener for each `security.protocol`; those of SASL know PLAIN, SCRAM and, with `tokens`,
 * OAUTHBEARER. Its certificates name `localhost`, and whoever comes to the topics of `forbid()` is refused there.
 */
export class SecuredBroker implements AsyncDisposable {
  readonly authority: CertificateAuthority;
  /** The certificate of the listener `SELFSIGNED`. */
  readonly selfSigned: string;
  /** `host:port` of a listener that lets everybody in, for what tests need besides. */
  readonly bootstrapServer: string;
  readonly #broker: Broker;
  readonly #files: TemporaryFiles;
  readonly #ports: Ports;

  private constructor(
    broker: Broker,
    { authority, selfSigned, files, ports }: {
      authority: CertificateAuthority;
      selfSigned: string;
      files: TemporaryFiles;
      ports: Ports;
    },
  ) {
    this.#broker = broker;
    this.authority = authority;
    this.selfSigned = selfSigned;
    this.bootstrapServer = broker.bootstrapServer;
    this.#files = files;
    this.#ports = ports;
  }

  static async start(options: SecuredBrokerOptions = {}): Promise<SecuredBroker> {
    const authority = new CertificateAuthority("Authority of the brokers");
    const files = new TemporaryFiles();
    const names = Object.keys(PROTOCOLS) as SecuredListener[];
    const [port = 0, controllerPort, ...others] = freePorts(names.length + 2);
    const ports = Object.fromEntries(names.map((name, at) => [name, others[at]])) as Ports;
    const secured = names.map((name) => `${name}://localhost:${ports[name]}`);
    const { tokens } = options;
    const keyStore = (name: string, certificate: CertifiedKey) =>
      files.write(`${name}.pem`, keyStoreText(certificate));
    const longAgo = { validFrom: new Date("2020-01-01"), validTo: new Date("2020-02-01") };
    const expired = authority.serverCertificate(["localhost"], longAgo);
    const renamed = authority.serverCertificate(["elsewhere.example"]);
    const { certifiedKey: selfSigned } = new CertificateAuthority("localhost", {
      names: ["localhost", "127.0.0.1"],
    });
    const advertised = [`PLAINTEXT://127.0.0.1:${port}`, ...secured].join(",");
    const broker = await startBroker({
      port,
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
        "listener.security.protocol.map": Object.entries({ ...OPEN, ...PROTOCOLS })
          .map((entry) => entry.join(":")).join(","),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": keyStore("broker", authority.serverCertificate()),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": files.write("authority.pem", authority.cert),
        "listener.name.ssl.ssl.client.auth": "required",
        "listener.name.expired.ssl.keystore.location": keyStore("expired", expired),
        "listener.name.renamed.ssl.keystore.location": keyStore("renamed", renamed),
        "listener.name.selfsigned.ssl.keystore.location": keyStore("self-signed", selfSigned),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "true",
        "super.users": "User:ANONYMOUS",
        ...saslProperties(options),
      },
    }).catch((error) => {
      files[Symbol.dispose]();
      throw error;
    });
    return new SecuredBroker(broker, { authority, selfSigned: selfSigned.cert, files, ports });
  }

  /** `host:port` of a listener. */
  address(listener: SecuredListener): string {
    return `localhost:${this.#ports[listener]}`;
  }

  /** Has the listener `EXPIRED` show a certificate that is valid, from now on. */
  async renewCertificate(): Promise<void> {
    const text = keyStoreText(this.authority.serverCertificate());
    const location = this.#files.write("renewed.pem", text);
    const name = "listener.name.expired.ssl.keystore.location";
    const configEntries = [{ name, value: location }];
    await this.#administer((admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: BROKER, name: "1", configEntries }],
      })
    );
  }

  /** Forbids a user to read a topic, or as a group. */
  async forbid(user: string, what: Forbidden): Promise<void> {
    await this.#administer((admin) => admin.createAcls({ acl: [forbidding(user, what)] }));
  }

  /** Takes that back. */
  async allow(user: string, what: Forbidden): Promise<void> {
    await this.#administer((admin) => admin.deleteAcls({ filters: [forbidding(user, what)] }));
  }

  async #administer<T>(action: (admin: Admin) => Promise<T>): Promise<T> {
    // As it comes, kafkajs leaves timers behind.
    patchKafkajs();
    const brokers = [this.bootstrapServer];
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      return await action(admin);
    } finally {
      await admin.disconnect();
    }
  }

  async setScramPassword(credential: ScramCredential): Promise<void> {
    await setScramPassword(this.bootstrapServer, credential);
  }

  async createTopics(...topics: string[]): Promise<void> {
    await createTopics(this.bootstrapServer, topics.map((topic) => ({ topic })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker.stop();
    this.#files[Symbol.dispose]();
  }
}

function forbidding(principal: string, what: Forbidden) {
  const [resourceType, resourceName] = "topic" in what
    ? [AclResourceTypes.TOPIC, what.topic]
    : [AclResourceTypes.GROUP, what.group];
  return {
    resourceType,
    resourceName,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: `User:${principal}`,
    host: "*",
    operation: AclOperationTypes.READ,
    permissionType: AclPermissionTypes.DENY,
  };
}

function keyStoreText({ cert, key }: CertifiedKey): string {
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
  }
  if (tokens === undefined) return properties;
  return {
    ...properties,
    // That which Kafka 4.1.0 takes otherwise looks at no signature, audience or issuer.
    "sasl.oauthbearer.jwt.validator.class":
      "org.apache.kafka.common.security.oauthbearer.BrokerJwtValidator",
    "sasl.oauthbearer.jwks.endpoint.url": tokens.jwksUrl,
    "sasl.oauthbearer.expected.issuer": tokens.issuer,
    "sasl.oauthbearer.expected.audience": tokens.audience,
  };
}

function freePorts(count: number): number[] {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(freePort());
  return [...ports];
}
