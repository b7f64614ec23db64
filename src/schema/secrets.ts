import type { Placeholder } from "../core/template.ts";
import { type Path, pathKey } from "./document.ts";

const SECRET_KEY = /password|passphrase|secret|token(?!endpoint$)|^privatekey$|(^|\.)key\.pem$/i;

/** Mappings whose values may be secrets, whatever their names. */
const SECRET_MAPPINGS: ReadonlySet<unknown> = new Set(["headers", "parameters"]);

/** Mappings whose `key` is a secret, not the key of a record. */
const KEY_PARENTS: ReadonlySet<unknown> = new Set(["auth", "tls"]);

/** Whether a path may hold a secret, so that no message may show it. */
export function isSecretPath(path: Path): boolean {
  return path.some((key, index) =>
    SECRET_KEY.test(String(key)) || SECRET_MAPPINGS.has(key) ||
    key === "key" && KEY_PARENTS.has(path[index - 1])
  );
}

/** A part of a text of the document; external values are hidden. */
export type WrittenPart = string | Placeholder | { readonly hidden: string };

/** Whether a part is an external value. */
export function isHidden(part: WrittenPart): part is { readonly hidden: string } {
  return typeof part === "object" && "hidden" in part;
}

/** Records which values of a document contain external values. */
export class HiddenPaths {
  readonly #parts = new Map<string, readonly WrittenPart[]>();

  /** @param parts of the text at this path */
  add(path: Path, parts: readonly WrittenPart[]): void {
    this.#parts.set(pathKey(path), parts);
  }

  has(path: Path): boolean {
    return isSecretPath(path) || this.#parts.has(pathKey(path));
  }

  /** The parts of a text that contains external values; undefined for any other value. */
  partsAt(path: Path): readonly WrittenPart[] | undefined {
    return this.#parts.get(pathKey(path));
  }
}
