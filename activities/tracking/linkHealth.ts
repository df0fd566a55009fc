import { Context } from '@temporalio/activity';
import type { Db } from '../../db/connection.js';
import { listWorkspaces } from '../../db/directory.js';
import { insertEmailsOnce } from '../../db/messaging/email.js';
import { insertNoticesOnce } from '../../db/messaging/notice.js';
import { type DueLink, listDueLinks, listLinkKeepers } from '../../db/reads/tracking/dueLinks.js';
import { listScriptHosts } from '../../db/reads/tracking/linkOrigin.js';
import { inWorkspace, readWorkspace, type Tx } from '../../db/transaction.js';
import { lockLink, recordLinkHealth } from '../../db/tracking/link.js';
import { type Act, systemAct } from '../../domain/act.js';
import type { NewId, WorkspaceId } from '../../domain/ids.js';
import { addDays, type Instant } from '../../domain/time.js';
import type { Link } from '../../domain/tracking/link.js';
import type { LinkCheck } from '../../domain/tracking/linkCheck.js';

export interface LinkHealthDeps {
  readonly db: Db;
  readonly newId: NewId;
  /** One call to the page; nothing is open meanwhile. */
  readonly lookAtDestination: (url: string, hosts: readonly string[]) => Promise<LinkCheck>;
  readonly publicUrl: string;
}

/** Each link once a day; what a pass does not reach is the next one's. */
const daysBetween = 1;
const perWorkspace = 50;
const atOnce = 5;

export function linkHealthActivities(deps: LinkHealthDeps) {
  return {
    /**
     * One pass over all workspaces (LNK-09): reads which links are due, looks at their pages, and writes what was seen, a transaction each.
     * Safe to repeat: a link that was looked at is not due again. Answers how many were.
     */
    checkDueLinks: async (): Promise<{ readonly found: number }> => {
      let found = 0;
      for (const { id } of await listWorkspaces(deps.db)) {
        const { due, hosts } = await readWorkspace(deps.db, id, async (tx, now) => ({
          due: await listDueLinks(tx, { now, before: addDays(now, -daysBetween), limit: perWorkspace }),
          hosts: await listScriptHosts(tx, deps.publicUrl),
        }));
        for (let from = 0; from < due.length; from += atOnce) {
          const some = due.slice(from, from + atOnce);
          const seen = await Promise.all(
            some.map(({ destinationUrl }) => deps.lookAtDestination(destinationUrl, hosts)),
          );
          await inWorkspace(deps.db, id, async (tx, now) => {
            for (const [index, link] of some.entries()) await record(tx, actOf(deps, id, now), link, seen[index]);
          });
          found += some.length;
          Context.current().heartbeat(found);
        }
      }
      return { found };
    },
  };
}

function actOf(deps: LinkHealthDeps, workspaceId: WorkspaceId, now: Instant): Act {
  return systemAct({ workspaceId, now, newId: deps.newId });
}

async function record(tx: Tx, act: Act, due: DueLink, seen: LinkCheck | undefined): Promise<void> {
  const link = await lockLink(tx, due.id);
  // Its destination may have been changed while the old one was looked at.
  if (link === undefined || seen === undefined || link.destinationUrl !== due.destinationUrl) return;
  const changed = await recordLinkHealth(tx, act, link, seen.health);
  if (changed.health === 'unreachable' && link.health !== 'unreachable') await alert(tx, act, changed);
}

/** Told once per time that it broke: to its affiliate, and to those who run the workspace. */
async function alert(tx: Tx, act: Act, link: Link): Promise<void> {
  const keepers = await listLinkKeepers(tx, link.affiliateId);
  const told = keepers.map(({ name, email, language }) => ({
    onceKey: `link.unreachable/${link.id}/${link.version}/${email}`,
    kind: 'link_unreachable',
    recipient: email,
    ...texts[language === 'de' ? 'de' : 'en'](name, link),
  }));
  await insertEmailsOnce(tx, act, told, 4);
  await insertNoticesOnce(
    tx,
    act,
    told.map(({ recipient, ...notice }) => ({ ...notice, to: { email: recipient }, link: '/links' })),
  );
}

const texts: Readonly<
  Record<'en' | 'de', (name: string, link: Link) => { readonly subject: string; readonly body: string }>
> = {
  en: (name, link) => ({
    subject: `The page of the link ${link.slug} does not answer`,
    body: [
      `Hello ${name},`,
      `the page that the link ${link.slug} leads to did not answer when we looked: ${link.destinationUrl}`,
      'The link goes on working and is not switched off. Visitors may see an error until the page is back or the destination is changed.',
    ].join('\n\n'),
  }),
  de: (name, link) => ({
    subject: `Die Seite des Links ${link.slug} antwortet nicht`,
    body: [
      `Guten Tag ${name},`,
      `die Seite, auf die der Link ${link.slug} führt, hat nicht geantwortet, als wir sie ansahen: ${link.destinationUrl}`,
      'Der Link arbeitet weiter und wird nicht abgeschaltet. Besucher sehen vielleicht einen Fehler, bis die Seite zurück ist oder das Ziel geändert wird.',
    ].join('\n\n'),
  }),
};
