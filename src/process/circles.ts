import type { PipelineConfig } from "../config/schema.ts";
import { partsOf } from "./sandbox.ts";
import type { OtherSide } from "../core/transport.ts";

/** Where a pipeline's events come from and its records go to. Places are texts that are equal for the same place. */
export interface PipelinePlaces {
  readonly name: string;
  readonly sources: ReadonlySet<string>;
  readonly targets: readonly Target[];
}

interface Target {
  /** Where the section stands: `eventResultProcessor[0]`. */
  readonly path: string;
  /** The section in one line, without secrets. */
  readonly description: string;
  readonly places: readonly string[];
}

/** A section that makes a circle of pipelines, and the pipelines that the events would go round. */
export interface Circle {
  readonly pipeline: string;
  readonly target: Target;
  /** Which one of the target's places the events would come from again. */
  readonly place: string;
  /** The names of the pipelines by which they come back; none when they come back at once. */
  readonly others: readonly string[];
}

/** The places that are configured, and those that the other sides of its parts have told, in the order of its parts. */
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
 * Sections of a pipeline by which events would go round for ever: it publishes where its own events come from, or those
 * of another one of `pipelines` whose records come back to it.
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

/** Why a circle is refused. The others' names are shown as they are. */
export function describeCircle(others: readonly string[]): string {
  const whose = others.length === 0
    ? "the pipeline's own events come from"
    : `those of ${others.join(", ")} come from, whose records come back to this pipeline`;
  return `events would go round for ever: this is where ${whose}; name another topic`;
}

/** A circle that the other sides have revealed: names of the configuration alone would not tell that they are one place. */
export function describeFoundCircle({ target, place, others }: Circle): string {
  const reason = describeCircle(others.map((name) => `'${name}'`));
  return `${target.path} (${target.description}, which is ${place}): ${reason}`;
}

/** The pipelines by which what is written to `target` comes back to `start`; undefined when it does not. */
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
