import { TrustError } from "../http1/tls_failure.ts";

/**
 * Why there is no token. The message names the token endpoint without its query; of what that has written, it shows
 * nothing but a code that OAuth 2.0 knows.
 */
export class TokenError extends TrustError {
  override readonly name = "TokenError";
}
