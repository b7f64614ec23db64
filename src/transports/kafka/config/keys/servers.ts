import type { Scalar } from "../../../../schema/scalar.ts";
import { isHost, isOtherAddress } from "../../../../core/host.ts";

const DEFAULT_PORT = 9092;

/** A comma-separated list of brokers, normalized to `host:port`. */
export function servers(): Scalar<readonly string[]> {
  const expected = "'host' or 'host:port', separated by commas";
  return {
    expected,
    json: { type: "string", minLength: 1, examples: ["localhost:9092"] },
    read(input) {
      if (typeof input !== "string") return { expected };
      const parts = input.split(",").map((part) => part.trim()).filter((part) => part !== "");
      const normalized = parts.map(normalize).filter((server) => server !== undefined);
      return parts.length > 0 && normalized.length === parts.length
        ? { value: [...new Set(normalized)] }
        : { expected };
    },
  };
}

function normalize(server: string): string | undefined {
  const [, written = "", port = String(DEFAULT_PORT)] =
    /^(\[[^\]]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(server) ?? [];
  const host = written.toLowerCase();
  const number = Number(port);
  if (!isHost(host) || isOtherAddress(host) || number < 1 || number > 65_535) return undefined;
  // An IPv6 address has several notations; `URL` normalizes them.
  return `${host.startsWith("[") ? new URL(`http://${host}`).hostname : host}:${number}`;
}
