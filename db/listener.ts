import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** A connection of its own that only listens, because a pooled one would hear what nobody waits for. */
export interface Listener {
  stop(): Promise<void>;
}

const longestPauseMs = 5_000;

/**
 * Listens on a channel until stopped; after a lost connection it listens again, ever more slowly. What was said meanwhile is missed:
 * whoever waits also polls. `onTrouble` hears why a connection ended.
 */
export function listen(
  options: { readonly url: string; readonly applicationName: string; readonly channel: 'outbox' | 'decision' },
  onMessage: (payload: string) => void,
  onTrouble: (error: unknown) => void,
): Listener {
  const abort = new AbortController();
  let client: pg.Client | undefined;

  const once = async (): Promise<void> => {
    const connection = new pg.Client({
      connectionString: options.url,
      application_name: options.applicationName,
      options: '-c role=tributary_app',
      keepAlive: true,
    });
    client = connection;
    const ended = new Promise<void>((resolve) => {
      connection.on('end', resolve);
      connection.on('error', (error) => {
        onTrouble(error);
        resolve();
      });
    });
    connection.on('notification', (message) => onMessage(message.payload ?? ''));
    try {
      await connection.connect();
      await connection.query(`listen tributary_${options.channel}`);
      await ended;
    } finally {
      await connection.end().catch(onTrouble);
    }
  };

  const loop = async (): Promise<void> => {
    let pauseMs = 100;
    while (!abort.signal.aborted) {
      const startedAt = performance.now();
      try {
        await once();
      } catch (error) {
        if (!abort.signal.aborted) onTrouble(error);
      }
      pauseMs = performance.now() - startedAt > longestPauseMs ? 100 : Math.min(longestPauseMs, pauseMs * 2);
      if (!abort.signal.aborted) await sleep(pauseMs, undefined, { signal: abort.signal }).catch(() => undefined);
    }
  };
  const running = loop();

  return {
    async stop() {
      abort.abort();
      await client?.end().catch(onTrouble);
      await running;
    },
  };
}
