import { type DeadLetterFilter, formatFilter, parseFilter } from "./dead_letter_filter.ts";

const PREFIX = "eventor-redrive-";

/** Never in an encoded name, so that no pipeline's name looks like another one's with a filter. */
const SEPARATOR = ":";

/** The dead letters that a redrive covers. */
export interface RedriveScope {
  readonly pipeline: string;
  /** Without it, all dead letters of the pipeline. */
  readonly filter?: DeadLetterFilter | undefined;
}

/** The name under which a dead-letter store keeps the position of a redrive. */
export function readerName({ pipeline, filter }: RedriveScope): string {
  const chosen = filter === undefined ? "" : SEPARATOR + encode(formatFilter(filter));
  return PREFIX + encode(pipeline) + chosen;
}

/** Inverse of `readerName()`; null for the name of another reader. */
export function parseReaderName(name: string): RedriveScope | null {
  if (!name.startsWith(PREFIX)) return null;
  const [encoded = "", chosen, ...rest] = name.slice(PREFIX.length).split(SEPARATOR);
  const pipeline = decode(encoded);
  if (pipeline === null || rest.length > 0) return null;
  if (chosen === undefined) return { pipeline };
  const filter = parseFilter(decode(chosen) ?? "");
  return filter && { pipeline, filter };
}

/** Keeps common pipeline names readable, and the `=` of filters. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll("%3D", "=");
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
