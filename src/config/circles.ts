import { partsOf } from "../sandbox.ts";
import type { PipelineConfig } from "./schema.ts";

/** A section that makes a circle of pipelines, and the pipelines that the events would go round. */
export interface Circle {
  readonly pipeline: string;
  /** Where the section stands: `eventResultProcessor[0]`. */
  readonly path: string;
  /** The names of the pipelines by which they come back; none when they come back at once. */
  readonly others: readonly string[];
}

/** A pipeline as events go through it. Places are texts that are equal for the same place. */
interface Node {
  readonly name: string;
  readonly sources: ReadonlySet<string>;
  readonly targets: readonly { readonly path: string; readonly places: readonly string[] }[];
}

/**
 * Sections by which events would go round for ever: their topic is where the pipeline's own events come from, or those of
 * another one whose records come back here. Only what is configured counts: one cluster may have several names.
 */
export function circles(pipelines: readonly PipelineConfig[]): readonly Circle[] {
  const nodes = pipelines.map(toNode);
  return nodes.flatMap((node) =>
    node.targets.flatMap(({ path, places }) => {
      const way = wayBack(node, places, nodes);
      if (way === undefined) return [];
      return [{ pipeline: node.name, path, others: way.slice(1) }];
    })
  );
}

function toNode(pipeline: PipelineConfig): Node {
  const [listener, , ...stores] = partsOf(pipeline).map(({ path, role, config }) => ({
    path,
    places: role.places?.(config) ?? [],
  }));
  return { name: pipeline.name, sources: new Set(listener?.places), targets: stores };
}

/** The names of the pipelines from `start` back to itself, when what is written to `places` comes back there. */
function wayBack(
  start: Node,
  places: readonly string[],
  nodes: readonly Node[],
): readonly string[] | undefined {
  const seen = new Set<Node>();
  let reached: { places: readonly string[]; way: readonly string[] }[] = [
    { places, way: [start.name] },
  ];
  while (reached.length > 0) {
    const further: typeof reached = [];
    for (const { places, way } of reached) {
      if (places.some((place) => start.sources.has(place))) return way;
      for (const next of nodes) {
        if (seen.has(next) || !places.some((place) => next.sources.has(place))) continue;
        seen.add(next);
        const targets = next.targets.flatMap((target) => target.places);
        further.push({ places: targets, way: [...way, next.name] });
      }
    }
    reached = further;
  }
  return undefined;
}
