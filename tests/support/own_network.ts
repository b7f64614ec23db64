import type { ConnectOutcome, ConnectPlan } from "./connecting.ts";

/** How to become root of a network of one's own, which has no interfaces but a loopback that is down. */
const NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "--net"];

/**
 * Brings up a network: to whatever 10.0.0.0/24 is sent is swallowed, and there are no other networks. `$1` has the
 * names of hosts.
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
shift
exec "$@"
`;

/** Carries out a plan in a network of its own, where names have the addresses that the test gives them. */
export async function connectInOwnNetwork(
  plan: ConnectPlan & { readonly hosts: Readonly<Record<string, readonly string[]>> },
): Promise<ConnectOutcome[]> {
  const hosts = await Deno.makeTempFile();
  try {
    const lines = Object.entries(plan.hosts)
      .flatMap(([name, addresses]) => addresses.map((address) => `${address} ${name}\n`));
    await Deno.writeTextFile(hosts, lines.join(""));
    const program = new URL("connecting.ts", import.meta.url).pathname;
    const deno = [Deno.execPath(), "run", "-A", "--no-prompt", "--frozen", program];
    const { success, stdout, stderr } = await new Deno.Command(NAMESPACE[0]!, {
      args: [
        ...NAMESPACE.slice(1),
        ...["sh", "-c", SETUP, "sh", hosts],
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
