import { createHash } from 'node:crypto';
import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, AgreementId, ProgramId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export const agreementKinds = ['terms', 'guidelines'] as const;
export type AgreementKind = (typeof agreementKinds)[number];

/** One published version of a program's terms or guidelines: never edited, a change is the next number (PRG-15). */
export interface Agreement {
  readonly id: AgreementId;
  readonly programId: ProgramId;
  readonly kind: AgreementKind;
  readonly number: number;
  readonly title: string;
  readonly text: string;
  /** SHA-256 of the text, hex. */
  readonly sha256: string;
  readonly mustAccept: boolean;
  readonly effectiveFrom: Instant;
  readonly graceUntil: Instant | null;
  readonly createdAt: Instant;
}

export interface AgreementRow {
  readonly id: string;
  readonly program_id: string;
  readonly kind: AgreementKind;
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly body_sha256: Buffer;
  readonly must_accept: boolean;
  readonly effective_from: Instant;
  readonly grace_until: Instant | null;
  readonly created_at: Instant;
}

export function toAgreement(row: AgreementRow): Agreement {
  return {
    id: row.id as AgreementId,
    programId: row.program_id as ProgramId,
    kind: row.kind,
    number: row.number,
    title: row.title,
    text: row.body,
    sha256: row.body_sha256.toString('hex'),
    mustAccept: row.must_accept,
    effectiveFrom: row.effective_from,
    graceUntil: row.grace_until,
    createdAt: row.created_at,
  };
}

export type NewAgreement = Omit<Agreement, 'number' | 'sha256' | 'createdAt'>;

/** Publishes the next version. The program is locked by the caller, so two cannot draw the same number. */
export async function insertAgreement(tx: Tx, act: Act, agreement: NewAgreement): Promise<Agreement> {
  const { rows } = await tx.raw<{ rows: { next: number }[] }>(
    'select coalesce(max(number), 0) + 1 as next from agreements where program_id = ? and kind = ?',
    [agreement.programId, agreement.kind],
  );
  const number = rows[0]?.next ?? 1;
  const hash = createHash('sha256').update(agreement.text, 'utf8').digest();
  const [row] = await tx('agreements')
    .insert({
      id: agreement.id,
      program_id: agreement.programId,
      kind: agreement.kind,
      number,
      title: agreement.title,
      body: agreement.text,
      body_sha256: hash,
      must_accept: agreement.mustAccept,
      effective_from: agreement.effectiveFrom,
      grace_until: agreement.graceUntil,
      created_by: act.actor.userId,
      created_at: act.now,
    })
    .returning<AgreementRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'agreement',
    objectId: agreement.id,
    seq: 1,
    event: 'published',
    changes: {
      programId: agreement.programId,
      kind: agreement.kind,
      number,
      sha256: hash.toString('hex'),
      effectiveFrom: agreement.effectiveFrom,
      mustAccept: agreement.mustAccept,
    },
  });
  return toAgreement(row);
}

export async function findAgreement(tx: ReadTx | Tx, id: string): Promise<Agreement | undefined> {
  const row = await tx('agreements').where({ id }).first<AgreementRow | undefined>();
  return row === undefined ? undefined : toAgreement(row);
}

/** The version in force at an instant: the highest number whose time has begun. */
export async function findCurrentAgreement(
  tx: ReadTx | Tx,
  programId: string,
  kind: AgreementKind,
  now: Instant,
): Promise<Agreement | undefined> {
  const row = await tx('agreements')
    .where({ program_id: programId, kind })
    .where('effective_from', '<=', now)
    .orderBy('number', 'desc')
    .first<AgreementRow | undefined>();
  return row === undefined ? undefined : toAgreement(row);
}

/** Records an acceptance. False when this affiliate has accepted this version before: nothing is written then. */
export async function recordAcceptance(
  tx: Tx,
  act: Act,
  acceptance: {
    readonly agreementId: AgreementId;
    readonly affiliateId: AffiliateId;
    readonly via: 'paper' | 'portal' | 'application';
    readonly acceptedAt: Instant;
    /** From where, when it was accepted on a page of ours (PRT-13). */
    readonly address?: string;
    /** The affiliate's next version: the acceptance stands in its history. */
    readonly seq: number;
  },
): Promise<boolean> {
  const inserted = await tx('agreement_acceptances')
    .insert({
      agreement_id: acceptance.agreementId,
      affiliate_id: acceptance.affiliateId,
      via: acceptance.via,
      recorded_by: act.actor.userId,
      address: acceptance.address ?? null,
      accepted_at: acceptance.acceptedAt,
      created_at: act.now,
    })
    .onConflict(['workspace_id', 'agreement_id', 'affiliate_id'])
    .ignore()
    .returning('agreement_id');
  if (inserted.length === 0) return false;
  await tx('affiliates').where({ id: acceptance.affiliateId }).update({ version: acceptance.seq, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'affiliate',
    objectId: acceptance.affiliateId,
    seq: acceptance.seq,
    event: 'agreement_accepted',
    changes: { agreementId: acceptance.agreementId, via: acceptance.via, acceptedAt: acceptance.acceptedAt },
  });
  return true;
}
