import type { Block, BlockProblem } from "./block.ts";
import type { CONNECTION_KEYS } from "./keys/connection.ts";
import type { SECURITY_KEYS } from "./keys/security.ts";

/** What every Kafka client is told. */
export interface KafkaClientConfig {
  /** `host:port`, in lower case. */
  readonly bootstrapServers: readonly string[];
  readonly clientId: string;
  readonly tls: KafkaTlsConfig | null;
  readonly sasl: KafkaSaslConfig | null;
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly metadataMaxAgeMs: number;
  readonly reconnectBackoffMs: number;
  readonly reconnectBackoffMaxMs: number;
  readonly maxInFlightRequests: number;
  readonly allowAutoTopicCreation: boolean;
}

/** Certificates and keys as PEM texts; without `ca` the platform's certificates count. */
export interface KafkaTlsConfig {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  readonly verifyCertificate: boolean;
  readonly verifyHostname: boolean;
}

/** How the client says who it is. */
export interface KafkaSaslConfig {
  readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  readonly username: string;
  readonly password: string;
}

type ClientKeys = typeof CONNECTION_KEYS & typeof SECURITY_KEYS;
type ClientBlock = Block<ClientKeys>;
type Field = keyof ClientKeys;

const TLS_FIELDS: readonly Field[] = [
  "caPem",
  "caFile",
  "certificatePem",
  "certificateFile",
  "keyPem",
  "keyFile",
  "keyPassphrase",
  "verifyCertificate",
  "verifyHostname",
];
const SASL_FIELDS: readonly Field[] = ["mechanism", "username", "password"];
const EXCLUSIVE_FIELDS: readonly (readonly [Field, Field])[] = [
  ["caPem", "caFile"],
  ["certificatePem", "certificateFile"],
  ["keyPem", "keyFile"],
];

/** The client's part of a block without problems. */
export function clientConfig({ values }: ClientBlock): KafkaClientConfig {
  const reconnectBackoffMs = values.reconnectBackoffMs ?? values.retryBackoffMs ?? 500;
  const longest = values.reconnectBackoffMaxMs ?? values.retryBackoffMaxMs ?? 30_000;
  return {
    bootstrapServers: values.bootstrapServers ?? [],
    clientId: values.clientId,
    tls: values.protocol.tls ? tlsConfig(values) : null,
    sasl: values.protocol.sasl ? saslConfig(values) : null,
    connectionTimeoutMs: values.connectionTimeoutMs,
    requestTimeoutMs: values.requestTimeoutMs,
    metadataMaxAgeMs: values.metadataRefreshMs ?? values.metadataMaxAgeMs ?? 60_000,
    reconnectBackoffMs,
    reconnectBackoffMaxMs: Math.max(longest, reconnectBackoffMs),
    maxInFlightRequests: values.maxInFlightRequests,
    allowAutoTopicCreation: values.allowAutoTopicCreation,
  };
}

/** What is wrong between the client's keys of a block. */
export function clientProblems(block: ClientBlock): BlockProblem[] {
  const { values, writtenAs } = block;
  const problems: BlockProblem[] = [];
  const refuse = (key: string, refused: string) => problems.push({ key, reading: { refused } });
  const isWritten = (field: Field) => writtenAs(field) !== undefined;

  if (!isWritten("bootstrapServers")) refuse("bootstrap.servers", "required");
  const protocolName = writtenAs("protocol");
  const isProtocolKnown = !block.problems.some(({ key }) =>
    key !== undefined && key === protocolName
  );
  if (isProtocolKnown && !values.protocol.tls) {
    for (const name of TLS_FIELDS.map(writtenAs).filter((name) => name !== undefined)) {
      refuse(name, "has no effect without TLS: set security.protocol to ssl or sasl_ssl");
    }
  }
  for (const [first, second] of EXCLUSIVE_FIELDS) {
    const [name, other] = [writtenAs(first), writtenAs(second)];
    if (name !== undefined && other !== undefined) {
      refuse(name, `can't be combined with '${other}': leave one of them out`);
    }
  }
  const hasCertificate = isWritten("certificatePem") || isWritten("certificateFile");
  const hasKey = isWritten("keyPem") || isWritten("keyFile");
  if (hasCertificate && !hasKey) {
    refuse("ssl.key.location", "required with a certificate (or ssl.key.pem)");
  }
  if (hasKey && !hasCertificate) {
    refuse("ssl.certificate.location", "required with a key (or ssl.certificate.pem)");
  }
  if (isWritten("keyPassphrase") && !hasKey) refuse("ssl.key.password", "there is no key for it");

  for (const field of isProtocolKnown ? SASL_FIELDS : []) {
    const name = writtenAs(field);
    if (values.protocol.sasl && name === undefined) {
      refuse(`sasl.${field}`, "required, as security.protocol asks for SASL");
    } else if (!values.protocol.sasl && name !== undefined) {
      refuse(name, "has no effect without SASL: set security.protocol to sasl_ssl");
    }
  }
  return problems;
}

/** What is worth a warning between the client's keys of a block without problems. */
export function clientWarnings({ values, writtenAs }: ClientBlock): string[] {
  const warnings: string[] = [];
  const { tls, sasl } = values.protocol;
  if (sasl && !tls) {
    warnings.push("security.protocol sasl_plaintext shows user name and password to the network");
  }
  if (tls && !values.verifyCertificate) {
    warnings.push("enable.ssl.certificate.verification false lets anyone pose as a broker");
  } else if (tls && !values.verifyHostname) {
    warnings.push("ssl.endpoint.identification.algorithm none lets other hosts pose as a broker");
  }
  const rivals: readonly (readonly [Field, Field])[] = [
    ["reconnectBackoffMs", "retryBackoffMs"],
    ["reconnectBackoffMaxMs", "retryBackoffMaxMs"],
    ["metadataRefreshMs", "metadataMaxAgeMs"],
  ];
  for (const [winner, loser] of rivals) {
    const [name, other] = [writtenAs(loser), writtenAs(winner)];
    if (name !== undefined && other !== undefined) {
      warnings.push(`${name} has no effect in eventor beside ${other}`);
    }
  }
  return warnings;
}

function tlsConfig(values: ClientBlock["values"]): KafkaTlsConfig {
  const ca = values.caPem ?? values.caFile;
  const cert = values.certificatePem ?? values.certificateFile;
  const key = values.keyPem ?? values.keyFile;
  const passphrase = values.keyPassphrase;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    verifyCertificate: values.verifyCertificate,
    verifyHostname: values.verifyHostname,
  };
}

// All three are there: `clientProblems` has seen to it.
function saslConfig(
  { mechanism = "plain", username = "", password = "" }: ClientBlock["values"],
): KafkaSaslConfig {
  return { mechanism, username, password };
}
