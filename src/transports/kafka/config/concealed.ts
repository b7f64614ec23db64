import type { SectionExtras } from "../../../schema/section.ts";
import type { WrittenPart } from "../../../schema/secrets.ts";
import { shownUrl } from "../../../schema/url.ts";
import type { KafkaClientConfig } from "./client.ts";
import { SECURITY_KEYS } from "./keys/security.ts";
import type { KafkaSaslConfig } from "./sasl.ts";

/** Redacts external values in the token endpoint of a section's block `key`. */
export function concealBlock(key: string): NonNullable<SectionExtras["conceal"]> {
  return (section, partsAt) => {
    const block: KafkaClientConfig = Reflect.get(Object(section), key);
    const endpoint = SECURITY_KEYS.tokenEndpoint.names
      .map((name) => partsAt([key, name]))
      .find((parts) => parts !== undefined);
    if (endpoint === undefined) return section;
    return { ...Object(section), [key]: { ...block, sasl: concealed(block.sasl, endpoint) } };
  };
}

function concealed(
  sasl: KafkaSaslConfig | null,
  endpoint: readonly WrittenPart[],
): KafkaSaslConfig | null {
  if (sasl?.mechanism !== "oauthbearer") return sasl;
  return { ...sasl, token: { ...sasl.token, shownTokenEndpoint: shownUrl(endpoint) } };
}
