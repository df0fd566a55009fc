import { insertEmailsOnce } from '../../db/messaging/email.js';
import { insertNoticesOnce } from '../../db/messaging/notice.js';
import { listTranslations } from '../../db/messaging/template.js';
import { listMailedCommissions } from '../../db/reads/messaging/mailedCommissions.js';
import { readRecipients } from '../../db/reads/messaging/recipients.js';
import {
  type BulkOperation,
  listItemsOfSameAffiliates,
  markItemSkipped,
  markItemsSucceeded,
  type OpenItem,
} from '../../db/reporting/bulkOperation.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import { commissionValues } from '../../domain/messaging/commissionMail.js';
import { mergeTemplate } from '../../domain/messaging/template.js';

/**
 * Writes to the affiliates of these commissions (COM-11): one mail each, with all lines of theirs that the job selected, also those of later
 * pages, and the same as an entry in the portal. Run twice it tells nothing twice. Test data tells nobody.
 */
export async function messageItems(tx: Tx, act: Act, job: BulkOperation, page: readonly OpenItem[]): Promise<void> {
  if (page.length === 0) return;
  const templateId = job.request.params?.['templateId'];
  assertInvariant(typeof templateId === 'string', 'a message has a template', { operationId: job.id });
  const [items, templates] = await Promise.all([
    listItemsOfSameAffiliates(tx, job.id, page),
    listTranslations(tx, templateId),
  ]);
  const chosen = [...templates.values()][0];
  const skip = async (skipped: readonly OpenItem[], code: string, detail: string): Promise<void> => {
    for (const { position } of skipped) await markItemSkipped(tx, job.id, position, { code, detail });
  };
  if (job.mode === 'test') return skip(items, 'access.not_enabled', 'Test data tells nobody.');
  if (chosen === undefined) return skip(items, 'resource.not_found', 'The template was deleted meanwhile.');

  const lines = await listMailedCommissions(tx, job.mode, { ids: items.map((item) => item.objectId) });
  const affiliateOf = new Map<string, string>(lines.map((line) => [line.id, line.affiliateId]));
  const people = await readRecipients(tx, act.workspaceId, [...new Set(affiliateOf.values())]);
  const isReached = (item: OpenItem): boolean => people.has(affiliateOf.get(item.objectId) ?? '');
  const told = [...people.values()].map((person) => {
    const template = templates.get(person.language ?? '') ?? chosen;
    const values = commissionValues(
      person,
      lines.filter((line) => line.affiliateId === person.id),
    );
    return {
      person,
      onceKey: `${job.kind}/${job.id}/${person.id}`,
      kind: 'commissions_message',
      subject: mergeTemplate(template.subject, values),
      body: mergeTemplate(template.body, values),
    };
  });
  await insertNoticesOnce(
    tx,
    act,
    told.map(({ person, ...notice }) => ({ ...notice, to: { affiliateId: person.id }, link: '/earnings' })),
  );
  await insertEmailsOnce(
    tx,
    act,
    told.map(({ person, ...mail }) => ({ ...mail, recipient: person.email })),
    4,
  );
  await markItemsSucceeded(
    tx,
    job.id,
    items.filter(isReached).map((item) => item.position),
  );
  await skip(
    items.filter((item) => !isReached(item)),
    'resource.not_found',
    'The affiliate has no address.',
  );
}
