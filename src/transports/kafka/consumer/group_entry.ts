import type { Health } from "../../../core/health.ts";
import type { Logger } from "../../../core/log.ts";
import { LogThrottle } from "../../../core/log_throttle.ts";
import { clientFailure } from "../client/client_failure.ts";
import { CoordinatorWaits } from "./coordinator_waits.ts";
import { countSubscribers, describeRefusal } from "./group_description.ts";
import { isNotServing } from "./group_errors.ts";
import type { ConsumerGroup, OffsetManager } from "../kafkajs/types.ts";
import type { StartAtEnd } from "./offset_reset.ts";

/** Log interval for a refusal whose reason stays the same. */
const REPEAT_INTERVAL_MS = 60_000;

/** `Health` key for a refusal by the group. */
const ENTRY = "entry into the group";

/** `Health` key for a missing topic, for a member without a partition that would report it. */
const TOPIC = "topic";

/** A member's group and topic, and where it starts. */
export interface GroupEntryOptions {
  readonly groupId: string;
  readonly topic: string;
  /** Null when it starts at the topic's first event. */
  readonly start: StartAtEnd | null;
}

/** How a member joins its group: its start offsets, and reports of what keeps it out. */
export class GroupEntry {
  /** Informed of the outcome of requests to the coordinator. */
  readonly coordinator: CoordinatorWaits;
  readonly #options: GroupEntryOptions;
  readonly #log: Logger;
  readonly #health: Health | undefined;
  #holdsSome = false;
  #isTopicGone = false;
  #saysTopicGone = false;
  readonly #throttle = new LogThrottle({ intervalMs: REPEAT_INTERVAL_MS });

  constructor(
    options: GroupEntryOptions,
    { log, health }: { log: Logger; health?: Health | undefined },
  ) {
    this.#options = options;
    this.#log = log;
    this.#health = health;
    this.coordinator = new CoordinatorWaits(options.groupId, { log, health });
  }

  /**
   * Looks up where to start, so that the member starts there whenever the group admits it. Without a coordinator, the
   * look-up waits until the join.
   */
  async open(): Promise<void> {
    try {
      await this.beforeJoin();
    } catch (error) {
      if (!isNotServing(error)) throw error;
    }
  }

  /** Called before each attempt to join. */
  async beforeJoin(): Promise<void> {
    const { groupId, start } = this.#options;
    await start?.lookUp().catch((error) => {
      throw clientFailure(`cannot find out where group '${groupId}' begins to read`, error);
    });
  }

  /** Called when the group refuses the member, which tries again until admitted. Never rejects. */
  async refused(group: ConsumerGroup, error: unknown): Promise<void> {
    const reason = `${await describeRefusal(group, error)}; it joins once it can`;
    this.#health?.fails(ENTRY, reason);
    if (this.#throttle.allows(reason) === "no") this.#log.debug(() => reason);
    else this.#log.warn(reason);
  }

  /** Called after a join. `partitions` is the topic's partition count. */
  joined(group: ConsumerGroup, partitions: number): void {
    this.#throttle.reset();
    this.#health?.works(ENTRY);
    this.#holdsSome = group.assigned().some((ofTopic) => ofTopic.partitions.length > 0);
    this.#noteTopic();
    if (this.#holdsSome || this.#isTopicGone || partitions === 0) return;
    void this.#sayItHoldsNothing(group, partitions);
  }

  /** Notes whether the topic is missing. While the member holds partitions, these report it. */
  topicGone(isGone: boolean): void {
    this.#isTopicGone = isGone;
    this.#noteTopic();
  }

  #noteTopic(): void {
    const isWorthSaying = this.#isTopicGone && !this.#holdsSome;
    const reason = `topic '${this.#options.topic}' does not exist any more`;
    if (isWorthSaying) this.#health?.fails(TOPIC, reason);
    else this.#health?.works(TOPIC);
    if (isWorthSaying && !this.#saysTopicGone) this.#log.warn(`${reason}; waiting for it`);
    this.#saysTopicGone = isWorthSaying;
  }

  /** Called with an assignment before its start offsets are looked up. */
  async assigned(assignment: OffsetManager): Promise<void> {
    await this.#options.start?.commitFor(assignment);
  }

  async #sayItHoldsNothing(group: ConsumerGroup, partitions: number): Promise<void> {
    const { groupId, topic } = this.#options;
    const subscribers = await countSubscribers(group, topic);
    const members = subscribers === null ? "the members" : `${subscribers} members`;
    // Members that give up partitions incrementally may still hold its share.
    const outlook = subscribers !== null && subscribers > partitions
      ? "it stands by for one of them to leave; for more members, the topic needs more partitions"
      : "it waits for the group to give it some";
    this.#log.info(
      `holds none of the ${partitions} partitions of ${topic}, which ${members} of '${groupId}' share: ${outlook}`,
    );
  }
}
