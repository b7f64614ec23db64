import BrokerPool from "kafkajs/src/cluster/brokerPool.js";
import { splitHost } from "../../../core/host.ts";
import { BrokerRefusedError } from "./admission.ts";
import { type BrokerConnection, clientOf } from "./broker_access.ts";

/** How many seed brokers a pool has created so far. */
const asked = new WeakMap<object, number>();

/**
 * Patches kafkajs: `bootstrap.servers` may hold IPv6 addresses, which kafkajs splits at their first colon. When a
 * server refuses the client or is not trusted, kafkajs tries the next one, as only that server may be wrong.
 */
export function askBootstrapServers(): void {
  const { connect, createSeedBroker } = BrokerPool.prototype;
  BrokerPool.prototype.createSeedBroker = async function () {
    await createSeedBroker.call(this);
    const count = asked.get(this) ?? 0;
    asked.set(this, count + 1);
    const servers = serversOf(this.seedBroker.connectionPool);
    const server = servers[count % servers.length];
    if (server === undefined) return;
    this.seedBroker = this.createBroker({
      connectionPool: await this.connectionPoolBuilder.build(splitHost(server)),
      logger: this.rootLogger,
    });
  };
  BrokerPool.prototype.connect = async function () {
    for (let tried = 1;; tried++) {
      try {
        return await connect.call(this);
      } catch (error) {
        const { length } = serversOf(this.seedBroker.connectionPool);
        const isOfServer = error instanceof BrokerRefusedError && !error.isAboutAccount;
        if (!isOfServer || tried >= length) throw error;
        await this.createSeedBroker();
      }
    }
  };
}

function serversOf(pool: BrokerConnection): readonly string[] {
  return clientOf(pool)?.config.bootstrapServers ?? [];
}
