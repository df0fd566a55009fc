import type { Act, Mode } from '../../domain/act.js';
import { type AppealEvent, type AppealStatus, appealTransitions } from '../../domain/earning/appeal.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, Id, ReferralId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface AppealRecord {
  readonly id: Id<'appeal'>;
  readonly mode: Mode;
  readonly affiliateId: AffiliateId;
  readonly objectType: 'referral' | 'commission' | 'lead';
  readonly objectId: string;
  readonly referralId: ReferralId | null;
  readonly text: string;
  readonly status: AppealStatus;
  readonly rejectedBy: string | null;
  readonly answer: string | null;
  readonly answeredAt: Instant | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export interface AppealRow {
  readonly id: string;
  readonly mode: Mode;
  readonly affiliate_id: string;
  readonly object_type: AppealRecord['objectType'];
  readonly object_id: string;
  readonly referral_id: string | null;
  readonly body: string;
  readonly status: AppealStatus;
  readonly rejected_by: string | null;
  readonly answer: string | null;
  readonly answered_at: Instant | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toAppeal(row: AppealRow): AppealRecord {
  return {
    id: row.id as Id<'appeal'>,
    mode: row.mode,
    affiliateId: row.affiliate_id as AffiliateId,
    objectType: row.object_type,
    objectId: row.object_id,
    referralId: row.referral_id as ReferralId | null,
    text: row.body,
    status: row.status,
    rejectedBy: row.rejected_by,
    answer: row.answer,
    answeredAt: row.answered_at,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type NewAppeal = Pick<
  AppealRecord,
  'id' | 'affiliateId' | 'objectType' | 'objectId' | 'referralId' | 'text' | 'rejectedBy'
>;

/** Writes the appeal and the first line of its history. Undefined: there has been one on this object (once per object). */
export async function insertAppeal(tx: Tx, act: Act, appeal: NewAppeal): Promise<AppealRecord | undefined> {
  const [row] = await tx('appeals')
    .insert({
      id: appeal.id,
      mode: act.mode,
      affiliate_id: appeal.affiliateId,
      object_type: appeal.objectType,
      object_id: appeal.objectId,
      referral_id: appeal.referralId,
      body: appeal.text,
      rejected_by: appeal.rejectedBy,
      created_at: act.now,
      updated_at: act.now,
    })
    .onConflict(['workspace_id', 'object_id'])
    .ignore()
    .returning<AppealRow[]>('*');
  if (row === undefined) return undefined;
  await recordAudit(tx, act, {
    objectType: 'appeal',
    objectId: appeal.id,
    seq: 1,
    event: 'created',
    to: 'open',
    changes: { objectType: appeal.objectType, objectId: appeal.objectId },
  });
  return toAppeal(row);
}

export async function lockAppeal(tx: Tx, id: string): Promise<AppealRecord | undefined> {
  const row = await tx('appeals').where({ id }).forNoKeyUpdate().first<AppealRow | undefined>();
  return row === undefined ? undefined : toAppeal(row);
}

/** Ends it. The caller holds the row's lock and has decided the event. */
export async function endAppeal(
  tx: Tx,
  act: Act,
  appeal: AppealRecord,
  event: AppealEvent,
  answer: string | null,
): Promise<AppealRecord> {
  const status = nextStatus(appealTransitions, appeal.status, event);
  assertInvariant(status !== undefined, 'an event that was decided is in the table', { appealId: appeal.id, event });
  const [row] = await tx('appeals')
    .where({ id: appeal.id })
    .update({
      status,
      answer,
      answered_by: event === 'withdrawn' ? null : act.actor.userId,
      answered_at: act.now,
      version: appeal.version + 1,
      updated_at: act.now,
    })
    .returning<AppealRow[]>('*');
  assertInvariant(row !== undefined, 'a locked appeal is there', { appealId: appeal.id });
  await recordAudit(tx, act, {
    objectType: 'appeal',
    objectId: appeal.id,
    seq: appeal.version + 1,
    event,
    from: appeal.status,
    to: status,
  });
  return toAppeal(row);
}

/** What an affiliate may appeal: its own referral, commission or lead as it stands, and who rejected it when. */
export async function findAppealable(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly affiliateId: string; readonly objectId: string },
): Promise<
  | {
      readonly objectType: AppealRecord['objectType'];
      readonly referralId: ReferralId | null;
      readonly status: string;
    }
  | undefined
> {
  const { rows } = await tx.raw<{
    rows: { object_type: AppealRecord['objectType']; referral_id: ReferralId | null; status: string }[];
  }>(
    `select 'referral' as object_type, id as referral_id, status from referrals
     where id = :objectId and mode = :mode and affiliate_id = :affiliateId
     union all
     select 'commission', referral_id, status from commissions
     where id = :objectId and mode = :mode and affiliate_id = :affiliateId and kind in ('earned', 'bonus', 'adjustment')
     union all
     -- a lead that does not count: its table has a word of its own for it (features.md 2.6)
     select 'lead', referral_id, case verdict when 'invalid' then 'rejected' else verdict end from leads
     where id = :objectId and mode = :mode and affiliate_id = :affiliateId`,
    of,
  );
  const [row] = rows;
  return row === undefined
    ? undefined
    : { objectType: row.object_type, referralId: row.referral_id, status: row.status };
}
