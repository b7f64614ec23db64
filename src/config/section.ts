import { z } from "zod";
import type { Path } from "./problem.ts";
import type { WrittenPart } from "./secrets.ts";
import { unknownKey } from "./unknown_key.ts";

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

/** What a section needs from the loader, apart from its schema. */
export interface SectionExtras {
  /** Keys with the path of a file, which the loader replaces by a `FileText`. */
  readonly files?: readonly FileKey[];
  /** Warnings for a valid section. Gets the section as written, with references resolved. */
  warnings?(section: unknown): readonly string[];
  /**
   * Adds to the configuration of a valid section how to show it without external values.
   *
   * @param partsAt the parts of a text of the section that contains external values
   */
  conceal?(
    config: unknown,
    partsAt: (path: Path) => readonly WrittenPart[] | undefined,
  ): unknown;
  /** Tables for pages of `docs/`, of keys that are not in the schema. */
  readonly tables?: readonly ReadmeTable[];
}

/** A table in a page of `docs/`; cells are Markdown. */
export interface ReadmeTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A key with the path of a file. */
export interface FileKey {
  readonly path: readonly string[];
  /** A value that is not a path. */
  readonly except?: string;
}

/** The extras of each section's schema. */
export const SECTION_EXTRAS: z.core.$ZodRegistry<SectionExtras> = z.registry<SectionExtras>();
