import type { ClaimedMessage } from '../../db/messaging/relay.js';
import type { Deliver, Outcome } from './loop.js';

/** What a sender of mail, webhooks or postbacks answers. */
export type SendResult =
  /** Taken, or there is nothing to send any more. */
  | { readonly kind: 'delivered' }
  /** Not now: tried again along the ladder. */
  | { readonly kind: 'failed'; readonly code: string }
  /** Surely never: a mailbox that does not exist, an endpoint that was switched off. */
  | { readonly kind: 'refused'; readonly code: string };

/** One call out. `signal` aborts before the row's lease ends. */
export type Sender = (row: ClaimedMessage, signal: AbortSignal) => Promise<SendResult>;

/** Tries after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 24 h, 24 h (api.md 15), then the row is dead. */
const ladderMs = [5, 300, 1_800, 7_200, 18_000, 36_000, 86_400, 86_400].map((seconds) => seconds * 1_000);

/** How long to wait after so many tries, in milliseconds, without the jitter; undefined: it was the last one. */
export function delayAfterMs(attempts: number): number | undefined {
  return ladderMs[attempts - 1];
}

/** The sender of the outbox's http lane. A topic without a sender is dead at once: nobody will ever send it. */
export function httpDeliveries(senders: Readonly<Record<string, Sender>>): Deliver {
  return (rows, signal) =>
    rows.map(async (row): Promise<Outcome> => {
      const send = senders[row.topic];
      if (send === undefined) return { kind: 'dead', code: 'message.unknown_topic' };
      const result = await send(row, signal);
      switch (result.kind) {
        case 'delivered':
          return { kind: 'sent' };
        case 'refused':
          return { kind: 'dead', code: result.code };
        case 'failed': {
          const delayMs = delayAfterMs(row.attempts);
          return delayMs === undefined
            ? { kind: 'dead', code: result.code }
            : { kind: 'later', delayMs: delayMs * (1 + Math.random() / 10), code: result.code };
        }
        default:
          return result satisfies never;
      }
    });
}
