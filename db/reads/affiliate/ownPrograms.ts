import type { EnrolmentStatus } from '../../../domain/affiliate/enrolment.js';
import type { AffiliateId, LinkId, ProgramId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

/** A program as one of its affiliates sees it. */
export interface OwnProgram {
  readonly id: ProgramId;
  readonly status: EnrolmentStatus;
  readonly joinedAt: Instant;
  readonly linkId: LinkId | null;
}

// In which programs is this affiliate, oldest first? An enrolment that ended has left the list, like the program it was in.
export async function listOwnPrograms(tx: ReadTx, affiliateId: AffiliateId): Promise<readonly OwnProgram[]> {
  const { rows } = await tx.raw<{ rows: OwnProgram[] }>(
    `select enrolment.program_id as id, enrolment.status, enrolment.joined_at as "joinedAt",
            (select link.id from links as link
             where link.affiliate_id = enrolment.affiliate_id and link.program_id = enrolment.program_id
               and link.is_default and link.status <> 'archived'
             order by link.created_at desc, link.id desc limit 1) as "linkId"
     from enrolments as enrolment
     where enrolment.affiliate_id = :affiliateId and enrolment.status <> 'ended'
     order by enrolment.joined_at, enrolment.id`,
    { affiliateId },
  );
  return rows;
}

/** A program that an affiliate may join, as far as it is told of it. */
export interface JoinableProgram {
  readonly id: ProgramId;
  readonly name: string;
  readonly currency: string;
  readonly landingUrl: string | null;
}

// Which programs may this affiliate join by itself: those that are open to all, and in which it is not (domain/program, isJoinable)?
export async function listJoinablePrograms(tx: ReadTx, affiliateId: AffiliateId): Promise<readonly JoinableProgram[]> {
  const { rows } = await tx.raw<{ rows: JoinableProgram[] }>(
    `select program.id, program.name, program.currency, program.landing_url as "landingUrl"
     from programs as program
     where program.status = 'active' and program.enrolment = 'open'
       and not exists (
         select from enrolments as enrolment
         where (enrolment.workspace_id, enrolment.program_id) = (program.workspace_id, program.id)
           and enrolment.affiliate_id = :affiliateId and enrolment.status <> 'ended')
     order by program.name, program.id
     limit 100`,
    { affiliateId },
  );
  return rows;
}

/** The names of products by id, for rates in words. */
export async function findProductNames(tx: ReadTx, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await tx('products')
    .whereIn('id', [...ids])
    .select<{ id: string; name: string }[]>('id', 'name');
  return new Map(rows.map((row) => [row.id, row.name]));
}
