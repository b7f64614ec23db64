import { valueAt } from "../../../config/document.ts";

/** What is worth a warning in a valid section of a handler, as it is written. */
export function authWarnings(section: unknown): readonly string[] {
  if (valueAt(section, ["auth"]) === undefined) return [];
  const warnings: string[] = [];
  if (isReadableOnTheWay(valueAt(section, ["url"]))) {
    warnings.push("'auth' without TLS: whoever is on the way to the endpoint can read it");
  }
  if (isReadableOnTheWay(valueAt(section, ["auth", "tokenEndpoint"]))) {
    warnings.push(
      "'auth.tokenEndpoint' without TLS: whoever is on the way to it can read secrets and tokens",
    );
  }
  return warnings;
}

/** Whether a URL leads to another machine, or may do so, without TLS. */
function isReadableOnTheWay(written: unknown): boolean {
  const url = typeof written === "string" ? URL.parse(written) : null;
  return url?.protocol === "http:" &&
    !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}
