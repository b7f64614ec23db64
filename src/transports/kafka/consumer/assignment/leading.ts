import type { Health } from "../../../../core/health.ts";
import type { Logger } from "../../../../core/log.ts";
import { rootMessage } from "../../client/client_failure.ts";
import type { JoinResponse } from "../../kafkajs/consumers.ts";
import { withRequests } from "../../kafkajs/own_requests.ts";
import type { Cluster, MetadataBroker, TopicAnswer } from "../../kafkajs/types.ts";
import { assignPartitions } from "./assigners.ts";

/** Maximum interval between look-ups of a topic without known partitions. */
const MISSING_AGE_MS = 5000;

/** Kafka's error code for a topic that the client may not describe. */
const TOPIC_AUTHORIZATION_FAILED = 29;

/** `Health` key for topics whose partitions this leader cannot assign. */
const LED_TOPICS = "topics of the group";

/** The part of kafkajs's `Cluster` that finds a broker to ask. */
export interface LedCluster {
  readonly brokerPool: Pick<Cluster["brokerPool"], "findConnectedBroker">;
}

/** How often a leader looks up topics, and where it reports those that it cannot assign. */
export interface LeadershipOptions {
  readonly groupId: string;
  /** Maximum age of the partition counts. */
  readonly metadataMaxAgeMs: number;
  readonly log: Logger;
  readonly health?: Health | undefined;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

/**
 * What a member does while it leads its group. It counts the partitions of all topics that members subscribe to. It
 * need not subscribe to them itself, and they need not exist.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #now: () => number;
  /** The response to this member's join; null while another member leads. */
  #led: JoinResponse | null = null;
  #counts: ReadonlyMap<string, number> = new Map();
  #countedAtMs = 0;
  #unauthorized: readonly string[] = [];

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * Called after each join. Tells kafkajs that another member leads: a leading kafkajs first looks up its own topics and
   * fails if one is gone, while the whole group waits for it.
   */
  joined(response: JoinResponse): JoinResponse {
    const leads = response.leaderId === response.memberId;
    this.#led = leads ? response : null;
    return leads ? { ...response, leaderId: "" } : response;
  }

  /** What each member gets; undefined while another member leads. */
  async assignment(cluster: LedCluster): Promise<readonly object[] | undefined> {
    if (this.#led === null) return undefined;
    const { groupProtocol, members } = this.#led;
    return await assignPartitions(groupProtocol, members, {
      count: (topics) => this.count(cluster, topics),
      log: this.#options.log,
    });
  }

  /**
   * Makes a leader rejoin when topics of its members have changed. kafkajs looks for new partitions only of topics that
   * it subscribes to itself.
   *
   * @throws {Error} that makes kafkajs rejoin, so that the leader assigns the current partitions
   */
  async checkTopics(cluster: LedCluster): Promise<void> {
    if (this.#led === null) {
      // Another leader may be allowed to describe more topics.
      this.#unauthorized = [];
      return this.#options.health?.works(LED_TOPICS);
    }
    if (!(await this.haveChanged(cluster))) return;
    const reason = "Topics of other members of the group have changed";
    throw Object.assign(new Error(reason), { name: "KafkaJSStaleTopicMetadataAssignment" });
  }

  /**
   * Looks up the partition counts of `topics`: 0 for those that do not exist or may not be described. Keeps a known
   * count while brokers do not answer, and when a topic is gone: its own members report that, and continue when it is
   * back.
   */
  async count(
    cluster: LedCluster,
    topics: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, number>> {
    this.#counts = new Map([...topics].map((topic) => [topic, this.#counts.get(topic) ?? 0]));
    this.#counts = await this.#ask(cluster);
    return this.#counts;
  }

  /** Whether partition counts have changed since the assignment; a missing topic keeps its count. Asks at intervals. */
  async haveChanged(cluster: LedCluster): Promise<boolean> {
    const { metadataMaxAgeMs } = this.#options;
    const isMissing = [...this.#counts.values()].includes(0);
    const ageMs = this.#now() - this.#countedAtMs;
    if (ageMs < (isMissing ? Math.min(MISSING_AGE_MS, metadataMaxAgeMs) : metadataMaxAgeMs)) {
      return false;
    }
    const counts = await this.#ask(cluster);
    return [...counts].some(([topic, count]) => count !== this.#counts.get(topic));
  }

  async #ask(cluster: LedCluster): Promise<ReadonlyMap<string, number>> {
    this.#countedAtMs = this.#now();
    // A request without topics asks for all of them.
    if (this.#counts.size === 0) return this.#counts;
    try {
      const broker = await cluster.brokerPool.findConnectedBroker();
      const { topicMetadata } = await withoutFailing(broker).metadata([...this.#counts.keys()]);
      this.#noteUnauthorized(topicMetadata);
      const found = new Map(topicMetadata.map((answer) => [answer.topic, answer]));
      return new Map([...this.#counts].map(([topic, known]) => {
        const count = found.get(topic)?.partitionMetadata.length ?? 0;
        return [topic, count === 0 ? known : count];
      }));
    } catch (error) {
      this.#options.log.debug(() =>
        `cannot look up the topics of the group: ${rootMessage(error)}`
      );
      return this.#counts;
    }
  }

  #noteUnauthorized(answers: readonly TopicAnswer[]): void {
    const { groupId, log, health } = this.#options;
    const topics = answers
      .filter(({ topicErrorCode }) => topicErrorCode === TOPIC_AUTHORIZATION_FAILED)
      .map(({ topic }) => topic)
      .sort();
    const isKnown = topics.join() === this.#unauthorized.join();
    this.#unauthorized = topics;
    if (topics.length === 0) return health?.works(LED_TOPICS);
    const message =
      `this member leads group '${groupId}', but may not look up ${topics.join(", ")}, ` +
      "to which other members subscribe: no member gets their partitions; grant it Describe on them (ACL)";
    health?.fails(LED_TOPICS, message);
    if (!isKnown) log.warn(message);
  }
}

/** The same broker, which answers for each topic separately and creates none. In kafkajs, one unknown topic fails all. */
function withoutFailing(broker: MetadataBroker): MetadataBroker {
  const separate = withRequests(broker, (create) => (payload) => {
    const { response, ...request } = create(payload);
    return { ...request, response: { ...response, parse: (metadata: unknown) => metadata } };
  });
  return Object.assign(separate, { allowAutoTopicCreation: false });
}
