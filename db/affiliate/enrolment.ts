import {
  type Enrolment,
  type EnrolmentEvent,
  type EnrolmentStatus,
  enrolmentTransitions,
} from '../../domain/affiliate/enrolment.js';
import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, EnrolmentId, ProgramId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface EnrolmentRow {
  readonly id: string;
  readonly affiliate_id: string;
  readonly program_id: string;
  readonly status: EnrolmentStatus;
  readonly joined_at: Instant;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toEnrolment(row: EnrolmentRow): Enrolment {
  return {
    id: row.id as EnrolmentId,
    affiliateId: row.affiliate_id as AffiliateId,
    programId: row.program_id as ProgramId,
    status: row.status,
    joinedAt: row.joined_at,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export async function findEnrolment(tx: ReadTx | Tx, id: string): Promise<Enrolment | undefined> {
  const row = await tx('enrolments').where({ id }).first<EnrolmentRow | undefined>();
  return row === undefined ? undefined : toEnrolment(row);
}

/** An affiliate's enrolments, oldest first. */
export async function listEnrolments(tx: ReadTx | Tx, affiliateId: string): Promise<readonly Enrolment[]> {
  const rows = await tx('enrolments')
    .where({ affiliate_id: affiliateId })
    .orderBy('created_at')
    .orderBy('id')
    .select<EnrolmentRow[]>('*');
  return rows.map(toEnrolment);
}

/**
 * Enrols the affiliate; the first `joinedAt` in that program stays (AFF-26). Refuses with `resource.already_exists` where an enrolment
 * is open. The affiliate is locked by the caller.
 */
export async function insertEnrolment(
  tx: Tx,
  act: Act,
  enrolment: {
    readonly id: EnrolmentId;
    readonly affiliateId: AffiliateId;
    readonly programId: ProgramId;
    readonly status: 'pending' | 'active';
  },
): Promise<Enrolment> {
  const earlier = await tx('enrolments')
    .where({ affiliate_id: enrolment.affiliateId, program_id: enrolment.programId })
    .orderBy('joined_at')
    .first<{ joined_at: Instant } | undefined>('joined_at');
  const [row] = await tx('enrolments')
    .insert({
      id: enrolment.id,
      affiliate_id: enrolment.affiliateId,
      program_id: enrolment.programId,
      status: enrolment.status,
      joined_at: earlier?.joined_at ?? act.now,
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<EnrolmentRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'enrolment',
    objectId: enrolment.id,
    seq: 1,
    event: 'enrolled',
    to: enrolment.status,
    changes: { affiliateId: enrolment.affiliateId, programId: enrolment.programId },
  });
  return toEnrolment(row);
}

/** Moves the enrolment to the status that the event leads to. The caller has judged it, under the affiliate's lock. */
export async function moveEnrolment(tx: Tx, act: Act, enrolment: Enrolment, event: EnrolmentEvent): Promise<Enrolment> {
  const to = nextStatus(enrolmentTransitions, enrolment.status, event);
  assertInvariant(to !== undefined, 'a move is in the table', { from: enrolment.status, event });
  const [row] = await tx('enrolments')
    .where({ id: enrolment.id })
    .update({ status: to, version: enrolment.version + 1, updated_at: act.now })
    .returning<EnrolmentRow[]>('*');
  assertInvariant(row !== undefined, 'a locked enrolment is there', { enrolmentId: enrolment.id });
  await recordAudit(tx, act, {
    objectType: 'enrolment',
    objectId: enrolment.id,
    seq: enrolment.version + 1,
    event,
    from: enrolment.status,
    to,
  });
  return toEnrolment(row);
}
