/**
 * Why there is no token. The message names the token endpoint without its query; of what that has written, it shows
 * nothing but a code that OAuth 2.0 knows.
 */
export class TokenError extends Error {
  override readonly name = "TokenError";
}
