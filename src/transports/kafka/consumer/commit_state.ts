/** A commit of one partition: an offset, and metadata on the event there. */
export interface Commit {
  readonly offset: number;
  readonly note: string;
}

/** What a group stores for a partition, as far as this member knows. */
export class CommitState {
  #committed: number;
  #sent: number;
  #note: string | null = "";

  constructor(nextOffset: number) {
    this.#committed = nextOffset;
    this.#sent = nextOffset;
  }

  /** The offset last committed. */
  get committed(): number {
    return this.#committed;
  }

  /** Whether a commit is under way, or has failed. */
  get isPending(): boolean {
    return this.#sent !== this.#committed;
  }

  /** Whether the group's offset may be this one. Brokers may store a commit although no response comes. */
  mayBeAt(offset: number): boolean {
    return offset === this.#committed || offset === this.#sent;
  }

  /** Whether a commit would change anything. */
  isNews({ offset, note }: Commit): boolean {
    return offset > this.#committed || note !== this.#note;
  }

  send({ offset }: Commit): void {
    this.#sent = offset;
  }

  stored({ offset, note }: Commit): void {
    this.#committed = offset;
    this.#note = note;
  }

  /** A commit has failed. The group may have stored its metadata all the same, so the next commit sends it again. */
  failed(): void {
    this.#note = null;
  }
}
