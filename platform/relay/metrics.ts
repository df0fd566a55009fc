import { Counter, Gauge, type Registry } from 'prom-client';
import type { Lane, OutboxLag } from '../../db/messaging/relay.js';

/** What the relay tells about itself. Alerts (temporal.md 4.3): decisions and facts 5 s, clicks 60 s, any dead row. */
export interface RelayMetrics {
  delivered(lane: Lane, topic: string, outcome: string): void;
  lag(outbox: readonly OutboxLag[], clickSeconds: number): void;
}

export function createRelayMetrics(registry: Registry): RelayMetrics {
  const registers = [registry];
  const deliveries = new Counter({
    name: 'tributary_outbox_deliveries_total',
    help: 'Outbox rows by lane, topic and outcome of the try: sent, later, away, dead.',
    labelNames: ['lane', 'topic', 'outcome'],
    registers,
  });
  const lag = new Gauge({
    name: 'tributary_outbox_lag_seconds',
    help: 'Age of the oldest row that is due and unsent.',
    labelNames: ['lane', 'priority'],
    registers,
  });
  const waiting = new Gauge({
    name: 'tributary_outbox_waiting',
    help: 'Unsent rows, due or not.',
    labelNames: ['lane', 'priority'],
    registers,
  });
  const clicks = new Gauge({
    name: 'tributary_click_lag_seconds',
    help: 'Age of the oldest credited click that no referral has taken up.',
    registers,
  });
  return {
    delivered: (lane, topic, outcome) => deliveries.inc({ lane, topic, outcome }),
    lag: (outbox, clickSeconds) => {
      lag.reset(); // a line that has drained reports nothing, not its last value
      waiting.reset();
      for (const line of outbox) {
        lag.set({ lane: line.lane, priority: line.priority }, line.seconds);
        waiting.set({ lane: line.lane, priority: line.priority }, line.waiting);
      }
      clicks.set(clickSeconds);
    },
  };
}
