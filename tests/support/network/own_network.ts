import type { ConnectOutcome, ConnectPlan } from "./connecting.ts";

/** How to become root of a network of one's own, which has no interfaces but a loopback that is down. */
const NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "--net"];

/** Linux's number for `SYN-SENT`, as `/proc/net/tcp` has it. */
const SYN_SENT = "02";

/**
 * Brings up a network: what is sent to 10.0.0.0/24 is swallowed, and there are no other networks. `$1` has the names
 * of hosts, `$2` what else is to be done.
 */
const SETUP = `
set -e
ip link set lo up
ip link add swallow type veth peer name other
ip address add 10.0.0.1/24 dev swallow
ip link set swallow up
ip link set other up
for last in 2 3 4; do
  ip neighbour add 10.0.0.$last lladdr 02:00:00:00:00:02 dev swallow
done
mount --bind "$1" /etc/hosts
eval "$2"
shift 2
exec "$@"
`;

/** A network of its own for a process, where names have the addresses that the test gives them. */
export class OwnNetwork implements Disposable {
  readonly #hosts = Deno.makeTempFileSync();
  readonly #setup: string;

  /** @param setup what else a shell does to the network */
  constructor(
    hosts: Readonly<Record<string, readonly string[]>>,
    { setup = "" }: { setup?: string | undefined } = {},
  ) {
    const lines = Object.entries(hosts)
      .flatMap(([name, addresses]) => addresses.map((address) => `${address} ${name}\n`));
    Deno.writeTextFileSync(this.#hosts, lines.join(""));
    this.#setup = setup;
  }

  /** Starts there what follows it, as `env` does. The process keeps its id. */
  get starter(): readonly string[] {
    return [...NAMESPACE, "sh", "-c", SETUP, "sh", this.#hosts, this.#setup];
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#hosts);
  }
}

/** How many connections of a process's network are not there yet. */
export function countConnecting(pid: number | "self"): number {
  return [`/proc/${pid}/net/tcp`, `/proc/${pid}/net/tcp6`]
    .flatMap((path) => Deno.readTextFileSync(path).split("\n"))
    .filter((line) => line.trim().split(/\s+/)[3] === SYN_SENT).length;
}

/** Carries out a plan in a network of its own. */
export async function connectInOwnNetwork(
  { hosts, setup, ...plan }: ConnectPlan & {
    readonly hosts: Readonly<Record<string, readonly string[]>>;
    readonly setup?: string | undefined;
  },
): Promise<ConnectOutcome[]> {
  using network = new OwnNetwork(hosts, { setup });
  const program = new URL("connecting.ts", import.meta.url).pathname;
  const deno = [Deno.execPath(), "run", "-A", "--no-prompt", "--frozen", program];
  const [command = "", ...args] = [...network.starter, ...deno, JSON.stringify(plan)];
  const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}
