/** The system's codes of failures to connect, with texts for users. The most telling comes first. */
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

export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** The system's code, such as `ECONNREFUSED`. `EPERM` is a refusal by the sandbox. */
  readonly code: string;

  constructor(code: string, options?: ErrorOptions) {
    const reason = REASONS.get(code);
    super(reason === undefined ? `cannot connect (${code})` : `${reason} (${code})`, options);
    this.code = code;
  }

  /** Converts an error of the runtime. */
  static of(cause: unknown): ConnectError {
    return cause instanceof ConnectError ? cause : new ConnectError(codeOf(cause), { cause });
  }
}

/** The text for users of a code; undefined if unknown. */
export function connectReason(code: string): string | undefined {
  return REASONS.get(code);
}

/** Whether this machine lacks a resource or a permission: the failure says nothing about the other side. */
export function isOfThisMachine(code: string): boolean {
  return OF_THIS_MACHINE.has(code);
}

/**
 * The most telling of the failures of all addresses of a name: an unreachable network says little if another address
 * refuses the connection.
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
 * Whether the process has no file descriptor left. The system's resolver then finds no name, and gives no reason. The
 * runtime cannot read its own memory use either, which needs no permission (Deno 2.6.8).
 */
function hasNoDescriptors(): boolean {
  return Deno.memoryUsage().rss === 0;
}
