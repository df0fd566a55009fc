import type { Db } from '../../db/connection.js';
import { findPostbackKeepers, type Keeper } from '../../db/reads/messaging/postbackKeepers.js';
import { insertEmailsOnce } from '../../db/messaging/email.js';
import { insertNoticesOnce } from '../../db/messaging/notice.js';
import {
  changePostback,
  findPostback,
  isDelivered,
  lockPostback,
  noteCall,
  recordDelivery,
} from '../../db/messaging/postback.js';
import { readPostbackFacts } from '../../db/reads/messaging/postbackFacts.js';
import { inWorkspace, readWorkspace, type Tx } from '../../db/transaction.js';
import { type Act, systemAct } from '../../domain/act.js';
import { type NewId, parseId, type WorkspaceId } from '../../domain/ids.js';
import { countCall, fillMacros, type Postback, readAnswer } from '../../domain/messaging/postback.js';
import { addMs, type Instant } from '../../domain/time.js';
import type { OutboundAnswer } from '../../platform/outbound.js';

export interface PostbackDeps {
  readonly db: Db;
  readonly newId: NewId;
  /** One call to somebody's address, judged anew (reliability.md G18); nothing is open meanwhile. */
  readonly call: (url: string) => Promise<OutboundAnswer>;
  /** Milliseconds to the next try after so many; undefined: there is none. */
  readonly delayAfterMs: (attempts: number) => number | undefined;
}

export type PostbackAnswer =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'failed'; readonly code: string }
  | { readonly kind: 'refused'; readonly code: string };

/** What stands in the log of a call that was not made. */
const nothingSaid = { code: 'postback_off', responseStatus: null, responseBody: null } as const;

interface Told {
  readonly postbackId: string;
  readonly entryId: string;
  readonly event: string;
  readonly objectType: string;
  readonly objectId: string;
  readonly status: string | null;
}

/**
 * One outbox row of topic `postback` (BEY-21): reads what there is to tell, calls, writes the log and the count of failures. A relay function;
 * safe to repeat: what was delivered is not called again. A call that broke off before its log line is made twice, as at least once means.
 */
export async function deliverPostback(
  deps: PostbackDeps,
  row: { readonly workspaceId: string; readonly payload: unknown; readonly attempts: number },
): Promise<PostbackAnswer> {
  const told = readTold(row.payload);
  if (told === undefined) return { kind: 'refused', code: 'message.malformed' };
  const workspaceId = row.workspaceId as WorkspaceId;
  const read = await readWorkspace(deps.db, workspaceId, async (tx) => {
    const postback = await findPostback(tx, told.postbackId);
    if (postback === undefined || (await isDelivered(tx, postback.id, told.entryId))) return undefined;
    return { postback, facts: await readPostbackFacts(tx, { ...told, affiliateId: postback.affiliateId }) };
  });
  if (read === undefined) return { kind: 'delivered' }; // deleted, or told before the mark was lost
  const { postback, facts } = read;
  const url = fillMacros(postback.url, {
    ...facts,
    event: told.event,
    ...(told.status === null ? {} : { status: told.status }),
  });
  // Switched off or paused since it was written: nobody is called, and the log says what was left out.
  const answer = postback.active ? await deps.call(url) : undefined;
  const said = answer === undefined ? nothingSaid : readAnswer(answer);
  const { code } = said;
  const delayMs = answer === undefined || code === null ? undefined : deps.delayAfterMs(row.attempts);
  await inWorkspace(deps.db, workspaceId, async (tx, now) => {
    const act = actOf(deps, workspaceId, now);
    const current = await lockPostback(tx, postback.id);
    if (current === undefined) return;
    await recordDelivery(tx, act, {
      postbackId: current.id,
      entryId: told.entryId,
      event: told.event,
      objectId: told.objectId,
      url,
      attempts: row.attempts,
      ...said,
      status:
        answer === undefined ? 'dropped' : code === null ? 'delivered' : delayMs === undefined ? 'failed' : 'retrying',
      nextTryAt: delayMs === undefined ? null : addMs(now, delayMs),
    });
    if (answer !== undefined) await count(tx, act, current, code);
  });
  if (answer === undefined) return { kind: 'delivered' }; // there is nothing to send any more
  return code === null ? { kind: 'delivered' } : { kind: 'failed', code };
}

async function count(tx: Tx, act: Act, postback: Postback, code: string | null): Promise<void> {
  const { failuresInRow, isPaused } = countCall(postback, code === null);
  await noteCall(tx, postback.id, { at: act.now, code, failuresInRow });
  if (!isPaused || !postback.active) return;
  const paused = await changePostback(tx, act, postback.id, 'paused');
  const keepers = await findPostbackKeepers(tx, postback.affiliateId);
  const told = keepers.map((keeper) => ({
    onceKey: `postback.paused/${postback.id}/${paused.version}/${keeper.email}`,
    kind: 'postback_paused',
    recipient: keeper.email,
    ...texts[keeper.language === 'de' ? 'de' : 'en'](keeper, { host: new URL(postback.url).host, code }),
  }));
  await insertEmailsOnce(tx, act, told, 4);
  await insertNoticesOnce(
    tx,
    act,
    told.map(({ recipient, ...notice }) => ({ ...notice, to: { email: recipient } })),
  );
}

const texts: Readonly<
  Record<
    'en' | 'de',
    (
      keeper: Keeper,
      of: { readonly host: string; readonly code: string | null },
    ) => { readonly subject: string; readonly body: string }
  >
> = {
  en: ({ name }, { host, code }) => ({
    subject: `The postback to ${host} is paused`,
    body: [
      `Hello ${name},`,
      `25 calls in a row to ${host} failed; the last one with: ${code ?? '-'}. No more calls are made.`,
      'Once the address answers again, press Test: a test that succeeds switches the postback on again. What happened meanwhile is not sent later.',
    ].join('\n\n'),
  }),
  de: ({ name }, { host, code }) => ({
    subject: `Der Postback an ${host} ist angehalten`,
    body: [
      `Guten Tag ${name},`,
      `25 Aufrufe in Folge an ${host} sind fehlgeschlagen, der letzte mit: ${code ?? '-'}. Es wird nicht mehr aufgerufen.`,
      'Sobald die Adresse wieder antwortet, auf „Testen“ drücken: Ein gelungener Test schaltet den Postback wieder ein. Was inzwischen geschah, wird nicht nachgeholt.',
    ].join('\n\n'),
  }),
};

function readTold(payload: unknown): Told | undefined {
  const { postbackId, entryId, event, objectType, objectId, status } = (payload ?? {}) as Readonly<
    Record<string, unknown>
  >;
  const isWhole =
    typeof postbackId === 'string' &&
    parseId('postback', postbackId) !== undefined &&
    typeof entryId === 'string' &&
    typeof event === 'string' &&
    typeof objectType === 'string' &&
    typeof objectId === 'string';
  return isWhole
    ? { postbackId, entryId, event, objectType, objectId, status: typeof status === 'string' ? status : null }
    : undefined;
}

function actOf(deps: Pick<PostbackDeps, 'newId'>, workspaceId: WorkspaceId, now: Instant): Act {
  return systemAct({ workspaceId, now, newId: deps.newId });
}
