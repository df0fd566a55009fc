import { insertEmailsOnce } from '../messaging/email.js';
import { insertNoticesOnce } from '../messaging/notice.js';
import { listAskable } from '../reads/payout/payoutRunPreview.js';
import type { Tx } from '../transaction.js';
import type { Act } from '../../domain/act.js';
import { askableReasons, unpaidText } from '../../domain/payout/unpaidNotice.js';

/** Affiliates per read: a whole run in one transaction, a page of memory at a time. */
const perPage = 1_000;

/**
 * Mails and tells in the portal whoever a fixed plan leaves out and can do something about it: no details, or details that are not confirmed
 * (PAY-16). Once per run and affiliate, however often it is planned or asked for; the next run asks again. A test run tells nobody.
 */
export async function askUnpaid(
  tx: Tx,
  act: Act,
  run: { readonly id: string; readonly planVersion: number },
): Promise<{ readonly asked: number; readonly told: number }> {
  let asked = 0;
  let told = 0;
  for (let after: string | null = ''; after !== null; ) {
    const people = await listAskable(tx, {
      runId: run.id,
      planVersion: run.planVersion,
      reasons: askableReasons,
      after,
      limit: perPage,
    });
    asked += people.length;
    after = people.length < perPage ? null : (people.at(-1)?.affiliateId ?? null);
    if (act.mode === 'test') continue;
    const texts = people.flatMap(({ email, ...person }) =>
      email === null // erased
        ? []
        : [
            {
              ...person,
              email,
              onceKey: `payout_run.unpaid/${run.id}/${person.affiliateId}`,
              kind: 'payout_unpaid',
              ...unpaidText(person.language, person.rows),
            },
          ],
    );
    await insertNoticesOnce(
      tx,
      act,
      texts.map(({ affiliateId, onceKey, kind, subject, lines }) => ({
        to: { affiliateId },
        onceKey,
        kind,
        subject,
        body: lines.join('\n\n'),
        link: '/payout-methods',
      })),
    );
    told += await insertEmailsOnce(
      tx,
      act,
      texts.map(({ name, email, language, onceKey, kind, subject, lines }) => ({
        onceKey,
        kind,
        recipient: email,
        subject,
        body: [language === 'de' ? `Guten Tag ${name},` : `Hello ${name},`, ...lines].join('\n\n'),
      })),
      4,
    );
  }
  return { asked, told };
}
