/** What the system says of an attempt to connect, and what users read. What tells most comes first. */
const REASONS = new Map([
  ["EMFILE", "too many open connections: raise the limit of open files (ulimit -n)"],
  ["ENFILE", "too many open files on this machine: raise fs.file-max"],
  [
    "EADDRNOTAVAIL",
    "no local address or port is free to connect from: raise net.ipv4.ip_local_port_range, or lower concurrency",
  ],
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "connection reset"],
  ["ETIMEDOUT", "connection timed out"],
  ["EHOSTUNREACH", "host unreachable: it is down, or a router or firewall rejects the connection"],
  ["ENETUNREACH", "network unreachable: this machine has no route to the address"],
  ["EAFNOSUPPORT", "this machine does not support this kind of address"],
  ["ENOTFOUND", "host name not found"],
  ["EPERM", "the sandbox does not allow this host"],
]);

const RANKS = new Map([...REASONS.keys()].map((code, rank) => [code, rank]));

const OF_THIS_MACHINE = new Set(["EMFILE", "ENFILE", "EADDRNOTAVAIL", "EPERM"]);

/** Why no connection came about. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** As the system calls it: `ECONNREFUSED`. `EPERM` is a refusal by the sandbox. */
  readonly code: string;

  constructor(code: string, options?: ErrorOptions) {
    const reason = REASONS.get(code);
    super(reason === undefined ? `cannot connect (${code})` : `${reason} (${code})`, options);
    this.code = code;
  }

  /** What the runtime says of an attempt. */
  static of(cause: unknown): ConnectError {
    return cause instanceof ConnectError ? cause : new ConnectError(codeOf(cause), { cause });
  }
}

/** What users read of the code of a failure to connect. */
export function connectReason(code: string): string | undefined {
  return REASONS.get(code);
}

/** Whether this machine lacks what it takes to connect, so that the failure tells nothing of the other side. */
export function isOfThisMachine(code: string): boolean {
  return OF_THIS_MACHINE.has(code);
}

/**
 * Of the failures with all addresses of a name, the one that tells most: that one network cannot be reached says little
 * when the other address refuses the connection.
 */
export function mostTelling(failures: readonly ConnectError[]): ConnectError {
  const rank = ({ code }: ConnectError) => RANKS.get(code) ?? REASONS.size;
  return failures.toSorted((one, other) => rank(one) - rank(other))[0] ??
    new ConnectError("ENOTFOUND");
}

function codeOf(cause: unknown): string {
  if (cause instanceof Deno.errors.NotCapable) return "EPERM";
  if (!(cause instanceof Error)) return "UNKNOWN";
  if ("code" in cause && typeof cause.code === "string") return cause.code;
  if (!/failed to lookup/i.test(cause.message)) return "UNKNOWN";
  return hasNoDescriptors() ? "EMFILE" : "ENOTFOUND";
}

/**
 * Whether the process has no descriptor left. The system's resolver finds no name then, and does not say why. Nor can
 * the runtime read how much memory it takes, for which it needs no permission (Deno 2.6.8).
 */
function hasNoDescriptors(): boolean {
  return Deno.memoryUsage().rss === 0;
}
