import { type Path, pathKey } from "./problem.ts";

const SECRET_KEY = /password|passphrase|secret|token(?!endpoint$)|^privatekey$|(^|\.)key\.pem$/i;

/** Mappings whose values may be secrets, whatever their names. */
const SECRET_MAPPINGS: ReadonlySet<unknown> = new Set(["headers", "parameters"]);

/** Where `key` is not that of a record. */
const KEY_PLACES: ReadonlySet<unknown> = new Set(["auth", "tls"]);

/** Whether a value stands where secrets stand, so that no message may show it. */
export function isSecretPlace(path: Path): boolean {
  return path.some((key, index) =>
    SECRET_KEY.test(String(key)) || SECRET_MAPPINGS.has(key) ||
    key === "key" && KEY_PLACES.has(path[index - 1])
  );
}

/** Remembers which values of a document came from outside. */
export class HiddenPlaces {
  readonly #keys = new Set<string>();

  add(path: Path): void {
    this.#keys.add(pathKey(path));
  }

  has(path: Path): boolean {
    return isSecretPlace(path) || this.#keys.has(pathKey(path));
  }
}
