import { assert, assertEquals } from "@std/assert";
import type { EventorProcess } from "../../executable/eventor_process.ts";
import { eventually } from "../../eventually.ts";
import { freshName, produce, readTopic } from "../broker.ts";
import { OAuthServer, signedTokens } from "../../http/oauth_server.ts";
import { kafkaPipeline, type PipelineYaml } from "../../executable/pipeline_yaml.ts";
import type { ScramCredential } from "./scram_credentials.ts";
import { SecuredBroker } from "./secured_broker.ts";
import {
  SCRAM_USERS,
  SECRETS,
  type SecuredKeys,
  securedKeys,
  type SecurityKind,
} from "./secured_keys.ts";

/** Tokens and sessions are short, so that each test sees several. */
const TOKEN_LIFETIME_S = 10;

/** After how long at most a client has to show anew who it is. */
export const MAX_SESSION_MS = 6000;

/** How tokens are signed that the broker takes. */
export const SIGNED_TOKENS = signedTokens("kafka", "kafka");

const NO_ENDPOINT = "http://127.0.0.1:9/";

/** Topics of a pipeline. */
export interface PipelineTopics {
  readonly topic: string;
  readonly results: string;
  readonly deadLetters: string;
}

/** A broker that looks who comes, and a server whose tokens it takes. */
export class SecuredWorld implements AsyncDisposable {
  readonly broker: SecuredBroker;
  readonly tokens: OAuthServer;
  /** Keys by which the broker lets a client in. */
  readonly kinds: Readonly<Record<SecurityKind, SecuredKeys>>;

  private constructor(
    { broker, tokens, kinds }: Pick<SecuredWorld, "broker" | "tokens" | "kinds">,
  ) {
    this.broker = broker;
    this.tokens = tokens;
    this.kinds = kinds;
  }

  static async start(): Promise<SecuredWorld> {
    const lifetimeS = TOKEN_LIFETIME_S;
    const tokens = await OAuthServer.start({ lifetimeS, signedTokens: SIGNED_TOKENS });
    const { issuer, jwksUrl } = tokens;
    const broker = await SecuredBroker.start({
      tokens: { jwksUrl, issuer, audience: SIGNED_TOKENS.audience },
      maxReauthMs: MAX_SESSION_MS,
    });
    for (const user of SCRAM_USERS) await broker.setScramPassword(user);
    return new SecuredWorld({ broker, tokens, kinds: await securedKeys(broker, tokens) });
  }

  /** Topics that no other test has. */
  async someTopics(name: string): Promise<PipelineTopics> {
    const topic = freshName(name);
    const topics = { topic, results: `${topic}-results`, deadLetters: `${topic}-dead` };
    await this.broker.createTopics(...Object.values(topics));
    return topics;
  }

  /** A pipeline whose clients all have the same keys. */
  pipelineOf(
    { listener, keys }: SecuredKeys,
    { address = this.broker.address(listener), ...pipeline }:
      & Pick<PipelineYaml, "topic">
      & Partial<PipelineYaml>
      & { address?: string },
  ): string {
    return kafkaPipeline({
      url: NO_ENDPOINT,
      broker: address,
      consumerConfig: keys,
      producerConfig: keys,
      logLevel: "INFO",
      ...pipeline,
    });
  }

  async send(topic: string, ...values: string[]): Promise<void> {
    const records = values.map((value) => ({ key: "key", value }));
    await produce(topic, records, { broker: this.broker.bootstrapServer });
  }

  /** Values of a topic, read by a listener that lets everybody in. */
  async valuesOf(topic: string): Promise<string[]> {
    const records = await readTopic(topic, { broker: this.broker.bootstrapServer });
    return records.map(({ value }) => new TextDecoder().decode(value ?? new Uint8Array()));
  }

  /** Resolves once a topic holds just these values. */
  async untilHolds(
    topic: string,
    values: readonly string[],
    { lines }: EventorProcess,
  ): Promise<void> {
    let held: string[] = [];
    await eventually(async () => (held = await this.valuesOf(topic)).length >= values.length, {
      deadlineMs: 40_000,
      what: () => `${topic} holds ${values}, not ${held}; the log:\n${lines.slice(-20).join("\n")}`,
    });
    assertEquals(held, values);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker[Symbol.asyncDispose]();
    await this.tokens[Symbol.asyncDispose]();
  }
}

/** The user of SCRAM that keys name. */
export function userOf({ keys }: SecuredKeys): ScramCredential {
  const user = SCRAM_USERS.find(({ user }) => user === keys["sasl.username"]);
  if (user === undefined) throw new TypeError("these keys name no user of SCRAM");
  return user;
}

/** No line shows a secret or a stack. */
export function assertDiscreet(lines: readonly string[]): void {
  const text = lines.join("\n");
  for (const secret of SECRETS) assert(!text.includes(secret), `the log shows '${secret}'`);
  assert(!/^\s+at /m.test(text), "the log shows a stack");
}
