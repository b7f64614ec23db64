import type { JoinResponse } from "../../kafkajs/consumers.ts";
import { assignPartitions } from "./assigners.ts";
import { type LedCluster, LedTopics, type LedTopicsOptions } from "./led_topics.ts";

/** What a member does while it leads its group. */
export class Leadership {
  readonly #options: LedTopicsOptions;
  readonly #ledTopics: LedTopics;
  /** The response to this member's join; null while another member leads. */
  #led: JoinResponse | null = null;

  constructor(options: LedTopicsOptions) {
    this.#options = options;
    this.#ledTopics = new LedTopics(options);
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
      count: (topics) => this.#ledTopics.count(cluster, topics),
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
    if (this.#led === null) return this.#ledTopics.noLongerLed();
    if (!(await this.#ledTopics.haveChanged(cluster))) return;
    const reason = "Topics of other members of the group have changed";
    throw Object.assign(new Error(reason), { name: "KafkaJSStaleTopicMetadataAssignment" });
  }
}
