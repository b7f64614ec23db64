import type { BlockProblem, ClientBlock, ClientField } from "./block.ts";
import { type KafkaSaslConfig, saslConfig, saslProblems, saslWarnings } from "./sasl.ts";
import { type KafkaTlsConfig, tlsConfig, tlsProblems, tlsWarnings } from "./tls.ts";

/** librdkafka's default. */
const DEFAULT_MAX_RESPONSE_BYTES = 100_000_000;

/** The settings of every Kafka client. */
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
  /** The largest response of a broker, without its size field. */
  readonly maxResponseBytes: number;
  readonly allowAutoTopicCreation: boolean;
}

/** The client's settings of a block without problems. */
export function clientConfig({ values }: ClientBlock): KafkaClientConfig {
  const reconnectBackoffMs = values.reconnectBackoffMs ?? values.retryBackoffMs ?? 500;
  const longest = values.reconnectBackoffMaxMs ?? values.retryBackoffMaxMs ?? 30_000;
  return {
    bootstrapServers: values.bootstrapServers ?? [],
    clientId: values.clientId,
    tls: tlsConfig(values),
    sasl: saslConfig(values),
    connectionTimeoutMs: values.connectionTimeoutMs,
    requestTimeoutMs: values.requestTimeoutMs,
    metadataMaxAgeMs: values.metadataRefreshMs ?? values.metadataMaxAgeMs ?? 60_000,
    reconnectBackoffMs,
    reconnectBackoffMaxMs: Math.max(longest, reconnectBackoffMs),
    maxInFlightRequests: values.maxInFlightRequests,
    maxResponseBytes: values.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES,
    allowAutoTopicCreation: values.allowAutoTopicCreation,
  };
}

/** Missing, useless and conflicting keys of the client. */
export function clientProblems(block: ClientBlock): BlockProblem[] {
  const { writtenAs } = block;
  const problems: BlockProblem[] = [];
  if (writtenAs("bootstrapServers") === undefined) {
    problems.push({ key: "bootstrap.servers", refused: "required" });
  }
  const protocol = writtenAs("protocol");
  if (!block.problems.some(({ key }) => key !== undefined && key === protocol)) {
    problems.push(...tlsProblems(block), ...saslProblems(block));
  }
  return problems;
}

/** Keys without effect, risky settings of the client, and keys that another key overrides. */
export function clientWarnings(block: ClientBlock): string[] {
  const { writtenAs } = block;
  const warnings = [...block.warnings, ...tlsWarnings(block), ...saslWarnings(block)];
  const rivals: readonly (readonly [ClientField, ClientField])[] = [
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
