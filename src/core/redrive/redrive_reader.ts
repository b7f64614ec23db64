import { type DeadLetterFilter, formatFilter, parseFilter } from "./dead_letter_filter.ts";

const PREFIX = "eventor-redrive-";

/** Cannot be in an encoded name, so that no pipeline's name looks like that of another one with a filter. */
const SEPARATOR = ":";

/** What a redrive is for. */
export interface RedriveScope {
  readonly pipeline: string;
  /** Without it, all of the pipeline's dead letters. */
  readonly filter?: DeadLetterFilter | undefined;
}

/** The name by which a store of dead letters remembers how far they have been put back. */
export function readerName({ pipeline, filter }: RedriveScope): string {
  const chosen = filter === undefined ? "" : SEPARATOR + encode(formatFilter(filter));
  return PREFIX + encode(pipeline) + chosen;
}

/** What the redrive is for that has such a name; null when no redrive has it. */
export function parseReaderName(name: string): RedriveScope | null {
  if (!name.startsWith(PREFIX)) return null;
  const [encoded = "", chosen, ...rest] = name.slice(PREFIX.length).split(SEPARATOR);
  const pipeline = decode(encoded);
  if (pipeline === null || rest.length > 0) return null;
  if (chosen === undefined) return { pipeline };
  const filter = parseFilter(decode(chosen) ?? "");
  return filter && { pipeline, filter };
}

/** Readable for the names that most pipelines have. `=` stays: filters have it. */
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
