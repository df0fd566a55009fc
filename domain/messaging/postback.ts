import type { AffiliateId, Id, ProgramId } from '../ids.js';
import type { Instant } from '../time.js';

/** What a postback can be told of, by the names of the event stream (api.md 15). */
export const postbackEvents = [
  'lead.accepted',
  'lead.invalid',
  'lead.converted',
  'sale.recorded',
  'sale.refunded',
  'sale.charged_back',
  'referral.approved',
  'referral.rejected',
  'commission.created',
  'commission.approved',
  'commission.rejected',
  'commission.reversed',
  'commission.paid',
] as const;
export type PostbackEvent = (typeof postbackEvents)[number];

/** BEY-21: what stands in braces in an address and is filled with each call. */
export const postbackMacros = [
  'click_id',
  'event',
  'status',
  'amount',
  'currency',
  'commission',
  'order_id',
  'sub1',
  'sub2',
  'sub3',
  'sub4',
  'sub5',
] as const;
export type PostbackMacro = (typeof postbackMacros)[number];
/** Absent: nothing is known of it, and nothing is sent for it. */
export type MacroValues = Readonly<Partial<Record<PostbackMacro, string>>>;

/** So many failed calls in a row pause a postback (BEY-21). */
export const failuresUntilPause = 25;

/** A call out to an affiliate's own system. */
export interface Postback {
  readonly id: Id<'postback'>;
  readonly affiliateId: AffiliateId;
  /** Null: of every program. */
  readonly programId: ProgramId | null;
  readonly events: readonly PostbackEvent[];
  /** As it was typed, macros in braces. */
  readonly url: string;
  readonly active: boolean;
  readonly failuresInRow: number;
  readonly pausedAt: Instant | null;
  readonly lastCode: string | null;
  readonly lastAt: Instant | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

// An entry of the history → the event it is. Sales and commissions have more entries than these: notes are no events.
const eventOfEntry: Readonly<Record<string, PostbackEvent>> = {
  'lead/accepted': 'lead.accepted',
  'lead/invalidated': 'lead.invalid',
  'lead/converted': 'lead.converted',
  'sale/processed': 'sale.recorded',
  'sale/partRefunded': 'sale.refunded',
  'sale/refunded': 'sale.refunded',
  'sale/lost': 'sale.charged_back',
  'referral/approved': 'referral.approved',
  'referral/rejected': 'referral.rejected',
  'commission/accrued': 'commission.created',
  'commission/approved': 'commission.approved',
  'commission/rejected': 'commission.rejected',
  'commission/reversed': 'commission.reversed',
  'commission/paid': 'commission.paid',
};

/** Does this entry of the history tell an affiliate something? Of test facts nobody outside is told. */
export function postbackEventOf(entry: {
  readonly mode: string;
  readonly objectType: string;
  readonly event: string;
  readonly changes?: Readonly<Record<string, unknown>> | undefined;
}): PostbackEvent | null {
  if (entry.mode !== 'live') return null;
  const event = eventOfEntry[`${entry.objectType}/${entry.event}`] ?? null;
  // `processed` is also the note of a refund beyond the rest; only the judgement of the sale names its outcome.
  return event === 'sale.recorded' && entry.changes?.['outcome'] === undefined ? null : event;
}

const macroPattern = /\{([^{}]*)\}/g;

export type TemplateProblem =
  /** In braces stands no word of ours. */
  | { readonly kind: 'unknown_macro'; readonly macro: string }
  /** A brace without its other half. */
  | { readonly kind: 'open_brace' }
  /** A macro may not choose whom we call: only behind the host. */
  | { readonly kind: 'macro_in_host' };

/** What is wrong with the macros of an address; null: nothing. Whether the address itself may be called is somebody else's question. */
export function templateProblem(url: string): TemplateProblem | null {
  for (const [, name = ''] of url.matchAll(macroPattern))
    if (!(postbackMacros as readonly string[]).includes(name)) return { kind: 'unknown_macro', macro: name };
  if (/[{}]/.test(url.replace(macroPattern, ''))) return { kind: 'open_brace' };
  const head = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(url)?.[0] ?? url;
  return head.includes('{') ? { kind: 'macro_in_host' } : null;
}

/** The address of one call: each macro replaced by its value, percent-encoded (RFC 3986); what is not known becomes nothing. */
export function fillMacros(url: string, values: MacroValues): string {
  return url.replace(macroPattern, (_whole, name: string) => encoded(values[name as PostbackMacro] ?? ''));
}

/** encodeURIComponent leaves five characters of RFC 3986's reserved set as they are; a lone surrogate has no encoding at all. */
function encoded(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd')).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** What the button sends: nobody's, and recognisable. */
export const sampleValues: MacroValues = {
  click_id: 'clk_test',
  event: 'test',
  status: 'test',
  amount: '49.99',
  currency: 'USD',
  commission: '10.00',
  order_id: 'order-test',
  sub1: 'sub1-test',
  sub2: 'sub2-test',
  sub3: 'sub3-test',
  sub4: 'sub4-test',
  sub5: 'sub5-test',
};

/** What of an answer is kept, for whoever looks into the log. Characters. */
const keptOfBody = 500;

/** What the other side said, as the log keeps it. `code` null: it took the call. */
export interface CallResult {
  readonly code: string | null;
  readonly responseStatus: number | null;
  readonly responseBody: string | null;
}

/** 2xx is taken. A redirect is not followed, so it is a failure like every other answer (reliability.md N4). */
export function readAnswer(
  answer:
    | { readonly kind: 'answered'; readonly status: number; readonly body: string }
    | { readonly kind: 'failed'; readonly fault: string },
): CallResult {
  if (answer.kind === 'failed') return { code: answer.fault, responseStatus: null, responseBody: null };
  const { status } = answer;
  // Postgres keeps no NUL as text; by characters, so that no pair of surrogates is torn apart.
  const body = Array.from(answer.body.replaceAll('\u0000', '')).slice(0, keptOfBody).join('');
  const code = status >= 200 && status < 300 ? null : status >= 300 && status < 400 ? 'redirected' : `http_${status}`;
  return { code, responseStatus: status, responseBody: body === '' ? null : body };
}

/** What one call did to the postback: one that succeeds starts the count anew. */
export function countCall(
  postback: Pick<Postback, 'failuresInRow'>,
  hasSucceeded: boolean,
): { readonly failuresInRow: number; readonly isPaused: boolean } {
  const failuresInRow = hasSucceeded ? 0 : postback.failuresInRow + 1;
  return { failuresInRow, isPaused: failuresInRow >= failuresUntilPause };
}
