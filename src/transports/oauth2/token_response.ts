import { type HttpResponse, largerThan } from "../http1/http_response.ts";
import { TrustError } from "../http1/tls_failure.ts";

/** Limit of a response; tokens have up to a few kilobytes. */
export const MAX_RESPONSE_BYTES = 256 * 1024;

/** The characters of a token, which becomes part of a header. */
const TOKEN_TEXT = /^[\x21-\x7e]+$/;

const NUMBER_TEXT = /^\s*-?\d+(?:\.\d+)?\s*$/;

/** Known error codes (RFC 6749, 5.2; RFC 8707, 2; OpenID Connect). Any other may echo what we have sent. */
const ERROR_CODES: ReadonlySet<unknown> = new Set([
  "access_denied",
  "consent_required",
  "interaction_required",
  "invalid_client",
  "invalid_grant",
  "invalid_request",
  "invalid_scope",
  "invalid_target",
  "login_required",
  "server_error",
  "temporarily_unavailable",
  "unauthorized_client",
  "unsupported_grant_type",
  "use_dpop_nonce",
]);

/**
 * There is no token. The message names the token endpoint without its query, and of its response only an error code
 * that OAuth 2.0 knows.
 */
export class TokenError extends TrustError {
  override readonly name = "TokenError";
}

/** The response grants no token. The message completes "token endpoint ...", and holds nothing of it but a code. */
export class TokenAnswerError extends Error {
  override readonly name = "TokenAnswerError";
}

/** A successful response of a token endpoint. */
export interface Grant {
  readonly accessToken: string;
  /** Absent if the server names none, or 0. */
  readonly lifetimeMs?: number;
  /** Present if the server issued a new one for the next request. */
  readonly refreshToken?: string;
}

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads a response as many servers write it: null stands for an absent member, and `token_type` may be missing.
 *
 * @throws {TokenAnswerError} when no bearer token is granted, or a field cannot be read
 */
export function readTokenResponse(response: HttpResponse): Grant {
  const { status } = response;
  const isSuccess = status === 200 || isOf2xx(status) && response.body?.length !== 0;
  if (response.body === null && (isSuccess || status === null)) {
    throw unusable(
      response.defect === largerThan(MAX_RESPONSE_BYTES)
        ? `its body is larger than ${MAX_RESPONSE_BYTES / 1024} KiB`
        : response.defect,
    );
  }
  const members = parseMembers(new TextDecoder().decode(response.body ?? undefined));
  const error = members?.["error"];
  // Some servers send an error with status 200.
  if (ERROR_CODES.has(error) && !(isSuccess && members?.["access_token"] !== undefined)) {
    throw new TokenAnswerError(`answered ${error}`);
  }
  if (!isSuccess) {
    const rest = error === undefined ? "" : " with an unknown error code";
    throw new TokenAnswerError(`answered status ${status}${rest}`);
  }
  if (members === undefined) throw unusable("its body is not a JSON object");
  return granted(members);
}

function isOf2xx(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300;
}

function unusable(reason: string): TokenAnswerError {
  return new TokenAnswerError(`returned an invalid OAuth 2.0 response: ${reason}`);
}

/** The members that are not null; undefined if the text is not a JSON object. */
function parseMembers(text: string): Members | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
}

function granted(
  {
    access_token: token,
    token_type: type = "Bearer",
    expires_in: lifetime = 0,
    refresh_token: next = "",
  }: Members,
): Grant {
  if (token === undefined) throw unusable("'access_token' is missing");
  if (typeof token !== "string") throw unusable("'access_token' is not text");
  if (!TOKEN_TEXT.test(token)) {
    throw unusable("'access_token' is empty or has invalid characters");
  }
  if (String(type).toLowerCase() !== "bearer") throw unusable("'token_type' is not 'Bearer'");
  if (typeof next !== "string") throw unusable("'refresh_token' is not text");
  const lifetimeMs = seconds(lifetime) * 1000;
  return {
    accessToken: token,
    ...(lifetimeMs === 0 ? {} : { lifetimeMs }),
    ...(next === "" ? {} : { refreshToken: next }),
  };
}

/** Reads a number, also one written as text. 0 or less becomes 0: the token does not expire. */
function seconds(lifetime: unknown): number {
  const isText = typeof lifetime === "string" && NUMBER_TEXT.test(lifetime);
  if (typeof lifetime !== "number" && !isText) throw unusable("'expires_in' is not a number");
  return Math.min(Math.max(0, Number(lifetime)), Number.MAX_SAFE_INTEGER);
}
