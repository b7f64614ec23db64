/** A request of kafkajs, and how its response is read. */
export interface KafkaRequest {
  readonly request: { readonly apiVersion: number };
  readonly response: object;
}

/** kafkajs's function for one version of a request. */
export type CreateRequest = (payload: never) => KafkaRequest;

/** A broker's choice of the version that both sides know. */
type Lookup = (...api: unknown[]) => CreateRequest;

/** The same broker with changed requests, which it sends for nobody else. */
export function withRequests<Broker extends object>(
  broker: Broker,
  change: (create: CreateRequest) => CreateRequest,
): Broker {
  const { lookupRequest } = broker as unknown as { lookupRequest: Lookup };
  return Object.create(broker, {
    lookupRequest: { value: (...api: unknown[]) => change(lookupRequest.apply(broker, api)) },
  });
}
