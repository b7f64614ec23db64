import type { KeyTable } from "../../../schema/section.ts";
import type { ConfigKey } from "./keys/config_key.ts";

const POLICIES: readonly ConfigKey["policy"][] = ["map", "fixed", "warn", "refuse"];

/** The keys as a table of `docs/`. Keys that are ignored or refused for the same reason share a row. */
export function keyTable(title: string, keys: readonly ConfigKey[]): KeyTable {
  const rows = new Map<string, string[]>();
  for (const key of POLICIES.flatMap((policy) => keys.filter((key) => key.policy === policy))) {
    const names = key.names.map((name) => `\`${name}\``).join(", ");
    const fate = fateOf(key);
    const group = key.policy === "warn" || key.policy === "refuse" ? fate : names;
    const row = rows.get(group);
    if (row === undefined) {
      rows.set(group, [names, key.default === undefined ? "" : `\`${key.default}\``, fate]);
    } else {
      row[0] += `, ${names}`;
    }
  }
  return { title, head: ["Key", "Default", "In eventor"], rows: [...rows.values()] };
}

function fateOf({ policy, meaning }: ConfigKey): string {
  if (policy === "warn") return `Accepted with a warning: ${meaning}`;
  return policy === "refuse" ? `Refused: ${meaning}` : meaning;
}
