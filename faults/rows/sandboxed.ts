import { TcpProxy } from "../../tests/support/network/tcp_proxy.ts";
import { isAmong, type Rule } from "../endpoint_rules.ts";
import { calledOften, misplaced } from "../examinations.ts";
import type { StoredEvent } from "../history.ts";
import type { Row } from "../row.ts";

const REDIRECTED = { fromPercent: 0, toPercent: 6 };
const UNGRANTED = /broker \S+ is new and not among the hosts/;

/**
 * Where an endpoint redirects to, and what a broker calls itself, are others' words: the one is not followed, the other
 * only by a new start. URLs that depend on events, which would be a third way out, do not exist yet.
 */
export const sandboxed: Row = {
  number: 31,
  fault: "redirects to other hosts and ports; a broker that gets another address",
  short: { events: 1500, perSecond: 300, faults: 1 },
  long: { events: 20_000, perSecond: 300, faults: 5 },
  limits: (world) => ({
    duplicates: world.lookahead(world.size.faults),
    recoveryMs: 15_000,
  }),
  async run(world) {
    await using elsewhere = new Listening();
    await world.endpoint.behave(redirects(elsewhere.address));
    const broker = world.broker.bootstrapServer;
    await using bootstrap = new TcpProxy(broker);
    let proxy = new TcpProxy(broker);
    bootstrap.advertised = proxy.address;
    const quickly = {
      "topic.metadata.refresh.interval.ms": 1000,
      "reconnect.backoff.max.ms": 1000,
    };
    const { deadLetters } = world.topics;
    const eventor = world.start({
      broker: bootstrap.address,
      pipeline: { deadLetters, consumerConfig: quickly, producerConfig: quickly },
    });
    let moves = 0;
    try {
      world.flow();
      for await (const _ of world.faultMoments()) {
        await world.fault("the broker has another address", async () => {
          const next = new TcpProxy(broker);
          bootstrap.advertised = next.address;
          await proxy[Symbol.asyncDispose]();
          proxy = next;
        });
        moves++;
        await eventor.line(new RegExp(`may connect to .*${proxy.address}`));
      }
      await world.finishFlow();
      await world.settle();
      await world.stop(eventor);
    } finally {
      await proxy[Symbol.asyncDispose]();
    }
    const said = eventor.count(UNGRANTED);
    if (said > moves) world.finding(`${said} times an ungranted broker, for ${moves} moves`);
    if (elsewhere.connections > 0) {
      world.finding(`${elsewhere.connections} connections to where a redirect led`);
    }
  },
  examine: (history, { topics }) => [
    ...misplaced(
      history,
      (event) => isRedirected(event) ? topics.deadLetters : topics.results,
    ),
    // Once, and once more when the pipeline began anew meanwhile.
    ...calledOften(history, { isMeant: isRedirected, most: 1 + history.faults.length }),
  ],
};

function isRedirected(event: StoredEvent): boolean {
  return isAmong(event, REDIRECTED);
}

function redirects(other: string): Rule[] {
  const redirect = (status: number, location: string, fromPercent: number): Rule => ({
    events: { fromPercent, toPercent: fromPercent + 2 },
    answer: { kind: "status", status, headers: { location } },
  });
  return [
    redirect(307, "http://169.254.169.254/latest/meta-data/", 0),
    redirect(308, `http://${other}/`, 2),
    redirect(302, `http://${other}/`, 4),
  ];
}

/** A port of the same host that nothing should connect to. */
class Listening implements AsyncDisposable {
  readonly address: string;
  connections = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #accepting: Promise<void>;

  constructor() {
    this.address = `127.0.0.1:${this.#listener.addr.port}`;
    this.#accepting = this.#accept();
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.connections++;
      connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
  }
}
