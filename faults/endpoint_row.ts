import type { Eventor } from "./eventor.ts";
import { groupMembers } from "./group_members.ts";
import type { MemberSettings } from "./member_config.ts";
import type { World } from "./world.ts";

/** Short pauses: a row has to see within seconds that things work again. */
export const RETRY = { maxAttempts: 10, initialDelay: "100ms", maxDelay: "1s" };

/** No endpoint may keep a member from giving signs of life: it notes a finding if the group has lost sight of it. */
export async function withoutEviction(world: World, happen: () => Promise<void>): Promise<void> {
  const { events: topic, group } = world.topics;
  const look = () => groupMembers({ broker: world.broker.bootstrapServer, group, topic });
  const before = await look();
  await happen();
  const after = await look();
  if (after !== before) world.finding(`the group's members were ${before}, and are ${after}`);
}

/** Starts a member whose errors and dead letters would show. */
export function startWithAll(world: World, settings: MemberSettings = {}): Eventor {
  const { errors, deadLetters } = world.topics;
  return world.start({ ...settings, pipeline: { errors, deadLetters, ...settings.pipeline } });
}
