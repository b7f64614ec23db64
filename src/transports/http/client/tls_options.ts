import type { HttpTlsConfig } from "../config_tls.ts";

/** What the runtime takes for TLS connections. */
export interface TlsOptions {
  /** Authorities besides the runtime's own. */
  readonly caCerts?: string[];
  readonly cert?: string;
  readonly key?: string;
}

/** A configuration in the runtime's words. */
export function tlsOptions({ ca, cert, key }: HttpTlsConfig = {}): TlsOptions {
  return {
    ...(ca === undefined ? {} : { caCerts: [ca] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}
