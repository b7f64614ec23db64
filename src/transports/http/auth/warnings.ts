import { valueAt } from "../../../schema/document.ts";
import { TemplateText } from "../../../schema/texts.ts";
import { formatTemplate } from "../../../core/template.ts";

/** Warnings about `auth` in a valid section of a handler, as written. */
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

/** Whether a URL leads, or may lead, to another machine without TLS. */
function isReadableOnTheWay(written: unknown): boolean {
  const text = written instanceof TemplateText ? formatTemplate(written.template) : written;
  const url = typeof text === "string" ? URL.parse(text) : null;
  return url?.protocol === "http:" &&
    !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}
