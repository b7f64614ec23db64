import type { Lease } from "../lease.ts";
import { EventNotSettledError } from "../listener.ts";

/** An event that a call is to be made for. */
export interface CallToMake {
  readonly lease: Lease;
  readonly position: number;
}

interface Waiting<Permit> extends CallToMake {
  readonly resolve: (permit: Permit) => void;
  readonly reject: (error: Error) => void;
}

/** Calls that wait for a permit, in order of arrival. */
export class WaitingCalls<Permit> {
  readonly #waiting: Waiting<Permit>[] = [];
  readonly #known = new WeakSet<Lease>();
  readonly #mayWait: (call: CallToMake) => boolean;
  readonly #leaseChanged: () => void;

  /**
   * @param mayWait whether a call may wait; asked when it comes, and whenever its lease has changed
   * @param leaseChanged called then, after calls were turned away
   */
  constructor(
    { mayWait, leaseChanged }: {
      mayWait: (call: CallToMake) => boolean;
      leaseChanged: () => void;
    },
  ) {
    this.#mayWait = mayWait;
    this.#leaseChanged = leaseChanged;
  }

  /** @throws {EventNotSettledError} when the call may no longer wait */
  add(call: CallToMake): Promise<Permit> {
    return new Promise((resolve, reject) => {
      if (!this.#mayWait(call)) return reject(leaseEnded());
      this.#waiting.push({ ...call, resolve, reject });
      if (this.#known.has(call.lease)) return;
      this.#known.add(call.lease);
      call.lease.onChange(() => {
        this.turnAway();
        this.#leaseChanged();
      });
    });
  }

  /** Lets all go. */
  admitAll(permit: Permit): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(permit);
  }

  /** The first one that may begin: a suspended lease would hold up its call. */
  get next(): CallToMake | undefined {
    return this.#waiting.find(({ lease, position }) => lease.admits(position));
  }

  /** Lets one go that was `next`. */
  admit(next: CallToMake, permit: Permit): void {
    const index = this.#waiting.findIndex((waiting) => waiting === next);
    this.#waiting.splice(index, 1)[0]?.resolve(permit);
  }

  /** Turns those away that may no longer wait. */
  turnAway(): void {
    for (const waiting of this.#waiting.splice(0)) {
      if (this.#mayWait(waiting)) this.#waiting.push(waiting);
      else waiting.reject(leaseEnded());
    }
  }
}

function leaseEnded(): EventNotSettledError {
  return new EventNotSettledError("The lease ended before the call was made");
}
