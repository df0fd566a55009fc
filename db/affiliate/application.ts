import type { Act } from '../../domain/act.js';
import type { Answer, Application } from '../../domain/affiliate/application.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, AgreementId, Id, ProgramId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface ApplicationRow {
  readonly id: Id<'application'>;
  readonly affiliate_id: AffiliateId;
  readonly program_id: ProgramId;
  readonly answers: readonly Answer[];
  readonly recruiter_id: AffiliateId | null;
  readonly agreement_id: AgreementId | null;
  readonly question: string | null;
  readonly asked_at: Instant | null;
  readonly reply: string | null;
  readonly replied_at: Instant | null;
  readonly created_at: Instant;
}

export const applicationColumns = [
  'id',
  'affiliate_id',
  'program_id',
  'answers',
  'recruiter_id',
  'agreement_id',
  'question',
  'asked_at',
  'reply',
  'replied_at',
  'created_at',
] as const;

export function toApplication(row: ApplicationRow): Application {
  return {
    id: row.id,
    affiliateId: row.affiliate_id,
    programId: row.program_id,
    answers: row.answers,
    recruiterId: row.recruiter_id,
    agreementId: row.agreement_id,
    question: row.question,
    askedAt: row.asked_at,
    reply: row.reply,
    repliedAt: row.replied_at,
    createdAt: row.created_at,
  };
}

/** Keeps what was applied with. Its history is the affiliate's, whose first entry says `applied`. */
export async function insertApplication(
  tx: Tx,
  act: Act,
  application: {
    readonly id: Id<'application'>;
    readonly affiliateId: AffiliateId;
    readonly programId: ProgramId;
    readonly answers: readonly Answer[];
    readonly recruiterId: AffiliateId | null;
    readonly agreementId: AgreementId | null;
    readonly tokenHash: Buffer;
    readonly tokenEndsAt: Instant;
  },
): Promise<void> {
  await tx('applications').insert({
    id: application.id,
    affiliate_id: application.affiliateId,
    program_id: application.programId,
    answers: JSON.stringify(application.answers),
    recruiter_id: application.recruiterId,
    agreement_id: application.agreementId,
    token_hash: application.tokenHash,
    token_ends_at: application.tokenEndsAt,
    created_at: act.now,
    updated_at: act.now,
  });
}

export async function findApplication(tx: ReadTx | Tx, id: string): Promise<Application | undefined> {
  const row = await tx('applications')
    .where({ id })
    .first<ApplicationRow | undefined>(...applicationColumns);
  return row === undefined ? undefined : toApplication(row);
}

/** The affiliate's latest application, locked; the affiliate is locked by the caller. Undefined: staff made the record. */
export async function lockLatestApplication(tx: Tx, affiliateId: AffiliateId): Promise<Application | undefined> {
  const row = await tx('applications')
    .where({ affiliate_id: affiliateId })
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .forNoKeyUpdate()
    .first<ApplicationRow | undefined>(...applicationColumns);
  return row === undefined ? undefined : toApplication(row);
}

/** Staff ask; the application waits for the answer. A further question takes the place of the last, answered or not. Also renews the page's token. */
export async function askApplicant(
  tx: Tx,
  act: Act,
  application: Application,
  ask: { readonly question: string; readonly tokenHash: Buffer; readonly tokenEndsAt: Instant },
): Promise<void> {
  const changed = await tx('applications').where({ id: application.id }).update({
    question: ask.question,
    asked_at: act.now,
    reply: null,
    replied_at: null,
    token_hash: ask.tokenHash,
    token_ends_at: ask.tokenEndsAt,
    updated_at: act.now,
  });
  assertInvariant(changed === 1, 'a locked application is there', { applicationId: application.id });
}

export async function answerQuestion(tx: Tx, act: Act, application: Application, reply: string): Promise<void> {
  const changed = await tx('applications')
    .where({ id: application.id })
    .update({ reply, replied_at: act.now, updated_at: act.now });
  assertInvariant(changed === 1, 'a locked application is there', { applicationId: application.id });
}
