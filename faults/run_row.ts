import { say } from "../bench/surroundings.ts";
import { messageOf } from "../tools/processes.ts";
import { check, type Verdict } from "./checker.ts";
import { Cluster } from "./cluster.ts";
import type { Amendment, Row, Size } from "./row.ts";
import type { RowResult } from "./table.ts";
import { type Surroundings, World } from "./world.ts";

/** Runs a row and checks what was seen. Never rejects: a row that cannot be run has failed. */
export async function runRow(
  row: Row,
  { size, surroundings }: { size: Size; surroundings: Surroundings },
): Promise<RowResult> {
  const beganAt = performance.now();
  const result = (verdict: Verdict, maxDuplicates: number): RowResult => ({
    row,
    verdict,
    maxDuplicates,
    tookMs: performance.now() - beganAt,
  });
  try {
    await using cluster = size.brokers === undefined ? null : await Cluster.start(size.brokers);
    const broker = cluster ?? surroundings.broker;
    await using world = await World.create(row, size, { ...surroundings, broker });
    let amend: Amendment = (history) => history;
    try {
      amend = await row.run(world) ?? amend;
      await world.settle();
    } catch (error) {
      // What was seen until then tells more than the error does.
      world.finding(messageOf(error));
    }
    const limits = row.limits(world);
    const history = amend(await world.history());
    const findings = [...history.findings, ...row.examine?.(history, world) ?? []];
    const verdict = check({ ...history, findings }, limits);
    if (verdict.violations.length > 0) say(world.story);
    return result(verdict, limits.duplicates);
  } catch (error) {
    return result(notRun(size, messageOf(error)), 0);
  }
}

function notRun({ faults }: Size, reason: string): Verdict {
  return {
    figures: {
      events: 0,
      faults,
      lost: 0,
      outOfOrder: 0,
      duplicates: 0,
      endpointCopies: 0,
      recoveryMs: null,
      stallMs: 0,
    },
    violations: [{ invariant: "row", message: "it could not be run", examples: [reason] }],
  };
}
