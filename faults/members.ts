import { Eventor } from "./eventor.ts";
import type { ProcessEnd } from "./history.ts";
import { memberConfig, type MemberDefaults, type MemberSettings } from "./member_config.ts";

/** What eventor's default `shutdownTimeout` and leaving the group may take, and a busy machine. */
const STOP_MS = 25_000 + 3000 + 2000;

/** The members of a row's group, from the first one to those that run. They end with their scope. */
export class Members implements AsyncDisposable {
  /** The names of those that were killed. */
  readonly killed = new Set<string>();
  readonly #command: readonly string[];
  readonly #defaults: MemberDefaults;
  readonly #all: Eventor[] = [];

  /** @param command runs eventor, when its own arguments follow */
  constructor(command: readonly string[], defaults: MemberDefaults) {
    this.#command = command;
    this.#defaults = defaults;
  }

  start(settings: MemberSettings): Eventor {
    const { name = `member${this.#all.length + 1}`, command = this.#command, env, readsLog } =
      settings;
    const eventor = new Eventor({
      name,
      command,
      config: memberConfig(name, settings, this.#defaults),
      canary: this.#defaults.canary,
      ...(env === undefined ? {} : { env }),
      ...(readsLog === undefined ? {} : { readsLog }),
    });
    this.#all.push(eventor);
    return eventor;
  }

  /** Ends a member by SIGKILL. */
  async kill(member: Eventor): Promise<void> {
    this.killed.add(member.name);
    await member.kill();
  }

  /** Ends a member by SIGTERM, which it has to obey in time. */
  async stop(member: Eventor, { maxMs = STOP_MS } = {}): Promise<void> {
    await member.stop({ maxMs });
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#all.map((member) => this.stop(member)));
  }

  /** How they ended, so far. */
  get ends(): ProcessEnd[] {
    return this.#all.flatMap(({ ends }) => ends);
  }

  /** Which of their logs held the secret. */
  get leaks(): string[] {
    return this.#all.flatMap(({ leaks }) => leaks);
  }

  /** The ends of the last logs, for messages. */
  get logEnds(): string {
    return this.#all.slice(-3).map(({ logEnd }) => logEnd).join("\n");
  }

  /** Their logs, as far as they are kept, one after the other. */
  get logs(): string[] {
    return this.#all.flatMap(({ name, log }) => [`the log of ${name}:`, ...log]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((member) => member[Symbol.asyncDispose]()));
  }
}
