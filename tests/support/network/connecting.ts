/**
 * A program of the tests: listens at some addresses, connects in sandboxes, and prints what came of it.
 *
 * @module
 */
import { eventually } from "../eventually.ts";
import { countConnecting } from "./own_network.ts";

/** That of this network, which has its own. */
const HOSTS = "/etc/hosts";

/** What to do. */
export interface ConnectPlan {
  /** Where somebody listens, all at the same port. */
  readonly listenAt: readonly string[];
  readonly attempts: readonly ConnectAttempt[];
}

/** One after the other. */
export interface ConnectAttempt {
  readonly host: string;
  /** What the sandbox allows, separated by commas, `PORT` for the port at which somebody listens. */
  readonly grant: string;
  readonly timeoutMs?: number;
  /** Connects to this address instead, with what the sandbox gave for the host. */
  readonly instead?: { readonly address: string; readonly isOtherPort?: boolean };
  /** So many at the same time; the last one to end tells the result. */
  readonly count?: number;
  readonly keepsOpen?: boolean;
  /** Before the attempt, the same sandbox connects once to the host while it has these addresses. */
  readonly addressesBefore?: readonly string[];
}

/** What came of an attempt. */
export interface ConnectOutcome {
  /** The address that was connected to, or why there is none. */
  readonly result: string;
  readonly elapsedMs: number;
  /** Connections of this machine that are not there yet, soon after the attempt has ended. */
  readonly connecting: number;
}

/** What a Worker is told: to connect, and to give up after so long. */
export interface ConnectOrder extends Required<Pick<ConnectAttempt, "timeoutMs" | "keepsOpen">> {
  readonly host: string;
  readonly port: number;
  readonly instead?: ConnectAttempt["instead"];
}

if (import.meta.main) {
  const outcomes = await carryOut(JSON.parse(Deno.args[0]!));
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(outcomes)));
  Deno.exit();
}

async function carryOut({ listenAt, attempts }: ConnectPlan): Promise<ConnectOutcome[]> {
  let port = 0;
  for (const hostname of listenAt) {
    const listener = Deno.listen({ hostname, port });
    port = listener.addr.port;
    void acceptAll(listener);
  }
  // Some port at which nobody listens.
  if (port === 0) port = 7001;
  const outcomes = [];
  for (const attempt of attempts) outcomes.push(await make(attempt, port));
  return outcomes;
}

async function acceptAll(listener: Deno.Listener): Promise<void> {
  for await (const connection of listener) {
    void connection.read(new Uint8Array(1)).catch(() => {}).then(() => connection.close());
  }
}

async function make(
  { host, grant, timeoutMs = 5000, count = 1, keepsOpen = false, instead, addressesBefore }:
    ConnectAttempt,
  port: number,
): Promise<ConnectOutcome> {
  const worker = new Worker(new URL("connecting_worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions: { net: grant.replaceAll("PORT", `${port}`).split(",") } },
  });
  const answer = () =>
    new Promise<string>((resolve) => worker.onmessage = ({ data }) => resolve(data));
  const order: ConnectOrder = { host, port, timeoutMs, keepsOpen, instead };
  if (addressesBefore !== undefined) {
    const hosts = await Deno.readTextFile(HOSTS);
    const lines = addressesBefore.map((address) => `${address} ${host}\n`);
    await Deno.writeTextFile(HOSTS, lines.join(""));
    worker.postMessage({ ...order, instead: undefined });
    const reached = await answer();
    await Deno.writeTextFile(HOSTS, hosts);
    if (!addressesBefore.includes(reached)) throw new Error(`before: ${reached}`);
  }
  const startedMs = performance.now();
  let result = "";
  for (let left = count; left > 0; left--) worker.postMessage(order);
  for (let left = count; left > 0; left--) result = await answer();
  const elapsedMs = performance.now() - startedMs;
  // Those that are left stay for as long as the system tries.
  await eventually(() => countConnecting("self") === 0, { deadlineMs: 500, what: "" }).catch(
    () => {},
  );
  const connecting = countConnecting("self");
  worker.terminate();
  return { result, elapsedMs, connecting };
}
