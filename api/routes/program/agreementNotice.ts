import { insertNoticesOnce } from '../../../db/messaging/notice.js';
import type { Agreement } from '../../../db/program/agreement.js';
import { listEnrolledReaders } from '../../../db/reads/affiliate/enrolledReaders.js';
import type { Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import { dateIn } from '../../../domain/calendar.js';

/**
 * Tells everybody in the program of a new version, in the transaction that publishes it. One that must be accepted opens a page of its own
 * (PRT-13); one that need not is confirmed on the notice (PRT-14).
 */
export async function tellEnrolled(
  tx: Tx,
  act: Act,
  of: { readonly agreement: Agreement; readonly programName: string; readonly timeZone: string },
): Promise<void> {
  const { agreement } = of;
  const enrolled = await listEnrolledReaders(tx, agreement.programId);
  await insertNoticesOnce(
    tx,
    act,
    enrolled.map(({ id, language }) => ({
      to: { affiliateId: id },
      onceKey: `agreement/${agreement.id}`,
      kind: 'agreement_published',
      ...texts[language === 'de' ? 'de' : 'en'](of),
      link: '/',
      requiresAcknowledgement: !agreement.mustAccept,
    })),
  );
}

type Of = Parameters<typeof tellEnrolled>[2];

const texts: Readonly<Record<'en' | 'de', (of: Of) => { readonly subject: string; readonly body: string }>> = {
  en: ({ agreement, programName, timeZone }) => ({
    subject: `${agreement.title}: version ${agreement.number} (${programName})`,
    body: [
      `Version ${agreement.number} of “${agreement.title}” counts from ${dateIn(timeZone, agreement.effectiveFrom)}.`,
      !agreement.mustAccept
        ? 'Please confirm that you have read it.'
        : agreement.graceUntil === null
          ? 'From then on it has to be accepted before anything else in the portal.'
          : `Please accept it by ${dateIn(timeZone, agreement.graceUntil)}.`,
    ].join(' '),
  }),
  de: ({ agreement, programName, timeZone }) => ({
    subject: `${agreement.title}: Fassung ${agreement.number} (${programName})`,
    body: [
      `Fassung ${agreement.number} von „${agreement.title}“ gilt ab ${dateIn(timeZone, agreement.effectiveFrom)}.`,
      !agreement.mustAccept
        ? 'Bitte bestätigen Sie, dass Sie sie gelesen haben.'
        : agreement.graceUntil === null
          ? 'Ab dann ist sie im Portal vor allem anderen anzunehmen.'
          : `Bitte nehmen Sie sie bis ${dateIn(timeZone, agreement.graceUntil)} an.`,
    ].join(' '),
  }),
};
