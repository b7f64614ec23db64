import { assert, assertEquals } from "@std/assert";
import { Kafka, logLevel } from "kafkajs";
import BrokerPool from "kafkajs/src/cluster/brokerPool.js";
import { requests } from "kafkajs/src/protocol/requests/index.js";
import { createCluster } from "../../../../src/transports/kafka/kafkajs/cluster.ts";
import { patchKafkajs } from "../../../../src/transports/kafka/kafkajs/mod.ts";
import { eventually } from "../../../support/eventually.ts";
import {
  committedOffsets,
  freshName,
  freshTopic,
  produce,
  testBroker,
} from "../../../support/kafka/broker.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";
import { TcpProxy } from "../../../support/network/tcp_proxy.ts";

patchKafkajs();

/** How many of the next answers about a cluster name no broker, as those of one that has just started do. */
let emptyAnswers = 0;
const { protocol } = requests.Metadata;
requests.Metadata.protocol = (options: object) => (payload: object) => {
  const { request, response } = protocol(options)(payload);
  const parse = async (answer: object) => {
    const parsed = await response.parse(answer);
    return emptyAnswers-- > 0 ? { ...parsed, brokers: [] } : parsed;
  };
  return { request, response: { ...response, parse } };
};

Deno.test("a client keeps the only broker that it knows, and asks anew for others, when its connection has closed", async () => {
  await using client = await aClient();
  const { pool } = client;
  const known = pool.getNodeIds();
  pool.removeBroker(addressOf(testBroker()));
  assertEquals([known.length, pool.getNodeIds()], [1, known]);
  assertEquals(pool.metadataExpireAt, null);
});

Deno.test("a client forgets one of several brokers when its connection has closed", () => {
  const pool: BrokerPool = Object.assign(Object.create(BrokerPool.prototype), {
    brokers: {
      1: { nodeId: 1, connectionPool: { host: "broker-1", port: 9092 } },
      2: { nodeId: 2, connectionPool: { host: "broker-2", port: 9092 } },
    },
    seedBroker: {},
  });
  pool.removeBroker({ host: "broker-1", port: 9092 });
  assertEquals(pool.getNodeIds(), ["2"]);
});

Deno.test("a client asks again, and keeps the brokers that it knows, while one answers that there are none", async () => {
  await using client = await aClient();
  const known = client.pool.getNodeIds();
  emptyAnswers = 2;
  await client.refreshMetadata();
  assert(emptyAnswers < 0, `${emptyAnswers} answers are left, so it has not asked again`);
  assertEquals(client.pool.getNodeIds(), known);
});

Deno.test("KafkaListener goes on as the same consumer when its only broker comes back at another address", async () => {
  await using bootstrap = new TcpProxy(testBroker());
  await using first = new TcpProxy(testBroker());
  await using second = new TcpProxy(testBroker());
  const topic = await freshTopic("address");
  const group = freshName("address");
  await produce(topic, [{ value: "before" }]);
  bootstrap.advertised = first.address;
  await using listening = await KafkaListening.open({
    topic,
    group,
    keys: { "bootstrap.servers": bootstrap.address, "reconnect.backoff.ms": 100 },
  });
  await listening.received(1);
  await eventually(async () => (await committedOffsets(group, topic)).get(0) === 1, {
    what: "the commit",
  });

  bootstrap.advertised = second.address;
  await first[Symbol.asyncDispose]();
  await produce(topic, [{ value: "after" }]);
  await listening.received(2);

  assertEquals(listening.values, ["before", "after"]);
  assert(second.opened > 0, "it goes by the new address");
});

/** A client of the test broker that has asked for its cluster. */
async function aClient() {
  const kafka = new Kafka({ brokers: [testBroker()], logLevel: logLevel.NOTHING });
  const cluster = createCluster(kafka);
  await cluster.connect();
  await cluster.refreshMetadata();
  const pool: BrokerPool = Reflect.get(cluster, "brokerPool");
  return {
    pool,
    refreshMetadata: () => cluster.refreshMetadata(),
    [Symbol.asyncDispose]: () => cluster.disconnect(),
  };
}

function addressOf(server: string): { host: string; port: number } {
  const [host = "", port] = server.split(":");
  return { host, port: Number(port) };
}
