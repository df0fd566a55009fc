import { getSettings } from '../../db/access/settings.js';
import { insertEmailsOnce } from '../../db/messaging/email.js';
import { insertPasses, listOpenMilestones, readSoldTotals } from '../../db/messaging/milestone.js';
import { insertNoticesOnce } from '../../db/messaging/notice.js';
import { listTranslations } from '../../db/messaging/template.js';
import { findProgram } from '../../db/program/program.js';
import { lockVolumes } from '../../db/reads/earning/planInput.js';
import { readMailedLinks } from '../../db/reads/messaging/mailedLinks.js';
import { readRecipients } from '../../db/reads/messaging/recipients.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import type { AffiliateId, ProgramId, ReferralId } from '../../domain/ids.js';
import { passedNow } from '../../domain/messaging/milestone.js';
import { milestoneValues } from '../../domain/messaging/milestoneMail.js';
import { mergeTemplate } from '../../domain/messaging/template.js';

/** Its switch in the notification settings. */
const event = 'milestone.reached';

/**
 * Writes down which milestones a sale made its affiliate reach or pass, and tells of the highest one (NTF-05 to NTF-07), with the sale itself.
 * The last thing a sale does: nothing that others wait for is locked afterwards. Test mode tells nobody.
 */
export async function passMilestones(
  tx: Tx,
  act: Act,
  of: {
    readonly programId: ProgramId;
    readonly affiliateId: AffiliateId | null;
    readonly referralId: ReferralId;
    readonly saleId: string;
  },
): Promise<void> {
  const { affiliateId, programId, saleId } = of;
  if (affiliateId === null || act.mode === 'test') return;
  const whose = { affiliateId, programId };
  if ((await listOpenMilestones(tx, whose)).length === 0) return;
  // Two sales at once would each see only itself, and neither the mark that they pass together.
  await lockVolumes(tx, [`milestones ${programId} ${affiliateId}`]);
  const totals = await readSoldTotals(tx, whose);
  const passes = passedNow(await listOpenMilestones(tx, whose), totals);
  if (passes.length === 0) return;
  await insertPasses(tx, act, { affiliateId, saleId }, passes);
  const person = (await readRecipients(tx, act.workspaceId, [affiliateId])).get(affiliateId);
  const program = await findProgram(tx, programId);
  if (person === undefined || program === undefined) return; // erased
  const told = [];
  for (const { milestone } of passes.filter((pass) => pass.mailed)) {
    const templates = await listTranslations(tx, milestone.templateId);
    const template = templates.get(person.language ?? '') ?? [...templates.values()][0];
    if (template === undefined) continue; // the database keeps templates that are in use
    const links = { affiliateId, programId, now: act.now, publicUrl: act.publicUrl };
    const values = {
      ...milestoneValues({ ...person, programName: program.name }, milestone, totals),
      ...(await readMailedLinks(tx, [template.subject, template.body], links)),
    };
    told.push({
      onceKey: `${event}/${milestone.id}/${affiliateId}`,
      kind: 'milestone_reached',
      subject: mergeTemplate(template.subject, values),
      body: mergeTemplate(template.body, values),
      referralIds: [of.referralId],
    });
  }
  await insertNoticesOnce(
    tx,
    act,
    told.map((notice) => ({ ...notice, to: { affiliateId }, link: '/earnings' })),
  );
  const { settings } = await getSettings(tx);
  if (settings.notifications[event] === false) return;
  await insertEmailsOnce(
    tx,
    act,
    told.map((mail) => ({ ...mail, recipient: person.email })),
    4,
  );
}
