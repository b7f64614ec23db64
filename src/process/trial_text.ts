import { escapeInvisible } from "../core/escaping.ts";
import type { CallMessage } from "../core/handler.ts";
import type { Trial, TrialRecord } from "./trial.ts";
import type { Redaction } from "./redaction.ts";
import { valueLines, valueText } from "./byte_text.ts";

/** Names of record headers whose configured values are secret. */
const SECRET_NAME =
  /password|passphrase|secret|token|authorization|cookie|api-?key|credential|signature/i;

/** Text of a request or response. Each line has the prefix, so that none can pass for a line of eventor. */
export function messageText(
  { title, headers, body, note }: CallMessage,
  { heading, prefix, redaction }: { heading: string; prefix: string; redaction: Redaction },
): string {
  const lines = [
    ...[title, ...headers.map(([name, value]) => `${name}: ${value}`)]
      .map((line) => escapeInvisible(redaction.of(line))),
    ...(body === null ? [] : ["", ...valueLines(body, redaction)]),
    ...(note === undefined ? [] : ["", `(${note})`]),
  ];
  return section(heading, lines.map((line) => `${prefix} ${line}`.trimEnd()));
}

/** Text of the outcome. */
export function trialText({ outcome, next, records }: Trial, redaction: Redaction): string {
  const heading = escapeInvisible(redaction.of(outcome));
  const steps = next.map((step) => `  - ${escapeInvisible(redaction.of(step))}`);
  return [
    section(heading, ["a running pipeline would", ...steps]),
    ...records.map((record, index) =>
      recordText(record, { number: index + 1, of: records.length, redaction })
    ),
  ].join("\n");
}

function recordText(
  { record: { key, value, headers, destination: chosen }, destination, templates }: TrialRecord,
  { number, of, redaction }: { number: number; of: number; redaction: Redaction },
): string {
  const configured = new Set(templates?.headers?.map(([name]) => name.toLowerCase()));
  const isSecret = (name: string) => configured.has(name.toLowerCase()) && SECRET_NAME.test(name);
  const lines = [
    ...(chosen === undefined ? [] : [`destination: ${chosen}`]),
    `key: ${valueText(key, redaction)}`,
    "headers:",
    ...headers.map(([name, bytes]) => {
      const shown = isSecret(name) ? "***" : valueText(bytes, redaction);
      return `  ${escapeInvisible(redaction.of(name))}: ${shown}`;
    }),
    "value:",
    ...(value === null ? ["(null)"] : valueLines(value, redaction)).map((line) => `  ${line}`),
  ];
  return section(
    `record ${number} of ${of}, not published: ${destination}`,
    lines.map((line) => `  ${line}`),
  );
}

function section(heading: string, lines: readonly string[]): string {
  return `${heading}\n${lines.map((line) => `${line.trimEnd()}\n`).join("")}`;
}
