import { insertEmailsOnce } from '../../../db/messaging/email.js';
import { insertNoticesOnce } from '../../../db/messaging/notice.js';
import { listRunLines, type PreviewRow } from '../../../db/reads/payout/payoutRunPreview.js';
import { findRunView } from '../../../db/reads/payout/payoutRunView.js';
import type { Tx } from '../../../db/transaction.js';
import type { AffiliateId } from '../../../domain/ids.js';
import { DomainError } from '../../../domain/errors.js';
import { isAskable, unpaidText } from '../../../domain/payout/unpaidNotice.js';
import { defineRoute, type Route } from '../../route.js';
import { payoutRunParams, unpaidBody, unpaidWire } from '../../schemas/payout/payoutRun.js';

/** Rows per read: the whole run in one transaction, a page of memory at a time. */
const perPage = 1_000;

/** Every row of the plan that is not paid. */
async function listUnpaid(tx: Tx, runId: string, planVersion: number): Promise<readonly PreviewRow[]> {
  const all: PreviewRow[] = [];
  for (let after: { value: string; id: string } | null = null; ; ) {
    const rows: readonly PreviewRow[] = await listRunLines(
      tx,
      { runId, planVersion, outcome: 'not_paid' },
      { limit: perPage, sort: 'affiliateId', descending: false, after },
    );
    const page = rows.slice(0, perPage);
    all.push(...page);
    const last = page.at(-1);
    if (rows.length <= perPage || last === undefined) return all;
    after = { value: last.currency, id: last.affiliateId };
  }
}

/**
 * Mails and tells in the portal whoever was left out and can do something about it: no details, or details that are not confirmed. Once per
 * run and affiliate, however often it is asked for; a test run tells nobody.
 */
const notifyUnpaid = defineRoute({
  method: 'POST',
  path: '/v1/payout-runs/:runId/notify-unpaid',
  permission: 'payout.prepare',
  params: payoutRunParams,
  body: unpaidBody,
  reply: unpaidWire,
  status: 202,
  refuses: ['resource.not_found', 'payout_run.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { runId } = ctx.params;
        const run = await findRunView(tx, ctx.mode, runId);
        if (run === undefined) throw new DomainError('resource.not_found');
        if (run.status === 'planning' || run.status === 'cancelled')
          throw new DomainError('payout_run.transition_not_allowed', { currentStatus: run.status, allowedActions: [] });
        const unpaid = await listUnpaid(tx, run.id, run.planVersion);
        const asked = new Map<string, PreviewRow[]>();
        for (const row of unpaid.filter((one) => isAskable(one) && one.owedMinor > 0n))
          asked.set(row.affiliateId, [...(asked.get(row.affiliateId) ?? []), row]);
        const people =
          act.mode === 'test'
            ? []
            : await tx('affiliates')
                .whereIn('id', [...asked.keys()])
                .whereNotNull('email')
                .select<{ id: AffiliateId; name: string; email: string; language: string | null }[]>(
                  'id',
                  'name',
                  'email',
                  'language',
                );
        const told = people.map((person) => ({ person, ...unpaidText(person.language, asked.get(person.id) ?? []) }));
        const onceKey = (id: string): string => `payout_run.unpaid/${run.id}/${id}`;
        await insertNoticesOnce(
          tx,
          act,
          told.map(({ person, subject, lines }) => ({
            to: { affiliateId: person.id },
            onceKey: onceKey(person.id),
            kind: 'payout_unpaid',
            subject,
            body: lines.join('\n\n'),
            link: '/payout-methods',
          })),
        );
        const mailed = await insertEmailsOnce(
          tx,
          act,
          told.map(({ person, subject, lines }) => ({
            onceKey: onceKey(person.id),
            kind: 'payout_unpaid',
            recipient: person.email,
            subject,
            body: [person.language === 'de' ? `Guten Tag ${person.name},` : `Hello ${person.name},`, ...lines].join(
              '\n\n',
            ),
          })),
          4,
        );
        return {
          object: 'payout_run_notification' as const,
          runId: run.id,
          notPaid: new Set(unpaid.map((row) => row.affiliateId)).size,
          asked: asked.size,
          told: mailed,
        };
      },
      { wake: true },
    ),
});

export const unpaidNoticeRoutes: readonly Route[] = [notifyUnpaid];
