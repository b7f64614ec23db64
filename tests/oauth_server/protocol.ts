/** How an OAuth 2.0 server is to be. */
export interface ServerConfig {
  /** 0 for one that is free. */
  readonly port: number;
  /** How long access tokens are good for, in seconds. */
  readonly lifetimeS: number;
  /** Metadata of OpenID Connect Dynamic Client Registration. */
  readonly clients: readonly Readonly<Record<string, unknown>>[];
  readonly tls?: { readonly cert: string; readonly key: string };
  /** How access tokens are signed, so that others can check them (RFC 9068); without it, only the server can. */
  readonly signedTokens?: SignedTokens;
}

/** Access tokens that others can check. */
export interface SignedTokens {
  readonly audience: string;
  readonly scope: string;
  /** An elliptic key on P-256, as a JSON Web Key. */
  readonly key: Readonly<Record<string, unknown>>;
}

/** What a running server is told to do. */
export type Command =
  | { readonly kind: "requests" }
  | { readonly kind: "refreshToken"; readonly clientId: string };

/** What it says of that. */
export interface Served {
  readonly issuer?: string;
  readonly requests?: readonly TokenRequest[];
  readonly refreshToken?: string;
}

/** A request for a token, as the server has answered it. */
export interface TokenRequest {
  readonly atMs: number;
  readonly grant: string;
  readonly status: number;
}
