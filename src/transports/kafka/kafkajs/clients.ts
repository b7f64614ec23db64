import type { ISocketFactory } from "kafkajs";
import type { Socket } from "node:net";
import type { KafkaClientConfig } from "../config/mod.ts";

/** A client's configuration, and its callbacks for logins. */
export interface ClientAccess {
  readonly config: KafkaClientConfig;
  /** Called when a login succeeds; `broker` is `host:port`. */
  accepted(broker: string): void;
  refused(broker: string, reason: string): void;
  /** Fetches the token for SASL before a connection opens; throws when there is none. */
  prepare?(): Promise<unknown>;
}

/** The members of kafkajs's Connection that eventor uses. */
export interface BrokerConnection {
  readonly host: string;
  readonly port: number;
  /** The name of the broker in messages. */
  broker: string;
  readonly socketFactory: ISocketFactory;
  /** The broker's API versions; null before the ApiVersions request, which is then the first one. */
  readonly versions: unknown;
  /** Set by the first `connect()`. */
  readonly socket?: Socket;
  isConnected(): boolean;
  rejectRequests(error: unknown): void;
  disconnect(): Promise<unknown>;
}

/** Keyed by socket factory, which all connections of a client share. */
const clients = new WeakMap<ISocketFactory, ClientAccess>();

/** Lets {@linkcode clientOf} find a client by its socket factory. */
export function registerClient(factory: ISocketFactory, client: ClientAccess): void {
  clients.set(factory, client);
}

/** The client of a connection; `undefined` when none was registered. */
export function clientOf(
  { socketFactory }: Pick<BrokerConnection, "socketFactory">,
): ClientAccess | undefined {
  return clients.get(socketFactory);
}
