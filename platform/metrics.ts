import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

export type { Registry };

/** One registry per process, with Node's own figures; `GET /metrics` prints it. Each part registers its metrics on it once. */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

export interface RequestMetrics {
  /** One answered request, by the pattern of its route (never its path, which holds ids) and its status. Seconds. */
  observe(route: string, status: number, seconds: number): void;
}

/** How long requests of the API take. */
export function createRequestMetrics(registry: Registry): RequestMetrics {
  const duration = new Histogram({
    name: 'tributary_http_request_seconds',
    help: 'Duration of HTTP requests',
    labelNames: ['route', 'status'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  return { observe: (route, status, seconds) => duration.observe({ route, status: String(status) }, seconds) };
}
