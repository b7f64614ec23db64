/**
 * Makes `Date.now()` of this isolate monotonic, as kafkajs measures durations with it. If the system clock were set
 * back, kafkajs would consume on without heartbeats until the clock caught up. If it were set forward, every request in
 * flight would seem to have timed out.
 *
 * `new Date()` still gives the system time.
 */
export function useMonotonicClock(): void {
  const { timeOrigin } = performance;
  Date.now = () => Math.round(timeOrigin + performance.now());
}
