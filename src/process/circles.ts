import type { PipelineConfig } from "../config/schema.ts";
import { partsOf } from "./sandbox.ts";
import type { OtherSide } from "../core/transport.ts";

/** Sources and destinations of a pipeline, as texts that are equal for the same one. */
export interface PipelinePlaces {
  readonly name: string;
  readonly sources: ReadonlySet<string>;
  readonly targets: readonly Target[];
}

interface Target {
  /** Path of the section: `eventResultProcessor[0]`. */
  readonly path: string;
  /** One line, without secrets. */
  readonly description: string;
  readonly places: readonly string[];
}

/** A section that closes a cycle, with the pipelines on the cycle. */
export interface Circle {
  readonly pipeline: string;
  readonly target: Target;
  /** The destination of `target` that is also a source. */
  readonly place: string;
  /** Names of the other pipelines on the cycle; empty when the pipeline reads its own records. */
  readonly others: readonly string[];
}

/** Combines configured sources and destinations with discovered ones, in the order of the pipeline's sections. */
export function placesOf(
  pipeline: PipelineConfig,
  otherSides: readonly OtherSide[] = [],
): PipelinePlaces {
  const [listener, , ...stores] = partsOf(pipeline).map(({ path, role, config }, index) => ({
    path,
    description: role.describe(config),
    places: [...role.places?.(config) ?? [], ...otherSides[index]?.places ?? []],
  }));
  return { name: pipeline.name, sources: new Set(listener?.places), targets: stores };
}

/**
 * Sections of a pipeline that close a cycle: they publish to where its own events come from, or those of another one of
 * `pipelines` whose records come back to it.
 */
export function circlesOf(
  pipeline: PipelinePlaces,
  pipelines: readonly PipelinePlaces[],
): readonly Circle[] {
  return pipeline.targets.flatMap((target) => {
    const others = wayBack(pipeline, target, pipelines);
    if (others === undefined) return [];
    const { sources } = others[0] ?? pipeline;
    const place = target.places.find((place) => sources.has(place)) ?? "";
    return [{ pipeline: pipeline.name, target, place, others: others.map(({ name }) => name) }];
  });
}

/** Why a cycle is refused. Shows the others' names as they are. */
export function describeCircle(others: readonly string[]): string {
  const whose = others.length === 0
    ? "the pipeline's own events come from"
    : `those of ${others.join(", ")} come from, whose records come back to this pipeline`;
  return `events would go round for ever: this is where ${whose}; name another topic`;
}

/** Describes a cycle found by discovery: configured names alone do not show that they mean one topic. */
export function describeFoundCircle({ target, place, others }: Circle): string {
  const reason = describeCircle(others.map((name) => `'${name}'`));
  return `${target.path} (${target.description}, which is ${place}): ${reason}`;
}

/** The pipelines that bring records for `target` back to `start`; undefined when there is no cycle. */
function wayBack(
  start: PipelinePlaces,
  target: Target,
  pipelines: readonly PipelinePlaces[],
): readonly PipelinePlaces[] | undefined {
  const seen = new Set<PipelinePlaces>();
  let reached: { places: readonly string[]; way: readonly PipelinePlaces[] }[] = [
    { places: target.places, way: [] },
  ];
  while (reached.length > 0) {
    const further: typeof reached = [];
    for (const { places, way } of reached) {
      if (places.some((place) => start.sources.has(place))) return way;
      for (const next of pipelines) {
        if (seen.has(next) || !places.some((place) => next.sources.has(place))) continue;
        seen.add(next);
        const targets = next.targets.flatMap((target) => target.places);
        further.push({ places: targets, way: [...way, next] });
      }
    }
    reached = further;
  }
  return undefined;
}
