import { TrustError } from "../http1/tls_failure.ts";

/**
 * There is no token. The message names the token endpoint without its query, and of its response only an error code
 * that OAuth 2.0 knows.
 */
export class TokenError extends TrustError {
  override readonly name = "TokenError";
}
