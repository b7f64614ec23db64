import type { Discovery } from "../core/transport.ts";
import { rolesOf } from "./roles.ts";
import type { PipelineConfig } from "./schema.ts";

/** What a pipeline reads and where it publishes. Equal texts mean the same topic, however it is configured. */
export interface PipelineFlow {
  readonly name: string;
  readonly sources: ReadonlySet<string>;
  readonly targets: readonly Target[];
}

interface Target {
  readonly path: string;
  /** One line, without secrets. */
  readonly description: string;
  readonly destinations: readonly string[];
}

/** A section that closes a cycle, with the pipelines on the cycle. */
export interface Cycle {
  readonly pipeline: string;
  readonly target: Target;
  /** The destination of `target` that is also a source. */
  readonly destination: string;
  /** Names of the other pipelines on the cycle; empty when the pipeline reads its own records. */
  readonly others: readonly string[];
}

/** Combines configured sources and destinations with discovered ones, in the order of the pipeline's sections. */
export function flowOf(
  pipeline: PipelineConfig,
  discoveries: readonly Discovery[] = [],
): PipelineFlow {
  const [listener, , ...targets] = rolesOf(pipeline).map(({ path, role, config }, index) => ({
    path,
    description: role.describe(config),
    destinations: [...role.destinations?.(config) ?? [], ...discoveries[index]?.destinations ?? []],
  }));
  return { name: pipeline.name, sources: new Set(listener?.destinations), targets };
}

/**
 * Sections of a pipeline that close a cycle: they publish to one of its own sources, or to a source of another one of
 * `pipelines` whose records come back to it.
 */
export function cyclesOf(
  pipeline: PipelineFlow,
  pipelines: readonly PipelineFlow[],
): readonly Cycle[] {
  return pipeline.targets.flatMap((target) => {
    const others = wayBack(pipeline, target, pipelines);
    if (others === undefined) return [];
    const { sources } = others[0] ?? pipeline;
    const destination = target.destinations.find((each) => sources.has(each)) ?? "";
    return [{
      pipeline: pipeline.name,
      target,
      destination,
      others: others.map(({ name }) => name),
    }];
  });
}

/** Why a cycle is refused. @param others the other pipelines on it, as shown in messages */
export function describeCycle(others: readonly string[]): string {
  const reason = others.length === 0
    ? "this pipeline reads from there itself"
    : `they would come back through ${others.join(", ")}`;
  return `events would loop endlessly: ${reason}; configure another topic`;
}

/** Describes a cycle found by discovery: configured names alone do not show that they mean one topic. */
export function describeDiscoveredCycle({ target, destination, others }: Cycle): string {
  const reason = describeCycle(others.map((name) => `'${name}'`));
  return `${target.path} (${target.description}, which is ${destination}): ${reason}`;
}

/** The pipelines that bring records for `target` back to `start`, by the shortest way; undefined without a cycle. */
function wayBack(
  start: PipelineFlow,
  target: Target,
  pipelines: readonly PipelineFlow[],
): readonly PipelineFlow[] | undefined {
  const seen = new Set<PipelineFlow>();
  const reached: { destinations: readonly string[]; way: readonly PipelineFlow[] }[] = [
    { destinations: target.destinations, way: [] },
  ];
  for (const { destinations, way } of reached) {
    if (destinations.some((each) => start.sources.has(each))) return way;
    for (const next of pipelines) {
      if (seen.has(next) || !destinations.some((each) => next.sources.has(each))) continue;
      seen.add(next);
      reached.push({
        destinations: next.targets.flatMap(({ destinations }) => destinations),
        way: [...way, next],
      });
    }
  }
  return undefined;
}
