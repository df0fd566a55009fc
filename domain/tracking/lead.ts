import { type Decided, refused } from '../decided.js';
import { type EventOf, nextStatus, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.6 */
export const leadTransitions = transitionTable({
  received: { accepted: 'accepted', duplicated: 'duplicate', invalidated: 'invalid' },
  duplicate: { accepted: 'accepted' },
  accepted: { invalidated: 'invalid', converted: 'converted' },
  invalid: { accepted: 'accepted' },
  converted: {},
});
export type LeadVerdict = StatusOf<typeof leadTransitions>;
export type LeadEvent = EventOf<typeof leadTransitions>;

export type LeadVerb = 'accept' | 'invalidate';
const eventOf: Readonly<Record<LeadVerb, LeadEvent>> = { accept: 'accepted', invalidate: 'invalidated' };
const statusAfter: Readonly<Record<LeadVerb, LeadVerdict>> = { accept: 'accepted', invalidate: 'invalid' };

/**
 * What staff may do with a lead (features.md 2.6). Refuses with `lead.already_decided` where it is decided so already, with
 * `lead.transition_not_allowed` for a move the table does not have: a converted lead is final.
 */
export function decideLead(lead: { readonly verdict: LeadVerdict }, verb: LeadVerb): Decided<LeadEvent> {
  const event = eventOf[verb];
  if (nextStatus(leadTransitions, lead.verdict, event) !== undefined) return { kind: 'accepted', event };
  const code = lead.verdict === statusAfter[verb] ? 'lead.already_decided' : 'lead.transition_not_allowed';
  return refused(code, { currentStatus: lead.verdict });
}

/** The verbs that the table allows from a verdict. */
export function leadActions(verdict: LeadVerdict): readonly LeadVerb[] {
  return (['accept', 'invalidate'] as const).filter((verb) => decideLead({ verdict }, verb).kind === 'accepted');
}

/** A person's text as somebody without the right to it sees it: enough to tell two apart, too little to reach either. */
export function masked(kind: 'name' | 'email' | 'phone', text: string | null): string | null {
  if (text === null || text === '') return null;
  switch (kind) {
    case 'name':
      return `${firstLetter(text)}…`;
    case 'email':
      return `${firstLetter(text)}…@…`;
    case 'phone':
      return `…${text.slice(-2)}`;
    default:
      return kind satisfies never;
  }
}

function firstLetter(text: string): string {
  return String.fromCodePoint(text.codePointAt(0) ?? 0x2026);
}
