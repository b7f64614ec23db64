import { type Drain, drainBacklog } from "./backlog.ts";
import type { Bench, Figures } from "./scenario.ts";

/** Compares the speed of a drain of which the endpoint fails a share of the calls with its speed while it fails none. */
export async function measureFailures(
  bench: Bench,
  { failingShare, ...drain }: Drain & { failingShare: number },
): Promise<Figures> {
  const { perSecond: undisturbed = NaN } = await drainBacklog(bench, drain);
  const disturbed = await drainBacklog(bench, { ...drain, failingShare });
  return {
    ...disturbed,
    more: {
      "per second while nothing fails": undisturbed,
      "share of speed kept": (disturbed.perSecond ?? NaN) / undisturbed,
    },
  };
}
