import { insertEmailsOnce } from '../../db/messaging/email.js';
import { findMessageOf, takeChoices } from '../../db/messaging/message.js';
import { insertNoticesOnce } from '../../db/messaging/notice.js';
import { listTranslations } from '../../db/messaging/template.js';
import { readMailedLinks } from '../../db/reads/messaging/mailedLinks.js';
import { messageKey } from '../../db/reads/messaging/messageList.js';
import { readRecipients } from '../../db/reads/messaging/recipients.js';
import {
  type BulkOperation,
  markItemSkipped,
  markItemsSucceeded,
  type OpenItem,
} from '../../db/reporting/bulkOperation.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId } from '../../domain/ids.js';
import { declineText, isDeclinable, messageValues } from '../../domain/messaging/message.js';
import { mergeTemplate } from '../../domain/messaging/template.js';

/**
 * Writes a message to the affiliates of a page (NTF-11), each in its own language where the template has it: a mail, an entry in the portal, or
 * both. Who declines such mails gets the entry only (NTF-16). Run twice it tells nobody twice. Test data tells nobody.
 */
export async function messageAffiliates(
  tx: Tx,
  act: Act,
  job: BulkOperation,
  items: readonly OpenItem[],
): Promise<void> {
  if (items.length === 0) return;
  const message = await findMessageOf(tx, job.id);
  assertInvariant(message !== undefined, 'a job of messages has its message', { operationId: job.id });
  const skip = async (skipped: readonly OpenItem[], code: string, detail: string): Promise<void> => {
    for (const { position } of skipped) await markItemSkipped(tx, job.id, position, { code, detail });
  };
  if (job.mode === 'test') return skip(items, 'access.not_enabled', 'Test data tells nobody.');
  const templates = await listTranslations(tx, message.templateId);
  const chosen = [...templates.values()][0];
  if (chosen === undefined) return skip(items, 'resource.not_found', 'The template was deleted meanwhile.');

  const ids = items.map((item) => item.objectId as AffiliateId);
  const people = await readRecipients(tx, act.workspaceId, ids);
  const reached = items.filter((item) => people.has(item.objectId as AffiliateId));
  const wantsMail = message.channels.includes('email');
  const mayDecline = isDeclinable(message);
  const choices =
    wantsMail && mayDecline
      ? await takeChoices(
          tx,
          act,
          [...people.values()].map((person) => person.id),
        )
      : undefined;
  const isOut = (id: string): boolean => choices?.get(id as AffiliateId)?.optedOutAt != null;

  const told = [];
  for (const person of people.values()) {
    const template = templates.get(person.language ?? '') ?? chosen;
    const of = { affiliateId: person.id, programId: null, now: act.now, publicUrl: act.publicUrl };
    const values = { ...messageValues(person), ...(await readMailedLinks(tx, [template.subject, template.body], of)) };
    told.push({
      person,
      language: template.language,
      onceKey: messageKey(job.id, person.id),
      kind: message.remindsId === null ? 'affiliate_message' : 'affiliate_reminder',
      subject: mergeTemplate(template.subject, values),
      body: mergeTemplate(template.body, values),
    });
  }
  if (message.channels.includes('in_app'))
    await insertNoticesOnce(
      tx,
      act,
      told.map(({ person, language: _language, ...notice }) => ({
        ...notice,
        to: { affiliateId: person.id },
        requiresAcknowledgement: message.requiresAcknowledgement && message.remindsId === null,
        ...(message.remindsId === null ? {} : { link: '/notices' }),
      })),
    );
  if (wantsMail)
    await insertEmailsOnce(
      tx,
      act,
      told.flatMap(({ person, language, ...mail }) => {
        if (isOut(person.id)) return [];
        const choice = choices?.get(person.id);
        if (choice === undefined || act.publicUrl === undefined) return [{ ...mail, recipient: person.email }];
        const unsubscribeUrl = `${act.publicUrl}/unsubscribe/${act.workspaceId}.${choice.token}`;
        const body = `${mail.body}\n\n${declineText(language)}\n${unsubscribeUrl}`;
        return [{ ...mail, body, recipient: person.email, unsubscribeUrl }];
      }),
      4,
    );
  const isOnlyMail = !message.channels.includes('in_app');
  const declined = reached.filter((item) => isOnlyMail && isOut(item.objectId));
  await markItemsSucceeded(
    tx,
    job.id,
    reached.filter((item) => !declined.includes(item)).map((item) => item.position),
  );
  await skip(declined, 'message.opted_out', 'The affiliate declines such mails.');
  await skip(
    items.filter((item) => !reached.includes(item)),
    'resource.not_found',
    'The affiliate has no address.',
  );
}
