import { z } from "zod";
import type { Path } from "./problem.ts";
import type { WrittenPart } from "./secrets.ts";
import { unknownKey } from "./unknown_key.ts";

/**
 * A mapping in which every unknown key is a problem of its own, one line of the message each.
 */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => unknownKey(key, known)).join("\n")
        : undefined,
  });
}

/** One value, or a list of at least one; always a list afterwards. */
export function oneOrList<Item extends z.ZodType>(item: Item) {
  return z.union([z.array(item).min(1), item])
    .transform((items): readonly z.output<Item>[] => Array.isArray(items) ? items : [items]);
}

/** What a section needs of the loader beyond its schema. */
export interface SectionExtras {
  /** Keys whose value is the path of a file, which the loader replaces by a `FileText`. */
  readonly files?: readonly FileKey[];
  /** What is worth a warning in a valid section. It gets the section as written, with references resolved. */
  warnings?(section: unknown): readonly string[];
  /**
   * The configuration of a valid section with what it takes to show it without what came from outside.
   *
   * @param partsAt the parts of a text of the section in which something came from outside
   */
  conceal?(
    config: unknown,
    partsAt: (path: Path) => readonly WrittenPart[] | undefined,
  ): unknown;
  /** Tables for the pages of `docs/`, of keys that are more than the schema's. */
  readonly tables?: readonly ReadmeTable[];
}

/** A table in a page of `docs/`; cells are Markdown. */
export interface ReadmeTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Where the path of a file stands in a section. */
export interface FileKey {
  readonly path: readonly string[];
  /** A value that is no path. */
  readonly except?: string;
}

/** Extras are registered beside the schema that they belong to. */
export const SECTION_EXTRAS: z.core.$ZodRegistry<SectionExtras> = z.registry<SectionExtras>();
