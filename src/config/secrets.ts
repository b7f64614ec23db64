import { type Path, pathKey } from "./problem.ts";

const SECRET_KEY = /password|passphrase|secret|token|(^|\.)key\.pem$/i;

/** Whether a value stands where secrets stand, so that no message may show it. */
export function isSecretPlace(path: Path): boolean {
  return path.some((key) => SECRET_KEY.test(String(key)) || key === "headers");
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
