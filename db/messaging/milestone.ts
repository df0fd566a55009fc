import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, ProgramId } from '../../domain/ids.js';
import type { Milestone, Pass, SoldTotals } from '../../domain/messaging/milestone.js';
import type { CurrencyCode } from '../../domain/money.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { keyset, type Page } from '../reads/keyset.js';
import { insertSet } from '../setInsert.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface StoredMilestone extends Milestone {
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

interface MilestoneRow extends Pick<Milestone, 'id' | 'by' | 'threshold' | 'currency' | 'active'> {
  readonly program_id: ProgramId;
  readonly template_id: string;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

function toMilestone(row: MilestoneRow): StoredMilestone {
  const { id, by, threshold, currency, active, version } = row;
  return {
    id,
    programId: row.program_id,
    by,
    threshold,
    currency,
    templateId: row.template_id,
    active,
    version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** With how many affiliates have passed it. */
export interface MilestoneView extends StoredMilestone {
  readonly passed: number;
  readonly programName: string;
}

type ViewRow = MilestoneRow & { readonly passed: number; readonly program_name: string };

function views(tx: ReadTx | Tx) {
  return tx('milestones as milestone')
    .join('programs as program', (on) =>
      on.on('program.workspace_id', 'milestone.workspace_id').andOn('program.id', 'milestone.program_id'),
    )
    .select<ViewRow[]>(
      'milestone.*',
      'program.name as program_name',
      tx.raw(
        `(select count(*)::int from milestone_passes as pass
          where pass.workspace_id = milestone.workspace_id and pass.milestone_id = milestone.id) as passed`,
      ),
    );
}

function toView({ passed, program_name: programName, ...row }: ViewRow): MilestoneView {
  return { ...toMilestone(row), passed, programName };
}

export async function findMilestone(tx: ReadTx | Tx, id: string): Promise<MilestoneView | undefined> {
  const row: ViewRow | undefined = (await views(tx).where('milestone.id', id))[0];
  return row === undefined ? undefined : toView(row);
}

export async function lockMilestone(tx: Tx, id: string): Promise<StoredMilestone | undefined> {
  const row = await tx('milestones').where({ id }).forUpdate().first<MilestoneRow | undefined>();
  return row === undefined ? undefined : toMilestone(row);
}

// Which milestones are there?
export async function listMilestones(
  tx: ReadTx,
  filter: { readonly programId?: readonly string[] | undefined; readonly active?: boolean | undefined },
  page: Page,
): Promise<readonly MilestoneView[]> {
  const query = views(tx);
  if (filter.programId !== undefined) query.whereIn('milestone.program_id', [...filter.programId]);
  if (filter.active !== undefined) query.where('milestone.active', filter.active);
  const rows: readonly ViewRow[] = await keyset(query, page, { createdAt: 'milestone.created_at' }, 'milestone.id');
  return rows.map(toView);
}

/** Writes the milestone and its audit entry. Refuses with `resource.already_exists` for a mark that the program has. */
export async function insertMilestone(tx: Tx, act: Act, milestone: Milestone): Promise<void> {
  const { id, programId, by, threshold, currency, templateId, active } = milestone;
  const stored = { program_id: programId, by, threshold, currency, template_id: templateId, active };
  await tx('milestones').insert({ id, ...stored, created_at: act.now, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'milestone',
    objectId: id,
    seq: 1,
    event: 'created',
    changes: { after: { ...stored, threshold: threshold.toString() } },
  });
}

type MilestoneChange = Partial<Pick<Milestone, 'threshold' | 'currency' | 'templateId' | 'active'>>;

/** Refuses with `resource.already_exists` for a mark that the program has. Who has passed it has passed it, wherever it stands now. */
export async function updateMilestone(
  tx: Tx,
  act: Act,
  milestone: StoredMilestone,
  change: MilestoneChange,
): Promise<void> {
  const changed = (['threshold', 'currency', 'templateId', 'active'] as const).filter(
    (field) => change[field] !== undefined && change[field] !== milestone[field],
  );
  if (changed.length === 0) return;
  const next = { ...milestone, ...change };
  const rows = await tx('milestones')
    .where({ id: milestone.id })
    .update({
      threshold: next.threshold,
      currency: next.currency,
      template_id: next.templateId,
      active: next.active,
      version: milestone.version + 1,
      updated_at: act.now,
    });
  assertInvariant(rows === 1, 'a locked milestone is there', { milestoneId: milestone.id });
  const told = (of: Milestone) =>
    Object.fromEntries(changed.map((field) => [field, field === 'threshold' ? of.threshold.toString() : of[field]]));
  await recordAudit(tx, act, {
    objectType: 'milestone',
    objectId: milestone.id,
    seq: milestone.version + 1,
    event: 'edited',
    changes: { before: told(milestone), after: told(next) },
  });
}

/** The caller has seen that nobody passed it. */
export async function deleteMilestone(tx: Tx, act: Act, milestone: StoredMilestone): Promise<void> {
  await tx('milestones').where({ id: milestone.id }).delete();
  await recordAudit(tx, act, {
    objectType: 'milestone',
    objectId: milestone.id,
    seq: milestone.version + 1,
    event: 'deleted',
  });
}

/**
 * The milestones of a program that this affiliate has still before it, while it is active there (NTF-07): none for one who is suspended, or not
 * enrolled. Most programs have none, and then nothing else is asked.
 */
export async function listOpenMilestones(
  tx: Tx,
  of: { readonly programId: ProgramId; readonly affiliateId: AffiliateId },
): Promise<readonly Milestone[]> {
  const { rows } = await tx.raw<{ rows: MilestoneRow[] }>(
    `select milestone.* from milestones as milestone
     where milestone.program_id = :programId and milestone.active
       and not exists (
         select from milestone_passes as pass
         where pass.workspace_id = milestone.workspace_id and pass.milestone_id = milestone.id and pass.affiliate_id = :affiliateId)
       and exists (
         select from enrolments as enrolment
         join affiliates as affiliate on affiliate.workspace_id = enrolment.workspace_id and affiliate.id = enrolment.affiliate_id
         where enrolment.workspace_id = milestone.workspace_id and enrolment.program_id = milestone.program_id
           and enrolment.affiliate_id = :affiliateId and enrolment.status = 'active' and affiliate.status = 'approved')`,
    of,
  );
  return rows.map(toMilestone);
}

/** What this affiliate has sold in the program, net of refunds; what went back whole does not count (RFD-12). Live sales only. */
export async function readSoldTotals(
  tx: Tx,
  of: { readonly programId: ProgramId; readonly affiliateId: AffiliateId },
): Promise<SoldTotals> {
  const { rows } = await tx.raw<{ rows: { currency: CurrencyCode; count: number; minor: bigint }[] }>(
    `select currency, count(*)::int as count, sum(captured_minor - refunded_minor)::int8 as minor from sales
     where mode = 'live' and affiliate_id = :affiliateId and program_id = :programId
       and status in ('succeeded', 'part_refunded', 'disputed') and no_commission_code is distinct from 'referral_rejected'
     group by currency`,
    of,
  );
  return {
    count: rows.reduce((sum, row) => sum + row.count, 0),
    amounts: new Map(rows.map(({ currency, minor }) => [currency, minor])),
  };
}

const passColumns = {
  milestone_id: 'text',
  affiliate_id: 'text',
  sale_id: 'text',
  total: 'bigint',
  mailed: 'boolean',
  created_at: 'timestamptz',
} as const;

/** In the order given: ascending. Each milestone once per affiliate, for good (NTF-06). */
export async function insertPasses(
  tx: Tx,
  act: Act,
  of: { readonly affiliateId: AffiliateId; readonly saleId: string },
  passes: readonly Pass<Milestone>[],
): Promise<void> {
  await insertSet(
    tx,
    'milestone_passes',
    passColumns,
    passes.map(({ milestone, total, mailed }) => ({
      milestone_id: milestone.id,
      affiliate_id: of.affiliateId,
      sale_id: of.saleId,
      total,
      mailed,
      created_at: act.now,
    })),
  );
}
