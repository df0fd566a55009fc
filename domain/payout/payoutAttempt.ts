import { type EventOf, nextStatus, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.9: six states and no more. */
export const attemptTransitions = transitionTable({
  submitting: { submitted: 'submitted', paid: 'paid', refused: 'refused', lost: 'unknown' },
  submitted: { paid: 'paid', refused: 'refused', returned: 'returned', lost: 'unknown' },
  unknown: {
    submitted: 'submitted',
    paid: 'paid',
    refused: 'refused',
    returned: 'returned',
    resubmitted: 'submitting',
  },
  paid: { returned: 'returned' },
  refused: { paidLate: 'paid' },
  returned: {},
});
export type AttemptState = StatusOf<typeof attemptTransitions>;
export type AttemptEvent = EventOf<typeof attemptTransitions>;

/** What a gateway's answer means, without amounts: it travels from the call to the record. */
export type AnswerClass = 'submitted' | 'paid' | 'refused' | 'returned' | 'not_found' | 'unknown';

export interface AttemptFacts {
  readonly state: AttemptState;
  /** How long the provider still recognises the key, in ms; null: it never does. */
  readonly keyLeftMs: number | null;
  /** The payout is `pending`, holds this attempt's amount and has no newer attempt. */
  readonly isNewest: boolean;
  /** Booked before as paid after all: nothing more is owed for it. */
  readonly isPaidLate: boolean;
}

export type AttemptDecision =
  | { readonly kind: 'move'; readonly event: AttemptEvent; readonly to: AttemptState }
  /** Nothing new: ask again later. */
  | { readonly kind: 'wait' }
  /** Nothing can tell any more: a person with evidence (money.md 7.2). */
  | { readonly kind: 'needsHuman' }
  /** Paid after we booked a refusal, and the payout has moved on: a `late_payment` line (money.md 5). */
  | { readonly kind: 'paidLate' };

/**
 * Judges an answer. An outcome that is not known is looked up, never guessed: only a look-up that surely found nothing sends again, under
 * the same key and while the provider still knows it. `source` says whether the answer is to a call or to a look-up.
 */
export function decideAnswer(attempt: AttemptFacts, answer: AnswerClass, source: 'call' | 'lookUp'): AttemptDecision {
  const move = (event: AttemptEvent): AttemptDecision => {
    const to = nextStatus(attemptTransitions, attempt.state, event);
    return to === undefined ? { kind: 'wait' } : { kind: 'move', event, to };
  };
  switch (answer) {
    case 'submitted':
      return move('submitted');
    case 'refused':
      return move('refused');
    case 'paid':
      if (attempt.isPaidLate) return { kind: 'wait' };
      if (attempt.state === 'refused') return attempt.isNewest ? move('paidLate') : { kind: 'paidLate' };
      return move('paid');
    case 'returned':
      return move('returned');
    case 'unknown':
      return attempt.state === 'unknown' || (attempt.state === 'submitted' && source === 'lookUp')
        ? { kind: 'wait' }
        : move('lost');
    case 'not_found':
      if (attempt.state === 'submitting' || attempt.state === 'submitted') return move('lost');
      if (attempt.state !== 'unknown') return { kind: 'wait' };
      return attempt.keyLeftMs !== null && attempt.keyLeftMs > 0 ? move('resubmitted') : { kind: 'needsHuman' };
    default:
      return answer satisfies never;
  }
}

const firstLookUpMs = 1_000;
const longestLookUpMs = 15 * 60_000;

/** The look-up ladder: 1 s doubling to 15 min, for days (temporal.md 5.2). */
export function lookUpDelayMs(lookUps: number): number {
  return Math.min(longestLookUpMs, firstLookUpMs * 2 ** Math.min(lookUps, 20));
}

/** features.md 2.9: `unknown` has no time limit; after one day a person has to look. */
export const unknownAlarmMs = 86_400_000;

/** Refusals and returns that only the affiliate can repair (features.md 4.8): other details, or taking what waits for it. The others are the staff's. */
const repairedByAffiliate: ReadonlySet<string | null> = new Set([
  'destination_invalid',
  'destination_closed',
  'name_mismatch',
  'unclaimed',
]);

/** Is the affiliate to be asked to repair it (PAY-26)? */
export function isAffiliatesRepair(code: string | null): boolean {
  return repairedByAffiliate.has(code);
}
