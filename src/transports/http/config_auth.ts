import { z } from "zod";
import { valueAt } from "../../schema/document.ts";
import { type Scalar, text, textOf, toSchema } from "../../schema/scalar.ts";
import { section } from "../../schema/section.ts";
import { TemplateText } from "../../schema/texts.ts";
import { oauth2Schema } from "../oauth2/config.ts";
import { reasonNotOfAuth } from "./config_headers.ts";

export type AuthConfig =
  | { readonly type: "basic"; readonly username: string; readonly password: string }
  | { readonly type: "bearer"; readonly token: string }
  | { readonly type: "apiKey"; readonly header: string; readonly key: string }
  | z.output<typeof oauth2Schema>;

const visible = textOf("printable ASCII characters without spaces", {
  check: (value) => /^[\x21-\x7e]+$/.test(value) ? value : undefined,
});

const headerText = textOf("printable ASCII characters on one line, without spaces at the ends", {
  check: (value) => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value) ? value : undefined,
});

// RFC 7617, 2: a colon ends the user name; control characters are not allowed.
const username = textOf("text without ':' and control characters", {
  check: (value) => /^[^:\p{Cc}]+$/u.test(value) ? value : undefined,
});

const password = textOf("text without control characters", {
  json: { minLength: 0 },
  check: (value) => /^\P{Cc}*$/u.test(value) ? value : undefined,
});

const headerName: Scalar<string> = {
  ...text(),
  read(input) {
    if (typeof input !== "string") return { expected: "the name of a header" };
    const refused = reasonNotOfAuth(input);
    return refused === undefined ? { value: input } : { refused };
  },
};

const basicSchema = section({
  type: z.literal("basic").describe("A user name and a password (RFC 7617)"),
  username: toSchema(username).describe("The user name"),
  password: toSchema(password).describe("The password"),
});

const bearerSchema = section({
  type: z.literal("bearer").describe("A token (RFC 6750)"),
  token: toSchema(visible).describe("The token, without `Bearer`"),
});

const apiKeySchema = section({
  type: z.literal("apiKey").describe("A key in a separate header"),
  header: toSchema(headerName).prefault("X-API-Key").describe("The name of the header"),
  key: toSchema(headerText).describe("The key"),
});

export const authSchema: z.ZodType<AuthConfig> = z.discriminatedUnion("type", [
  basicSchema,
  bearerSchema,
  apiKeySchema,
  oauth2Schema as unknown as typeof bearerSchema,
]);

/** The header that carries the credentials. */
export function authHeaderName(auth: AuthConfig): string {
  return auth.type === "apiKey" ? auth.header : "Authorization";
}

/** Warnings about `auth` in a valid section of a handler, as written. */
export function authWarnings(section: unknown): readonly string[] {
  if (valueAt(section, ["auth"]) === undefined) return [];
  const warnings: string[] = [];
  if (isReadableOnTheWay(valueAt(section, ["url"]))) {
    warnings.push("'auth' without TLS: anyone on the network path to the endpoint can read it");
  }
  if (isReadableOnTheWay(valueAt(section, ["auth", "tokenEndpoint"]))) {
    warnings.push(
      "'auth.tokenEndpoint' without TLS: anyone on the network path to it can read secrets and tokens",
    );
  }
  return warnings;
}

/** Whether a URL leads, or may lead, to another machine without TLS. */
function isReadableOnTheWay(written: unknown): boolean {
  const isUrl = typeof written === "string" || written instanceof TemplateText;
  const url = isUrl ? URL.parse(String(written)) : null;
  return url?.protocol === "http:" &&
    !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}
