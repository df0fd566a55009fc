import { getSettings } from '../../db/access/settings.js';
import { insertEmailsOnce } from '../../db/messaging/email.js';
import { insertNoticesOnce } from '../../db/messaging/notice.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { formatMoney } from '../../domain/money.js';
import type { Payout } from '../../domain/payout/payout.js';
import { payoutMethodNames } from '../../domain/payout/payoutMethod.js';

/** What an affiliate is told of a payout (PAY-12, PAY-26, PAY-27, NTF-03); each is an event of the notification settings. */
type PayoutNotice = 'payout.drafted' | 'payout.paid' | 'payout.failed' | 'payout.returned';

export interface Told {
  readonly payout: Payout;
  /** The event happened once per this: the payout itself, or one attempt of it. */
  readonly onceFor: string;
  readonly reference?: string | null;
  readonly date?: string;
  /** Minor units that came back. */
  readonly returnedMinor?: bigint;
}

/**
 * Writes mail and notice with the move it tells of, in its transaction. The key is the event's: a rerun, a second approval or a payout sent back to
 * draft tells nothing twice. Test payouts tell nobody.
 */
export async function tellPayees(tx: Tx, act: Act, event: PayoutNotice, told: readonly Told[]): Promise<void> {
  if (told.length === 0 || act.mode === 'test') return;
  const { settings } = await getSettings(tx);
  const rows = await tx('affiliates')
    .whereIn('id', [...new Set(told.map(({ payout }) => payout.affiliateId))])
    .select<{ id: string; name: string; email: string | null; language: string | null }[]>(
      'id',
      'name',
      'email',
      'language',
    );
  const people = new Map(rows.map((row) => [row.id, row]));
  const written = told.flatMap((one) => {
    const person = people.get(one.payout.affiliateId);
    if (person?.email === null || person === undefined) return []; // erased
    const { subject, lines } = texts[person.language === 'de' ? 'de' : 'en'](event, one);
    const greeting = person.language === 'de' ? `Guten Tag ${person.name},` : `Hello ${person.name},`;
    return [
      {
        affiliateId: one.payout.affiliateId,
        recipient: person.email,
        onceKey: `${event}/${one.onceFor}`,
        kind: event.replace('.', '_'),
        subject,
        lines,
        greeting,
      },
    ];
  });
  // A switch turns the mail off; the entry inside the portal remains (SET-07).
  await insertNoticesOnce(
    tx,
    act,
    written.map(({ affiliateId, onceKey, kind, subject, lines }) => ({
      to: { affiliateId },
      onceKey,
      kind,
      subject,
      body: lines.join('\n\n'),
      link: '/payouts',
    })),
  );
  if (settings.notifications[event] === false) return;
  await insertEmailsOnce(
    tx,
    act,
    written.map(({ recipient, onceKey, kind, subject, lines, greeting }) => ({
      onceKey,
      kind,
      recipient,
      subject,
      body: [greeting, ...lines].join('\n\n'),
    })),
    4,
  );
}

type Text = { readonly subject: string; readonly lines: readonly string[] };

function amountOf(payout: Payout, minor: bigint = payout.amountMinor): string {
  const { amount, currency } = formatMoney({ minor, currency: payout.currency });
  return `${amount} ${currency}`;
}

const texts: Readonly<Record<'en' | 'de', (event: PayoutNotice, told: Told) => Text>> = {
  en(event, { payout, reference, date, returnedMinor }) {
    const amount = amountOf(payout);
    const method = payoutMethodNames.en[payout.methodType];
    switch (event) {
      case 'payout.drafted':
        return {
          subject: `Your payout of ${amount} is on its way`,
          lines: [`A payout of ${amount} was approved. It is paid by ${method}.`, `Payout: ${payout.id}`],
        };
      case 'payout.paid':
        return {
          subject: `You were paid ${amount}`,
          lines: [
            `We paid you ${amount} by ${method}${date === undefined ? '' : ` on ${date}`}.`,
            `Reference: ${reference ?? payout.id}`,
            `Payout: ${payout.id}`,
          ],
        };
      case 'payout.failed':
        return {
          subject: `Your payout of ${amount} could not be paid`,
          lines: [
            `The payment of ${amount} by ${method} was refused, because of the payout details.`,
            'Nothing is lost: correct your payout details in the portal, and it is paid with the next run.',
            `Payout: ${payout.id}`,
          ],
        };
      case 'payout.returned':
        return {
          subject: `Your payout of ${amount} came back`,
          lines: [
            `${amountOf(payout, returnedMinor)} of your payout of ${amount} came back${date === undefined ? '' : ` on ${date}`}. It is owed to you again.`,
            'Confirm your payout details in the portal, and it is paid with the next run.',
            `Payout: ${payout.id}`,
          ],
        };
      default:
        return event satisfies never;
    }
  },
  de(event, { payout, reference, date, returnedMinor }) {
    const amount = amountOf(payout);
    const method = payoutMethodNames.de[payout.methodType];
    switch (event) {
      case 'payout.drafted':
        return {
          subject: `Ihre Auszahlung über ${amount} ist unterwegs`,
          lines: [
            `Eine Auszahlung über ${amount} wurde freigegeben. Sie erfolgt per ${method}.`,
            `Auszahlung: ${payout.id}`,
          ],
        };
      case 'payout.paid':
        return {
          subject: `${amount} wurden ausgezahlt`,
          lines: [
            `Wir haben Ihnen ${amount} per ${method} ausgezahlt${date === undefined ? '' : ` (${date})`}.`,
            `Referenz: ${reference ?? payout.id}`,
            `Auszahlung: ${payout.id}`,
          ],
        };
      case 'payout.failed':
        return {
          subject: `Ihre Auszahlung über ${amount} ist gescheitert`,
          lines: [
            `Die Zahlung von ${amount} per ${method} wurde wegen der Auszahlungsdaten abgelehnt.`,
            'Es geht nichts verloren: Berichtigen Sie die Auszahlungsdaten im Portal, dann wird mit dem nächsten Lauf gezahlt.',
            `Auszahlung: ${payout.id}`,
          ],
        };
      case 'payout.returned':
        return {
          subject: `Ihre Auszahlung über ${amount} kam zurück`,
          lines: [
            `${amountOf(payout, returnedMinor)} Ihrer Auszahlung über ${amount} kamen zurück${date === undefined ? '' : ` (${date})`}. Der Betrag steht Ihnen wieder zu.`,
            'Bestätigen Sie die Auszahlungsdaten im Portal, dann wird mit dem nächsten Lauf gezahlt.',
            `Auszahlung: ${payout.id}`,
          ],
        };
      default:
        return event satisfies never;
    }
  },
};
