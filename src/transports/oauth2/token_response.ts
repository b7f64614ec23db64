/** Tokens have up to some kilobytes. */
const MAX_BYTES = 256 * 1024;

/** What a token may consist of, as it becomes a part of a header. */
const TOKEN_TEXT = /^[\x21-\x7e]+$/;

const NUMBER_TEXT = /^\s*-?\d+(?:\.\d+)?\s*$/;

/** Codes of errors (RFC 6749, 5.2, RFC 8707, 2, and OpenID Connect), as anything else may hold whatever we have sent. */
export const ERROR_CODES: ReadonlySet<unknown> = new Set([
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

/** The answer is not what a token endpoint may send. The message says which field, and holds nothing of the answer. */
export class TokenAnswerError extends Error {
  override readonly name = "TokenAnswerError";
}

type Members = Readonly<Record<string, unknown>>;

/**
 * A response of bounded size, as the client library takes it. The library is stricter than many servers are: to it null
 * is a value, and `token_type` has to be there. Members that are of no use here are left out.
 *
 * @throws {TokenAnswerError} when a success grants no bearer token, or a field of it cannot be read
 */
export async function readTokenResponse(response: Response): Promise<Response> {
  const { status, ok } = response;
  const text = await readText(response);
  if (text === "" && status !== 200) return new Response(null, { status });
  const members = parseMembers(text);
  if (members === undefined) {
    if (ok) throw new TokenAnswerError("its body is no JSON object");
    return new Response(text, { status });
  }
  if (!ok) return Response.json(members, { status });
  // Some servers say with status 200 why there is no token.
  const isError = members["access_token"] === undefined && ERROR_CODES.has(members["error"]);
  return isError ? Response.json(members, { status: 400 }) : Response.json(granted(members));
}

async function readText({ body, ok }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [text, length] = ["", 0];
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > MAX_BYTES) {
      if (ok) throw new TokenAnswerError(`its body is larger than ${MAX_BYTES / 1024} KiB`);
      return "";
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** The members that are not null; `undefined` when the text is no JSON object. */
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

function granted(members: Members): Members {
  const {
    access_token: token,
    token_type: type = "Bearer",
    expires_in: lifetime,
    refresh_token: next = "",
  } = members;
  const refuse = (field: string, reason: string): never => {
    throw new TokenAnswerError(`'${field}' ${reason}`);
  };
  if (token === undefined) refuse("access_token", "is missing");
  if (typeof token !== "string") refuse("access_token", "is not text");
  if (!TOKEN_TEXT.test(String(token))) {
    refuse("access_token", "is empty, or has characters that no token has");
  }
  if (String(type).toLowerCase() !== "bearer") refuse("token_type", "is not 'Bearer'");
  if (typeof next !== "string") refuse("refresh_token", "is not text");
  return {
    access_token: token,
    token_type: type,
    ...(lifetime === undefined ? {} : {
      expires_in: seconds(lifetime) ?? refuse("expires_in", "is not a number"),
    }),
    ...(next === "" ? {} : { refresh_token: next }),
  };
}

/** Of a number, or of one that is written as text. What is not above 0 says that a token does not expire. */
function seconds(lifetime: unknown): number | undefined {
  if (typeof lifetime === "string" && NUMBER_TEXT.test(lifetime)) return seconds(Number(lifetime));
  if (typeof lifetime !== "number") return undefined;
  return Math.min(Math.max(0, lifetime), Number.MAX_SAFE_INTEGER);
}
