import { collectDefaultMetrics, Registry } from 'prom-client';

/** One registry per process, with Node's own figures; `GET /metrics` prints it. Each part registers its metrics on it once. */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
