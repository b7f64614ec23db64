import type { Health } from "../../../core/health.ts";
import type { Logger } from "../../../core/log.ts";
import { clientFailure } from "../client/client_failure.ts";
import { CoordinatorWaits, isNotServing } from "./coordinator_waits.ts";
import { countSubscribers, type DescribableGroup, describeRefusal } from "./group_description.ts";
import type { AssignmentOffsets, StartAtEnd } from "./offset_reset.ts";

/** How often it is said that a group does not let a member in, when the reason stays the same. */
const REPEAT_INTERVAL_MS = 60_000;

/** What `Health` knows a refusal by the group by. */
const ENTRY = "entry into the group";

/** What `Health` knows a topic by that does not exist, and of which the member has no partition that would tell. */
const TOPIC = "topic";

/** A group that was joined, as far as kafkajs's is used here. */
export interface JoinedGroup extends DescribableGroup {
  assigned(): readonly { readonly partitions: readonly number[] }[];
}

/** Of which group a member reads which topic, and from where. */
export interface GroupEntryOptions {
  readonly groupId: string;
  readonly topic: string;
  /** Null when it begins at the topic's first event. */
  readonly start: StartAtEnd | null;
}

/** A member's way into its group: what keeps it out, and with what it begins. */
export class GroupEntry {
  /** Told how requests to the group's coordinator end. */
  readonly coordinator: CoordinatorWaits;
  readonly #options: GroupEntryOptions;
  readonly #log: Logger;
  readonly #health: Health | undefined;
  #holdsSome = false;
  #isTopicGone = false;
  #saysTopicGone = false;
  #said: { readonly reason: string; readonly atMs: number } | null = null;

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
   * Finds out where to begin, so that it begins there whenever the group lets the member in. While the group has no
   * coordinator, that waits until it joins.
   */
  async open(): Promise<void> {
    try {
      await this.beforeJoin();
    } catch (error) {
      if (!isNotServing(error)) throw error;
    }
  }

  /** Is called before each attempt to join. */
  async beforeJoin(): Promise<void> {
    const { groupId, start } = this.#options;
    await start?.lookUp().catch((error) => {
      throw clientFailure(`cannot find out where group '${groupId}' begins to read`, error);
    });
  }

  /** Is called when the group does not let the member in. It tries again until the group does. Never rejects. */
  async refused(group: DescribableGroup, error: unknown): Promise<void> {
    const reason = `${await describeRefusal(group, error)}; it joins once it can`;
    this.#health?.fails(ENTRY, reason);
    const nowMs = performance.now();
    const isKnown = reason === this.#said?.reason && nowMs - this.#said.atMs < REPEAT_INTERVAL_MS;
    if (isKnown) return this.#log.debug(() => reason);
    this.#said = { reason, atMs: nowMs };
    this.#log.warn(reason);
  }

  /** Is called when the member has joined; its topic has so many partitions. */
  joined(group: JoinedGroup, partitions: number): void {
    this.#said = null;
    this.#health?.works(ENTRY);
    this.#holdsSome = group.assigned().some((ofTopic) => ofTopic.partitions.length > 0);
    this.#noteTopic();
    if (this.#holdsSome || this.#isTopicGone || partitions === 0) return;
    void this.#sayItHoldsNothing(group, partitions);
  }

  /** Notes whether the topic does not exist any more. While the member holds partitions, these tell it themselves. */
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

  /** Is called with an assignment before it is asked where its partitions go on. */
  async assigned(assignment: AssignmentOffsets): Promise<void> {
    await this.#options.start?.commitFor(assignment);
  }

  async #sayItHoldsNothing(group: DescribableGroup, partitions: number): Promise<void> {
    const { groupId, topic } = this.#options;
    const subscribers = await countSubscribers(group, topic);
    const members = subscribers === null ? "the members" : `${subscribers} members`;
    // Members that give partitions up one by one may still hold its share.
    const outlook = subscribers !== null && subscribers > partitions
      ? "it stands by for one of them to leave; for more members, the topic needs more partitions"
      : "it waits for the group to give it some";
    this.#log.info(
      `holds none of the ${partitions} partitions of ${topic}, which ${members} of '${groupId}' share: ${outlook}`,
    );
  }
}
