/** Members of a class or object of kafkajs, and what eventor has in their place. */
export interface Replacement {
  /** The class or object, for people. */
  readonly owner: string;
  /** The object that has the members: for methods of a class, its prototype. */
  readonly target: object;
  /** By name. A method calls kafkajs's own where that still serves. */
  readonly members: object;
}

export function replacement(owner: string, target: object, members: object): Replacement {
  return { owner, target, members };
}

/**
 * Replaces members that kafkajs has: a replacement for anything else would never be called.
 *
 * @throws {Error} when one is missing; then nothing is replaced
 */
export function replaceMembers(replacements: readonly Replacement[]): void {
  for (const { owner, target, members } of replacements) {
    for (const [name, member] of Object.entries(members)) {
      if (typeof Reflect.get(target, name) === typeof member) continue;
      throw new Error(
        `this version of kafkajs has no ${owner}.${name}, which eventor replaces: use 2.2.4`,
      );
    }
  }
  for (const { target, members } of replacements) Object.assign(target, members);
}
