/** Errors of brokers that usually pass, after a leader change, a lost disk or a deleted topic; in plain words. */
const TRANSIENT = new Map<string, string>([
  ["UNKNOWN_TOPIC_OR_PARTITION", "its broker does not have it; the topic may have been deleted"],
  ["LEADER_NOT_AVAILABLE", "no broker leads it"],
  ["NOT_LEADER_FOR_PARTITION", "the broker that was asked does not lead it"],
  ["REPLICA_NOT_AVAILABLE", "the broker that was asked has no replica of it"],
  ["KAFKA_STORAGE_ERROR", "its broker cannot use the disk that it is on"],
  ["FENCED_LEADER_EPOCH", "the broker that was asked knows of a later change of its leader"],
  ["UNKNOWN_LEADER_EPOCH", "the broker that was asked does not know yet who leads it"],
  ["OFFSET_NOT_AVAILABLE", "its new leader does not know yet up to which offset it may be read"],
]);

/** A broker's error about a partition in plain words; null when it does not usually pass. */
export function transientReason({ type }: { readonly type: string }): string | null {
  const plain = TRANSIENT.get(type);
  return plain === undefined ? null : `${plain} (${type})`;
}
