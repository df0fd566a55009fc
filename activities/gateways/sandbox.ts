import type { Journal } from '../../platform/journal.js';
import {
  readSandboxDeposits,
  readSandboxJournal,
  type SandboxEntry,
  sandboxKeyWindowMs,
} from '../../domain/payout/sandboxJournal.js';
import { addMs, epochMs, type Instant } from '../../domain/time.js';
import type { GatewayAnswer, GatewayStatement, PayoutGateway } from './payoutGateway.js';

/** When a scripted account's payment gets where it goes, after the request (api.md 10.1), in ms. */
export interface SandboxTimes {
  readonly ok: number;
  readonly slow: number;
  readonly bounce: number;
}

export const sandboxTimes: SandboxTimes = { ok: 500, slow: 30_000, bounce: 5_000 };

export interface SandboxOptions {
  readonly journal: Journal;
  /** The provider's clock, not ours. */
  readonly now: () => Instant;
  readonly keyWindowMs?: number;
  readonly times?: SandboxTimes;
  /** Crash points of the fault tests. */
  readonly reached?: (point: string) => void;
}

/**
 * The simulated gateway that ships with the product. What it did stands only in its journal, outside Postgres, so that a test can compare
 * the books with it after any crash. The destination's `account` says what happens.
 */
export function createSandboxGateway(options: SandboxOptions): PayoutGateway {
  const keyWindowMs = options.keyWindowMs ?? sandboxKeyWindowMs;
  const times = options.times ?? sandboxTimes;
  const reached = options.reached ?? (() => undefined);

  const taken = async (isIt: (entry: SandboxEntry) => boolean): Promise<SandboxEntry | undefined> => {
    const entries = readSandboxJournal(await options.journal.readAll(), keyWindowMs, (at) => epochMs(at as Instant));
    return entries.filter((entry) => isIt(entry) && !entry.replay).at(-1);
  };

  const stateOf = (entry: SandboxEntry): GatewayAnswer => {
    const { providerId } = entry;
    const at = entry.at as Instant;
    const age = epochMs(options.now()) - epochMs(at);
    if (entry.outcome === 'refused') return { class: 'refused', code: 'destination_closed', providerId };
    if (age < (entry.account === 'slow' ? times.slow : times.ok))
      return { class: 'submitted', providerId, gatewayStatus: 'processing' };
    if (entry.outcome === 'returned' && age >= times.bounce)
      return {
        class: 'returned',
        providerId,
        code: 'recalled',
        returnedMinor: null,
        occurredAt: addMs(at, times.bounce),
      };
    return { class: 'paid', providerId, gatewayStatus: 'paid' };
  };

  return {
    adapter: 'sandbox',
    execution: 'gateway',
    keyWindowMs,
    canLookUp: true,
    callTimeoutMs: 10_000,
    bouncesWithinMs: times.bounce + 1_000,
    retryableRefusals: [],
    supports: () => true,
    async submit(instruction) {
      const account = instruction.destination['account'] ?? '';
      if (account === 'lost_request') return { class: 'unknown', code: 'connection_lost' }; // it never arrived
      reached('gateway.sending');
      await options.journal.append({
        at: options.now(),
        requestKey: instruction.requestKey,
        reference: instruction.reference,
        account,
        amountMinor: instruction.amount.minor.toString(),
        currency: instruction.amount.currency,
        merchant: instruction.merchant,
      });
      reached('gateway.accepted');
      const entry = await taken((one) => one.requestKey === instruction.requestKey);
      if (account === 'lost_reply' || entry === undefined) return { class: 'unknown', code: 'connection_lost' };
      return stateOf(entry);
    },
    async lookUp({ requestKey, reference, merchant, providerId }) {
      const entry = await taken((one) =>
        requestKey === null
          ? one.reference === reference && one.merchant === merchant && one.providerId === providerId
          : one.requestKey === requestKey,
      );
      return entry === undefined ? { class: 'not_found' } : stateOf(entry);
    },
    async statement({ merchant, since, until }) {
      const journal = await options.journal.readAll();
      const entries = readSandboxJournal(journal, keyWindowMs, (at) => epochMs(at as Instant)).filter(
        (entry) => entry.merchant === merchant,
      );
      const all = [
        ...readSandboxDeposits(journal, merchant).map(
          (deposit): StatementLine => ({
            id: `deposit/${deposit.deposit}`,
            kind: 'deposit',
            at: deposit.at as Instant,
            currency: deposit.currency,
            minor: BigInt(deposit.amountMinor),
            reference: deposit.deposit,
            providerId: null,
          }),
        ),
        ...entries.flatMap((entry) => linesOf(entry, times)),
      ].filter((line) => line.at <= until);
      const closings = new Map<string, bigint>();
      for (const line of all) closings.set(line.currency, (closings.get(line.currency) ?? 0n) + line.minor);
      return {
        closings: [...closings].map(([currency, minor]) => ({ currency, minor })),
        lines: all.filter((line) => since === null || line.at >= since),
      };
    },
  };
}

type StatementLine = GatewayStatement['lines'][number];

/** What a request did to the merchant's money there: debited when it was taken, given back when it bounced. */
function linesOf(entry: SandboxEntry, times: SandboxTimes): readonly StatementLine[] {
  if (entry.replay || entry.outcome === 'refused') return [];
  const at = entry.at as Instant;
  const minor = BigInt(entry.amountMinor);
  const common = { currency: entry.currency, reference: entry.reference, providerId: entry.providerId };
  const payment = { ...common, id: entry.providerId, kind: 'payment' as const, at, minor: -minor };
  if (entry.outcome !== 'returned') return [payment];
  return [payment, { ...common, id: `${entry.providerId}/return`, kind: 'return', at: addMs(at, times.bounce), minor }];
}
