/** What the endpoint does with calls. The first rule that is for a call decides; without any it sends the body back. */
export interface Rule {
  /** Only for calls for events of this partition. */
  readonly partition?: number;
  /** Only for calls with this path: those of one member. */
  readonly path?: string;
  /** Only for this share of the calls, by chance. */
  readonly share?: number;
  /** How long it takes, at least and at most. */
  readonly latencyMs?: readonly [number, number];
  /** The body that came, if absent. */
  readonly answer?: Answer;
}

/** What is sent back. */
export type Answer =
  /** Nothing at all, while the connection stays open. */
  | { readonly kind: "hang" }
  | {
    readonly kind: "status";
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    /** The body that came, if absent. */
    readonly body?: string;
  };

/** What the endpoint's process is told, one JSON line each; it answers each with the count of secretless calls. */
export type EndpointCommand =
  | { readonly kind: "rules"; readonly rules: readonly Rule[] }
  /** Refuses connections and ends those that are open, or takes them again at the same port. */
  | { readonly kind: "listen"; readonly listening: boolean }
  /** Has the call log written. */
  | { readonly kind: "flush" };
