import type { Delivery } from "../delivery.ts";
import type { Lease } from "../lease.ts";
import { EventNotSettledError } from "../listener.ts";

interface Waiting<Permit> {
  readonly delivery: Delivery;
  readonly resolve: (permit: Permit) => void;
  readonly reject: (error: Error) => void;
}

/** Calls that wait for a permit, in order of arrival. */
export class WaitingCalls<Permit> {
  readonly #waiting: Waiting<Permit>[] = [];
  readonly #known = new WeakSet<Lease>();
  readonly #mayWait: (delivery: Delivery) => boolean;
  readonly #leaseChanged: () => void;

  /**
   * @param mayWait whether a call may wait; asked when it comes, and whenever its lease has changed
   * @param leaseChanged called then, after calls were turned away
   */
  constructor(
    { mayWait, leaseChanged }: {
      mayWait: (delivery: Delivery) => boolean;
      leaseChanged: () => void;
    },
  ) {
    this.#mayWait = mayWait;
    this.#leaseChanged = leaseChanged;
  }

  /** @throws {EventNotSettledError} when the call may no longer wait */
  add(delivery: Delivery): Promise<Permit> {
    const { lease } = delivery;
    return new Promise((resolve, reject) => {
      if (!this.#mayWait(delivery)) return reject(leaseEnded());
      this.#waiting.push({ delivery, resolve, reject });
      if (this.#known.has(lease)) return;
      this.#known.add(lease);
      lease.onChange(() => {
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
  get next(): Delivery | undefined {
    return this.#waiting.find(({ delivery }) => delivery.mayBegin)?.delivery;
  }

  /** Lets one go that was `next`. */
  admit(next: Delivery, permit: Permit): void {
    const index = this.#waiting.findIndex(({ delivery }) => delivery === next);
    this.#waiting.splice(index, 1)[0]?.resolve(permit);
  }

  /** Turns those away that may no longer wait. */
  turnAway(): void {
    for (const waiting of this.#waiting.splice(0)) {
      if (this.#mayWait(waiting.delivery)) this.#waiting.push(waiting);
      else waiting.reject(leaseEnded());
    }
  }
}

function leaseEnded(): EventNotSettledError {
  return new EventNotSettledError("The lease ended before the call was made");
}
