/**
 * From here on, `Date.now()` of this isolate goes on evenly from the time of its start. kafkajs measures with it: when
 * the system's clock is set back, it would send no heartbeat until the clock has caught up, while it goes on consuming;
 * when it is set forward, every request under way would seem to have timed out.
 *
 * `new Date()` still tells the time of day.
 */
export function useMonotonicClock(): void {
  const { timeOrigin } = performance;
  Date.now = () => Math.round(timeOrigin + performance.now());
}
