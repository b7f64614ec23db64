import { fileURLToPath } from "node:url";
import { eventually, inTime } from "../../tests/support/eventually.ts";
import { kafkaPipeline } from "../../tests/support/executable/pipeline_yaml.ts";
import type { Eventor } from "../eventor.ts";
import { GroupWatch } from "../group_watch.ts";
import type { Row } from "../row.ts";
import type { World } from "../world.ts";

const script = fileURLToPath(new URL("../misbehaving_process.ts", import.meta.url));

/** Small, so that a Worker has soon used it up. */
const HEAP_MB = 150;
const EFFECT_DEADLINE_MS = 30_000;

/** What a Worker does, and whether its process ends of that: a thread that never yields cannot be stopped. */
const MISBEHAVIOURS = [
  { what: "throws", endsProcess: false },
  { what: "loops", endsProcess: true },
  { what: "takes all memory", endsProcess: true },
  { what: "rejects", endsProcess: false },
  { what: "exits", endsProcess: true },
];

/** The Worker of one of two pipelines goes wrong. */
export const misbehavingWorker: Row = {
  number: 27,
  fault: "a Worker throws, rejects, exits, loops, or takes all memory",
  short: { events: 2000, perSecond: 300, faults: 3 },
  long: { events: 40_000, perSecond: 500, faults: 10 },
  limits: (world) => ({ duplicates: world.lookahead(world.size.faults), recoveryMs: 30_000 }),
  async run(world) {
    await using stack = new AsyncDisposableStack();
    const other = stack.use(new OtherPipeline(world));
    let eventor = other.startBesides();
    world.flow();
    for await (const number of world.faultMoments()) {
      const { what, endsProcess } = MISBEHAVIOURS[number % MISBEHAVIOURS.length]!;
      await world.fault(`a Worker ${what}`, async () => {
        const effect = endsProcess ? ended(world, { eventor, what }) : restarted(eventor, other);
        const body = `misbehave:${what}`;
        await world.endpoint.behave([{ answer: { kind: "status", status: 200, body } }]);
        await effect;
        await world.endpoint.behave([]);
        if (endsProcess) eventor = other.startBesides();
      });
    }
    await world.finishFlow();
  },
};

/** A pipeline that does not misbehave, in the same process, with a group and an endpoint of its own. */
class OtherPipeline implements AsyncDisposable {
  readonly #world: World;
  readonly #watch: GroupWatch;
  readonly #closing = new AbortController();
  readonly #endpoint = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {}, signal: this.#closing.signal },
    (request) => new Response(request.body),
  );

  constructor(world: World) {
    this.#world = world;
    this.#watch = new GroupWatch({
      broker: world.broker.bootstrapServer,
      topic: world.topics.events,
      group: this.#group,
    });
  }

  get #group(): string {
    return `${this.#world.topics.group}-other`;
  }

  get committed(): number {
    return this.#watch.committed;
  }

  /** Starts a process with it and with the pipeline that misbehaves. */
  startBesides(): Eventor {
    const sizing = `--v8-flags=--max-old-space-size=${HEAP_MB}`;
    return this.#world.start({
      command: [Deno.execPath(), "run", "-A", "--no-check", "--frozen", sizing, script],
      otherPipelines: kafkaPipeline({
        name: "other",
        broker: this.#world.broker.bootstrapServer,
        topic: this.#world.topics.events,
        group: this.#group,
        url: `http://127.0.0.1:${this.#endpoint.addr.port}/`,
        logLevel: "INFO",
        consumerConfig: {
          "session.timeout.ms": this.#world.sessionTimeoutMs,
          "heartbeat.interval.ms": 500,
        },
      }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch[Symbol.asyncDispose]();
    // A shutdown would wait for the connections that the process keeps.
    this.#closing.abort();
  }
}

async function ended(
  world: World,
  { eventor, what }: { eventor: Eventor; what: string },
): Promise<void> {
  const { value: found } = await inTime(eventor.ended(), {
    deadlineMs: EFFECT_DEADLINE_MS,
    what: `the end of a process whose Worker ${what}`,
  });
  if (found === 0) world.finding(`the process ended with 0, though a Worker ${what}`);
}

/** Resolves once the pipeline is started again, and the other one has gone on meanwhile. */
async function restarted(eventor: Eventor, other: OtherPipeline): Promise<void> {
  const stops = new RegExp(`pipeline '${eventor.name}' stopped: .* on purpose`);
  const [stopped, committed] = [eventor.count(stops), other.committed];
  await eventually(() => eventor.count(stops) > stopped && other.committed > committed, {
    deadlineMs: EFFECT_DEADLINE_MS,
    what: () => `that one pipeline stops and the other goes on; ${eventor.logEnd}`,
  });
}
