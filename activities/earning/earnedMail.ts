import { getSettings } from '../../db/access/settings.js';
import { insertEmailsOnce } from '../../db/messaging/email.js';
import { insertNoticesOnce } from '../../db/messaging/notice.js';
import { listTranslations } from '../../db/messaging/template.js';
import { readMailedLinks } from '../../db/reads/messaging/mailedLinks.js';
import { readRecipients } from '../../db/reads/messaging/recipients.js';
import type { Tx } from '../../db/transaction.js';
import { effectiveTerms } from '../../domain/access/settings.js';
import type { Act } from '../../domain/act.js';
import type { Commission } from '../../domain/earning/commission.js';
import { commissionValues } from '../../domain/messaging/commissionMail.js';
import { mergeTemplate } from '../../domain/messaging/template.js';
import type { Program } from '../../domain/program/program.js';

/** Its switch in the notification settings. */
const event = 'commission.created';

/**
 * Tells affiliates of the commissions they just earned, with the template that the program chose (PRG-07), in the affiliate's language where
 * there is one of that name. One mail per line, whoever writes it again; the switch of the settings turns the mail off and leaves the entry in
 * the portal (SET-07). Test mode tells nobody.
 */
export async function mailEarned(tx: Tx, act: Act, program: Program, lines: readonly Commission[]): Promise<void> {
  if (program.ownTerms.commissionEmail === undefined || act.mode === 'test' || lines.length === 0) return;
  const { settings } = await getSettings(tx);
  const { enabled, templateId } = effectiveTerms(settings, program).commissionEmail;
  if (!enabled || templateId === null) return;
  const [templates, people] = await Promise.all([
    listTranslations(tx, templateId),
    readRecipients(tx, act.workspaceId, [...new Set(lines.map((line) => line.affiliateId))]),
  ]);
  const chosen = [...templates.values()][0];
  if (chosen === undefined) return; // a program of before the database kept templates that are in use
  const told = [];
  for (const line of lines) {
    const person = people.get(line.affiliateId);
    if (person === undefined) continue;
    const template = templates.get(person.language ?? '') ?? chosen;
    const of = { affiliateId: person.id, programId: program.id, now: act.now, publicUrl: act.publicUrl };
    const values = {
      ...commissionValues(person, [{ ...line, programName: program.name }]),
      ...(await readMailedLinks(tx, [template.subject, template.body], of)),
    };
    told.push({
      affiliateId: line.affiliateId,
      onceKey: `${event}/${line.id}`,
      kind: 'commission_created',
      recipient: person.email,
      subject: mergeTemplate(template.subject, values),
      body: mergeTemplate(template.body, values),
      referralIds: line.referralId === null ? [] : [line.referralId],
    });
  }
  await insertNoticesOnce(
    tx,
    act,
    told.map(({ affiliateId, recipient: _recipient, ...notice }) => ({
      ...notice,
      to: { affiliateId },
      link: '/earnings',
    })),
  );
  if (settings.notifications[event] === false) return;
  await insertEmailsOnce(
    tx,
    act,
    told.map(({ affiliateId: _affiliateId, ...mail }) => mail),
    4,
  );
}
