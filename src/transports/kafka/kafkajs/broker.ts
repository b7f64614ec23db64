import KafkajsBroker from "kafkajs/src/broker/index.js";
import { consumerOf, type FetchedOffset, type JoinResponse } from "./consumers.ts";
import { createErrorFromCode } from "./protocol.ts";
import { replacement } from "./replacement.ts";

/** LEADER_NOT_AVAILABLE: the only error code after which kafkajs requests metadata again. */
const ASK_AGAIN = 5;

/** A request about a group. */
interface GroupRequest {
  readonly groupId: string;
}

interface FetchedOffsets {
  readonly responses: readonly { readonly partitions: readonly FetchedOffset[] }[];
}

const { findGroupCoordinator, heartbeat, joinGroup, metadata, offsetFetch, syncGroup } =
  KafkajsBroker.prototype;

export const BROKER = replacement("Broker", KafkajsBroker.prototype, {
  /** Asks again when a broker that is starting lists no brokers: kafkajs would forget all of them. */
  async metadata(topics: readonly string[]): Promise<unknown> {
    const response = await metadata.call(this, topics);
    if (response.brokers.length > 0) return response;
    throw Object.assign(createErrorFromCode(ASK_AGAIN), { message: "it knows of no broker yet" });
  },

  // kafkajs repeats requests to a coordinator without a log line, so they are reported to the consumer.

  async findGroupCoordinator(request: GroupRequest): Promise<unknown> {
    try {
      return await findGroupCoordinator.call(this, request);
    } catch (error) {
      consumerOf(request)?.coordinator.failed(error);
      throw error;
    }
  },

  /** kafkajs forgets the member id that it was given, and does not leave when it is closed while joining. */
  joinGroup(request: GroupRequest): Promise<JoinResponse> {
    const send = (broker: object): Promise<JoinResponse> => joinGroup.call(broker, request);
    const consumer = consumerOf(request);
    return served(request, () => consumer?.joinGroup(this, send) ?? send(this));
  },

  /** A leading kafkajs would assign all members partitions of its own topics. */
  syncGroup(request: GroupRequest): Promise<unknown> {
    return served(request, async () => {
      const groupAssignment = await consumerOf(request)?.assignment();
      const own = groupAssignment === undefined ? request : { ...request, groupAssignment };
      return await syncGroup.call(this, own);
    });
  },

  heartbeat(request: GroupRequest): Promise<unknown> {
    return served(request, () => heartbeat.call(this, request));
  },

  /** kafkajs forgets the metadata of commits. */
  async offsetFetch(request: GroupRequest): Promise<FetchedOffsets> {
    const fetched: FetchedOffsets = await served(request, () => offsetFetch.call(this, request));
    consumerOf(request)?.committed(fetched.responses.flatMap(({ partitions }) => partitions));
    return fetched;
  },
});

/** Reports to the consumer of a group whether its coordinator has served a request. */
async function served<T>(request: GroupRequest, send: () => Promise<T>): Promise<T> {
  const coordinator = consumerOf(request)?.coordinator;
  try {
    const response = await send();
    coordinator?.served();
    return response;
  } catch (error) {
    coordinator?.failed(error);
    throw error;
  }
}
