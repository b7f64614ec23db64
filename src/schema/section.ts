import { levenshteinDistance } from "@std/text";
import { z } from "zod";
import { describeKey, quoted } from "./description.ts";
import { isMapping } from "./document.ts";
import type { Reading } from "./scalar.ts";

/** A mapping whose unknown keys are problems, with one line of the message each. */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => unknownKey(key, known)).join("\n")
        : undefined,
  });
}

/** One value or a non-empty list; always read as a list. */
export function oneOrList<Item extends z.ZodType>(item: Item) {
  return z.union([z.array(item).min(1), item])
    .transform((items): readonly z.output<Item>[] => Array.isArray(items) ? items : [items]);
}

/**
 * A mapping of texts, read as a list of names and values.
 *
 * @param fold none of the names may occur twice, once it has folded them
 */
export function pairs<Value>(
  read: (name: string, value: unknown) => Reading<Value>,
  fold: (name: string) => string = (name) => name,
) {
  return z.unknown().transform((input, context) => {
    const list: [name: string, value: Value][] = [];
    if (!isMapping(input)) {
      context.addIssue({ code: "custom", params: { expected: "a mapping" } });
      return z.NEVER;
    }
    const names = new Set<string>();
    for (const [name, value] of Object.entries(input)) {
      const isRepeated = names.has(fold(name));
      names.add(fold(name));
      const reading = isRepeated ? { refused: "given twice" } : read(name, value);
      if ("value" in reading) list.push([name, reading.value]);
      else context.addIssue({ code: "custom", path: [name], params: reading });
    }
    return list;
  }).meta({ type: "object", additionalProperties: { type: "string" } });
}

/** `pairs()` of headers, whose names are the same in upper and lower case. */
export function headerPairs<Value>(read: (name: string, value: unknown) => Reading<Value>) {
  return pairs(read, (name) => name.toLowerCase());
}

/** What a section needs from the loader, apart from its schema. */
export interface SectionExtras {
  /** Keys with the path of a file, which the loader replaces by a `FileText`. */
  readonly files?: readonly FileKey[];
  /** Warnings for a valid section. Gets the section as written, with references resolved. */
  warnings?(section: unknown): readonly string[];
  /** Keys with a URL, whose configuration gets a redacted copy if it holds external values. */
  readonly urls?: readonly UrlKey[];
}

export interface FileKey {
  readonly path: readonly string[];
  /** A value that is not a path. */
  readonly except?: string;
}

export interface UrlKey {
  readonly path: readonly string[];
  /** Path of the redacted copy in the valid configuration. */
  readonly copy: readonly string[];
}

export const SECTION_EXTRAS: z.core.$ZodRegistry<SectionExtras> = z.registry<SectionExtras>();

/** Reports an unknown key, and the known one that was probably meant. */
export function unknownKey(key: string, known: readonly string[]): string {
  const nearest = nearestKey(key, known);
  const suggestion = nearest === undefined ? "" : `, did you mean ${quoted(nearest)}?`;
  return `unknown key ${describeKey(key)}${suggestion}`;
}

function nearestKey(key: string, known: readonly string[]): string | undefined {
  // Longer keys are no misspellings, and the distance takes quadratic time.
  if (key.length > 100) return undefined;
  const folded = key.toLowerCase();
  let nearest: string | undefined;
  let nearestDistance = Math.max(2, Math.floor(key.length / 4)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - key.length) >= nearestDistance) continue;
    const distance: number = levenshteinDistance(folded, candidate.toLowerCase());
    if (distance < nearestDistance && distance < candidate.length) {
      nearest = candidate;
      nearestDistance = distance;
    }
  }
  return nearest;
}
