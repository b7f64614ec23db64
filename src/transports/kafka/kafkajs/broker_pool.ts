import BrokerPool from "kafkajs/src/cluster/brokerPool.js";
import { KafkaJSBrokerNotFound } from "kafkajs/src/errors.js";
import { splitHost } from "../../../core/host.ts";
import { isRefusal } from "../client/client_failure.ts";
import { BrokerRefusedError } from "../client/login_throttle.ts";
import { type BrokerConnection, clientOf } from "./clients.ts";
import { replacement } from "./replacement.ts";

/** The members of kafkajs's BrokerPool used here. */
interface Pool {
  readonly brokers: Readonly<Record<string, Broker>>;
  readonly connectionPoolBuilder: { build(address: object): Promise<object> };
  readonly rootLogger: object;
  seedBroker: Broker & { readonly connectionPool: BrokerConnection };
  metadataExpireAt: number | null;
  createBroker(options: object): Pool["seedBroker"];
  createSeedBroker(): Promise<void>;
  findBroker(node: { nodeId: string }): Promise<Broker>;
  getNodeIds(): readonly string[];
}

interface Broker {
  isConnected(): boolean;
}

type Ask = (broker: { readonly nodeId: string; readonly broker: Broker }) => Promise<unknown>;

const { connect, createSeedBroker, removeBroker } = BrokerPool.prototype;

/** How many seed brokers a pool has created so far. */
const seedBrokers = new WeakMap<object, number>();

export const BROKER_POOL = replacement("BrokerPool", BrokerPool.prototype, {
  /** kafkajs splits an address at its first colon; `bootstrap.servers` may hold IPv6 addresses. */
  async createSeedBroker(this: Pool): Promise<void> {
    await createSeedBroker.call(this);
    const count = seedBrokers.get(this) ?? 0;
    seedBrokers.set(this, count + 1);
    const servers = serversOf(this);
    const server = servers[count % servers.length];
    if (server === undefined) return;
    this.seedBroker = this.createBroker({
      connectionPool: await this.connectionPoolBuilder.build(splitHost(server)),
      logger: this.rootLogger,
    });
  },

  /**
   * Tries the next bootstrap server when one refuses the client or is not trusted, as only that server may be wrong.
   * kafkajs gives up.
   */
  async connect(this: Pool): Promise<void> {
    for (let tried = 1;; tried++) {
      try {
        return await connect.call(this);
      } catch (error) {
        const isOfServer = error instanceof BrokerRefusedError && !error.isAboutAccount;
        if (!isOfServer || tried >= serversOf(this).length) throw error;
        await this.createSeedBroker();
      }
    }
  },

  /**
   * Keeps the last known broker until there is another. If it is unreachable, kafkajs asks `bootstrap.servers` as
   * usual. kafkajs forgets each broker whose connection closes: without any, a consumer ends with "No broker
   * available".
   */
  removeBroker(this: Pool, address: { host: string; port: number }): void {
    if (this.getNodeIds().length > 1) removeBroker.call(this, address);
    else this.metadataExpireAt = null;
  },

  /**
   * Asks one broker after the other until one answers, connected ones first. kafkajs gives up at the first
   * unreachable one, and forgets why the others refused.
   */
  async withBroker(this: Pool, ask: Ask): Promise<unknown> {
    const nodeIds = this.getNodeIds();
    if (nodeIds.length === 0) throw new KafkaJSBrokerNotFound("No brokers in the broker pool");
    const isConnected = (nodeId: string) => this.brokers[nodeId]?.isConnected() === true;
    const unreachable: unknown[] = [];
    const refusals: unknown[] = [];
    for (const nodeId of nodeIds.toSorted((a, b) => +isConnected(b) - +isConnected(a))) {
      const broker = await this.findBroker({ nodeId }).catch((error: unknown) => {
        unreachable.push(error);
        return null;
      });
      if (broker === null) continue;
      try {
        return await ask({ nodeId, broker });
      } catch (error) {
        // Another broker may answer.
        if (isRefusal(error)) refusals.push(error);
      }
    }
    if (unreachable.length === nodeIds.length) throw unreachable[0];
    if (refusals.length > 0) throw refusals[0];
    return null;
  },
});

function serversOf({ seedBroker }: Pool): readonly string[] {
  return clientOf(seedBroker.connectionPool)?.config.bootstrapServers ?? [];
}
