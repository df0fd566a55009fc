import { type Decided, refused } from '../decided.js';
import type { Actor } from '../act.js';
import type { AffiliateId, Id } from '../ids.js';
import type { Instant, LocalDate } from '../time.js';
import { type EventOf, eventsFrom, nextStatus, type StatusOf, transitionTable } from '../transitions.js';

/** A paper of an affiliate (AFF-24): it waits for a verdict, once; a newer copy takes the place of one that waits; an accepted one lapses. */
export const documentTransitions = transitionTable({
  waiting: { accepted: 'accepted', refused: 'refused', replaced: 'replaced' },
  accepted: { expired: 'expired' },
  refused: {},
  expired: {},
  replaced: {},
});
export type DocumentStatus = StatusOf<typeof documentTransitions>;
export type DocumentEvent = EventOf<typeof documentTransitions>;

/** A document that a program asks for (api.md 6.1, `form`). */
export interface DocumentKind {
  /** What a document is sent under: `^[a-z][a-z0-9_]{0,39}$`. The same name in two programs is the same paper, sent once. */
  readonly type: string;
  readonly label: string;
  readonly hint: string | null;
  /** Without it no enrolment becomes active, where the program's `requirements` name `documents`. */
  readonly required: boolean;
  /** It carries a date until which it holds, and who sends it says which. */
  readonly expires: boolean;
}

export interface AffiliateDocument {
  readonly id: Id<'document'>;
  readonly affiliateId: AffiliateId;
  readonly type: string;
  /** As it was asked for when it was sent. */
  readonly label: string;
  /** What the sender called the file: shown, never used as a path or as proof of a type. */
  readonly fileName: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly status: DocumentStatus;
  /** The last day on which it holds, in the workspace's zone. */
  readonly expiresOn: LocalDate | null;
  /** What the affiliate reads beside a refusal. */
  readonly publicReason: string | null;
  readonly uploadedBy: { readonly type: Actor['type']; readonly id: string | null };
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** How a program's wish for a document stands. */
export const documentStates = ['missing', 'waiting', 'accepted', 'refused', 'expired'] as const;
export type DocumentState = (typeof documentStates)[number];

export interface DocumentNeed {
  readonly type: string;
  readonly label: string;
  readonly state: DocumentState;
}

/** What is known of a document where only its state counts. */
export type DocumentFact = Pick<AffiliateDocument, 'type' | 'status'>;

/**
 * How a wish stands, by the documents of that type, newest first: an accepted one counts as long as it has not lapsed, whatever came after it;
 * then one that waits; then what became of the last.
 */
export function stateOf(type: string, documents: readonly DocumentFact[]): DocumentState {
  const own = documents.flatMap((one) => (one.type === type && one.status !== 'replaced' ? [one.status] : []));
  if (own.includes('accepted')) return 'accepted';
  if (own.includes('waiting')) return 'waiting';
  return own[0] ?? 'missing';
}

const stateWords: Readonly<Record<Exclude<DocumentState, 'accepted'>, string>> = {
  missing: 'is missing',
  waiting: 'waits for review',
  refused: 'was refused',
  expired: 'has expired',
};

/** What of a program's list stands in the way, each with its name and why. */
export function openDocuments(
  kinds: readonly DocumentKind[],
  documents: readonly DocumentFact[],
): readonly { readonly code: string; readonly detail: string; readonly document: DocumentNeed }[] {
  return kinds.flatMap(({ type, label, required }) => {
    const state = stateOf(type, documents);
    return required && state !== 'accepted'
      ? [{ code: 'documents', detail: `${label} ${stateWords[state]}.`, document: { type, label, state } }]
      : [];
  });
}

/** Judges a verdict. A document is judged once: refuses with `document.already_decided`. */
export function decideDocument(
  document: Pick<AffiliateDocument, 'status'>,
  event: 'accepted' | 'refused',
): Decided<DocumentEvent> {
  return nextStatus(documentTransitions, document.status, event) === undefined
    ? refused('document.already_decided', { currentStatus: document.status })
    : { kind: 'accepted', event };
}

/** The verdicts that the state table offers, in wire form. */
export function documentActions(status: DocumentStatus): readonly string[] {
  const verbs: Readonly<Record<DocumentEvent, string | null>> = {
    accepted: 'accept',
    refused: 'refuse',
    replaced: null,
    expired: null,
  };
  return eventsFrom(documentTransitions, status).flatMap((event) => verbs[event] ?? []);
}

/** What an affiliate reads about its document, in its language. `expiring` says so ahead of the day. */
export function documentText(
  language: string | null,
  of: {
    readonly event: 'accepted' | 'refused' | 'expired' | 'expiring';
    readonly label: string;
    readonly expiresOn: LocalDate | null;
    readonly publicReason: string | null;
  },
): { readonly subject: string; readonly body: string } {
  const { subject, body } = (language === 'de' ? german : english)[of.event];
  const fill = (text: string): string =>
    text.replaceAll('{label}', () => of.label).replaceAll('{day}', () => of.expiresOn ?? '–');
  const reason = of.event === 'refused' && of.publicReason !== null ? [of.publicReason] : [];
  return { subject: fill(subject), body: [fill(body), ...reason].join('\n\n') };
}

type Texts = Readonly<
  Record<'accepted' | 'refused' | 'expired' | 'expiring', { readonly subject: string; readonly body: string }>
>;

const english: Texts = {
  accepted: { subject: 'Document accepted: {label}', body: 'We have looked at “{label}” and accepted it.' },
  refused: { subject: 'Document refused: {label}', body: 'We could not accept “{label}”. Please send it again.' },
  expired: { subject: 'Document expired: {label}', body: '“{label}” held until {day}. Please send a new one.' },
  expiring: { subject: 'Document expires soon: {label}', body: '“{label}” holds until {day}. Please send a new one.' },
};

const german: Texts = {
  accepted: { subject: 'Dokument angenommen: {label}', body: 'Wir haben „{label}“ geprüft und angenommen.' },
  refused: {
    subject: 'Dokument abgelehnt: {label}',
    body: 'Wir konnten „{label}“ nicht annehmen. Bitte senden Sie es noch einmal.',
  },
  expired: {
    subject: 'Dokument abgelaufen: {label}',
    body: '„{label}“ galt bis {day}. Bitte senden Sie ein neues.',
  },
  expiring: {
    subject: 'Dokument läuft bald ab: {label}',
    body: '„{label}“ gilt bis {day}. Bitte senden Sie ein neues.',
  },
};
