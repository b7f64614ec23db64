import type { ConnectOutcome, ConnectPlan } from "./connecting.ts";

/** How to become root of a network of one's own, which has no interfaces but a loopback that is down. */
const NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "--net"];

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

/** Carries out a plan in a network of its own, where names have the addresses that the test gives them. */
export async function connectInOwnNetwork(
  { hosts: addresses, setup = "", ...plan }: ConnectPlan & {
    /** Addresses by name. */
    readonly hosts: Readonly<Record<string, readonly string[]>>;
    /** What else the shell does to the network. */
    readonly setup?: string | undefined;
  },
): Promise<ConnectOutcome[]> {
  const hosts = await Deno.makeTempFile();
  try {
    const lines = Object.entries(addresses)
      .flatMap(([name, addresses]) => addresses.map((address) => `${address} ${name}\n`));
    await Deno.writeTextFile(hosts, lines.join(""));
    const program = new URL("connecting.ts", import.meta.url).pathname;
    const deno = [Deno.execPath(), "run", "-A", "--no-prompt", "--frozen", program];
    const { success, stdout, stderr } = await new Deno.Command(NAMESPACE[0]!, {
      args: [
        ...NAMESPACE.slice(1),
        ...["sh", "-c", SETUP, "sh", hosts, setup],
        ...deno,
        JSON.stringify(plan),
      ],
      stdin: "null",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(hosts);
  }
}
