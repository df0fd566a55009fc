import { insertEmailsOnce } from '../../db/messaging/email.js';
import { insertNoticesOnce } from '../../db/messaging/notice.js';
import { listTranslations } from '../../db/messaging/template.js';
import { listMailedCommissions } from '../../db/reads/messaging/mailedCommissions.js';
import { listMailedPayouts } from '../../db/reads/messaging/mailedPayouts.js';
import { readMailedLinks } from '../../db/reads/messaging/mailedLinks.js';
import { readRecipients, type Recipient } from '../../db/reads/messaging/recipients.js';
import {
  type BulkOperation,
  listItemsOfSameAffiliates,
  markItemSkipped,
  markItemsSucceeded,
  type OpenItem,
} from '../../db/reporting/bulkOperation.js';
import type { Tx } from '../../db/transaction.js';
import type { Act, Mode } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ReferralId } from '../../domain/ids.js';
import { commissionValues } from '../../domain/messaging/commissionMail.js';
import { payoutValues } from '../../domain/messaging/payoutMail.js';
import { mergeTemplate, type MergeValues } from '../../domain/messaging/template.js';

/** What the affiliates of a job are written to about. */
interface Matter {
  /** Whose each row is; one that is not told of is left out. */
  readonly affiliateOf: ReadonlyMap<string, string>;
  readonly valuesFor: (person: Recipient) => MergeValues;
  /** The referrals whose commissions a person's message is about; a message about payouts is about none. */
  readonly referralsOf: (person: Recipient) => readonly ReferralId[];
  /** Where the portal shows it. */
  readonly link: string;
}

type About = 'commissions' | 'payouts';

async function ofCommissions(tx: Tx, mode: Mode, ids: readonly string[]): Promise<Matter> {
  const lines = await listMailedCommissions(tx, mode, { ids });
  return {
    affiliateOf: new Map(lines.map((line) => [line.id, line.affiliateId])),
    valuesFor: (person) =>
      commissionValues(
        person,
        lines.filter((line) => line.affiliateId === person.id),
      ),
    referralsOf: (person) => [
      ...new Set(lines.flatMap((line) => (line.affiliateId === person.id ? (line.referralId ?? []) : []))),
    ],
    link: '/earnings',
  };
}

async function ofPayouts(tx: Tx, mode: Mode, ids: readonly string[]): Promise<Matter> {
  const payouts = await listMailedPayouts(tx, mode, ids);
  const lines = await listMailedCommissions(tx, mode, { ids: payouts.flatMap((payout) => payout.commissionIds) });
  return {
    affiliateOf: new Map(payouts.map((payout) => [payout.id, payout.affiliateId])),
    valuesFor: (person) =>
      payoutValues(
        person,
        payouts.filter((payout) => payout.affiliateId === person.id),
        lines.filter((line) => line.affiliateId === person.id),
      ),
    referralsOf: () => [],
    link: '/payouts',
  };
}

/**
 * Writes to the affiliates of these commissions or payouts (COM-11, NTF-14): one mail each, with all rows of theirs that the job selected,
 * also those of later pages, and the same as an entry in the portal. Run twice it tells nothing twice. Test data tells nobody.
 */
export async function messageItems(
  tx: Tx,
  act: Act,
  { job, about }: { readonly job: BulkOperation; readonly about: About },
  page: readonly OpenItem[],
): Promise<void> {
  if (page.length === 0) return;
  const templateId = job.request.params?.['templateId'];
  assertInvariant(typeof templateId === 'string', 'a message has a template', { operationId: job.id });
  const [items, templates] = await Promise.all([
    listItemsOfSameAffiliates(tx, { operationId: job.id, table: about }, page),
    listTranslations(tx, templateId),
  ]);
  const chosen = [...templates.values()][0];
  const skip = async (skipped: readonly OpenItem[], code: string, detail: string): Promise<void> => {
    for (const { position } of skipped) await markItemSkipped(tx, job.id, position, { code, detail });
  };
  if (job.mode === 'test') return skip(items, 'access.not_enabled', 'Test data tells nobody.');
  if (chosen === undefined) return skip(items, 'resource.not_found', 'The template was deleted meanwhile.');

  const ids = items.map((item) => item.objectId);
  const matter = await (about === 'payouts' ? ofPayouts : ofCommissions)(tx, job.mode, ids);
  const { affiliateOf } = matter;
  const people = await readRecipients(tx, act.workspaceId, [...new Set(affiliateOf.values())]);
  const told = [];
  for (const person of people.values()) {
    const template = templates.get(person.language ?? '') ?? chosen;
    const of = { affiliateId: person.id, programId: null, now: act.now, publicUrl: act.publicUrl };
    const links = await readMailedLinks(tx, [template.subject, template.body], of);
    const values = { ...matter.valuesFor(person), ...links };
    told.push({
      person,
      onceKey: `${job.kind}/${job.id}/${person.id}`,
      kind: `${about}_message`,
      subject: mergeTemplate(template.subject, values),
      body: mergeTemplate(template.body, values),
      referralIds: matter.referralsOf(person),
    });
  }
  await insertNoticesOnce(
    tx,
    act,
    told.map(({ person, ...notice }) => ({ ...notice, to: { affiliateId: person.id }, link: matter.link })),
  );
  await insertEmailsOnce(
    tx,
    act,
    told.map(({ person, ...mail }) => ({ ...mail, recipient: person.email })),
    4,
  );
  const isTold = (item: OpenItem): boolean => affiliateOf.has(item.objectId);
  const isReached = (item: OpenItem): boolean => people.has(affiliateOf.get(item.objectId) ?? '');
  await markItemsSucceeded(
    tx,
    job.id,
    items.filter(isReached).map((item) => item.position),
  );
  await skip(
    items.filter((item) => !isTold(item)),
    about === 'payouts' ? 'payout.transition_not_allowed' : 'resource.not_found',
    'Affiliates do not see it yet.',
  );
  await skip(
    items.filter((item) => isTold(item) && !isReached(item)),
    'resource.not_found',
    'The affiliate has no address.',
  );
}
