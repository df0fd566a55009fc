import type { Act, Mode } from '../../domain/act.js';
import type { Referral } from '../../domain/earning/referral.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ProgramId, ReferralId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import type { Touch } from '../../domain/tracking/attribution.js';
import type { JourneyStep } from '../../domain/tracking/journey.js';
import { recordAuditSet } from '../audit/audit.js';
import { type ReferralRow, toReferral } from '../reads/earning/referralRow.js';
import { insertSet } from '../setInsert.js';
import type { Tx } from '../transaction.js';
import type { ProgramVisitor } from './click.js';

// The click step's reads and writes, a statement for a whole page of clicks each. What they leave is what insertReferral, insertTouch and
// updateReferral would leave for one click after the other.

/** One name for a visitor in a program and mode. */
export function programVisitorKey(visitor: ProgramVisitor): string {
  return `${visitor.mode}/${visitor.programId}/${visitor.visitorId}`;
}

interface NewestRow {
  readonly mode: Mode;
  readonly program_id: ProgramId;
  readonly visitor_id: string;
  readonly id: ReferralId;
  readonly merged_into_id: ReferralId | null;
}

/**
 * Locks the journey that each visitor's newest referral stands for: itself, or the one it merged into; by `programVisitorKey`. Who is not in
 * the answer has none, or one that is over. The caller holds the locks of the visitors; the rows are locked in the order of their ids.
 */
export async function lockLivingReferrals(
  tx: Tx,
  visitors: readonly ProgramVisitor[],
): Promise<ReadonlyMap<string, Referral>> {
  const distinct = [...new Map(visitors.map((visitor) => [programVisitorKey(visitor), visitor])).values()];
  if (distinct.length === 0) return new Map();
  const { rows } = await tx.raw<{ rows: readonly NewestRow[] }>(
    `select visitor.mode, visitor.program_id, visitor.visitor_id, newest.id, newest.merged_into_id
     from unnest(cast(:modes as text[]), cast(:programs as text[]), cast(:visitors as text[])) as visitor (mode, program_id, visitor_id)
     cross join lateral (
       select id, merged_into_id from referrals
       where referrals.mode = visitor.mode and referrals.program_id = visitor.program_id and referrals.visitor_id = visitor.visitor_id
       order by created_at desc, id desc limit 1) as newest`,
    {
      modes: distinct.map((visitor) => visitor.mode),
      programs: distinct.map((visitor) => visitor.programId),
      visitors: distinct.map((visitor) => visitor.visitorId),
    },
  );
  const referrals = new Map(
    (await lockReferrals(tx, [...rows.map((row) => row.id), ...rows.flatMap((row) => row.merged_into_id ?? [])])).map(
      (referral) => [referral.id, referral],
    ),
  );
  // One that merged between the two statements names a root that is not locked yet.
  const later = [...referrals.values()].flatMap(({ status, mergedIntoId }) =>
    status === 'merged' && mergedIntoId !== null && !referrals.has(mergedIntoId) ? [mergedIntoId] : [],
  );
  for (const root of await lockReferrals(tx, later)) referrals.set(root.id, root);
  const living = new Map<string, Referral>();
  for (const row of rows) {
    const newest = referrals.get(row.id);
    assertInvariant(newest !== undefined, 'a referral that was found is there', { referralId: row.id });
    assertInvariant(
      (newest.status === 'merged') === (newest.mergedIntoId !== null),
      'a merged referral names its root',
      {
        referralId: row.id,
      },
    );
    const referral = newest.mergedIntoId === null ? newest : referrals.get(newest.mergedIntoId);
    if (referral === undefined || referral.status === 'expired' || referral.status === 'merged') continue;
    living.set(programVisitorKey({ mode: row.mode, programId: row.program_id, visitorId: row.visitor_id }), referral);
  }
  return living;
}

async function lockReferrals(tx: Tx, ids: readonly ReferralId[]): Promise<readonly Referral[]> {
  if (ids.length === 0) return [];
  const { rows } = await tx.raw<{ rows: readonly ReferralRow[] }>(
    `select * from referrals where id = any (cast(:ids as text[])) order by id for no key update`,
    { ids: [...new Set(ids)] },
  );
  return rows.map(toReferral);
}

/** A journey that clicks begin, with all of their touches. */
export interface BegunJourney {
  readonly id: ReferralId;
  readonly mode: Mode;
  readonly programId: ProgramId;
  readonly visitorId: string;
  readonly clickAt: Instant;
  readonly version: number;
  readonly windowEndsAt: Instant | null;
}

/** Writes the rows of new journeys in `tracking`; their history is `recordJourneySteps`. The caller holds the visitors' locks. */
export async function insertJourneys(tx: Tx, now: Instant, journeys: readonly BegunJourney[]): Promise<void> {
  await insertSet(
    tx,
    'referrals',
    {
      id: 'text',
      mode: 'text',
      program_id: 'text',
      status: 'text',
      stage: 'text',
      visitor_id: 'text',
      click_at: 'timestamptz',
      window_ends_at: 'timestamptz',
      version: 'integer',
      last_changed_at: 'timestamptz',
      created_at: 'timestamptz',
      updated_at: 'timestamptz',
    },
    journeys.map((journey) => ({
      id: journey.id,
      mode: journey.mode,
      program_id: journey.programId,
      status: 'tracking',
      stage: 'click',
      visitor_id: journey.visitorId,
      click_at: journey.clickAt,
      window_ends_at: journey.windowEndsAt,
      version: journey.version,
      last_changed_at: now,
      created_at: now,
      updated_at: now,
    })),
  );
}

/** Adds the touches and answers those that were not there: the same source on a referral is one touch. */
export async function insertTouches<T extends { readonly referralId: ReferralId; readonly touch: Touch }>(
  tx: Tx,
  touches: readonly T[],
): Promise<readonly T[]> {
  const inserted = await insertSet<string, { referral_id: string; source_id: string }>(
    tx,
    'touches',
    {
      referral_id: 'text',
      kind: 'text',
      source_id: 'text',
      affiliate_id: 'text',
      link_id: 'text',
      sub1: 'text',
      occurred_at: 'timestamptz',
      ends_at: 'timestamptz',
    },
    touches.map(({ referralId, touch }) => ({
      referral_id: referralId,
      kind: touch.kind,
      source_id: touch.sourceId,
      affiliate_id: touch.affiliateId,
      link_id: touch.linkId,
      sub1: touch.sub1,
      occurred_at: touch.occurredAt,
      ends_at: touch.endsAt,
    })),
    { onConflict: 'on conflict on constraint touches_pkey do nothing', returning: ['referral_id', 'source_id'] },
  );
  const written = new Set(inserted.map((row) => `${row.referral_id}/${row.source_id}`));
  return touches.filter(({ referralId, touch }) => written.has(`${referralId}/${touch.sourceId}`));
}

/** A locked journey with the version and window that its new touches lead to. */
export interface LengthenedJourney {
  readonly referral: Referral;
  readonly version: number;
  readonly windowEndsAt: Instant | null;
}

export async function updateJourneys(tx: Tx, now: Instant, journeys: readonly LengthenedJourney[]): Promise<void> {
  if (journeys.length === 0) return;
  const { rowCount } = await tx.raw<{ rowCount: number }>(
    `update referrals
     set version = journey.version, window_ends_at = journey.window_ends_at, last_changed_at = :now, updated_at = :now
     from unnest(cast(:ids as text[]), cast(:before as integer[]), cast(:versions as integer[]), cast(:ends as timestamptz[]))
       as journey (id, before, version, window_ends_at)
     where referrals.id = journey.id and referrals.version = journey.before`,
    {
      now,
      ids: journeys.map(({ referral }) => referral.id),
      before: journeys.map(({ referral }) => referral.version),
      versions: journeys.map(({ version }) => version),
      ends: journeys.map(({ windowEndsAt }) => windowEndsAt),
    },
  );
  assertInvariant(rowCount === journeys.length, 'a locked referral is written at the version it was read', {
    referrals: journeys.length,
    written: rowCount,
  });
}

/** One touch's entry in a referral's history. */
export interface RecordedStep {
  readonly act: Act;
  readonly referralId: ReferralId;
  readonly status: Referral['status'];
  readonly step: JourneyStep;
  /** Set on the step that begins the journey. */
  readonly begun: BegunJourney | null;
}

export async function recordJourneySteps(tx: Tx, steps: readonly RecordedStep[]): Promise<void> {
  await recordAuditSet(
    tx,
    steps.map(({ act, referralId, status, step, begun }) => ({
      act,
      entry: {
        objectType: 'referral',
        objectId: referralId,
        seq: step.seq,
        to: status,
        ...(begun === null
          ? {
              event: 'touched',
              from: status,
              changes: step.windowEndsAt === null ? {} : { windowEndsAt: step.windowEndsAt },
            }
          : {
              event: 'clicked',
              changes: {
                programId: begun.programId,
                stage: 'click',
                visitorId: begun.visitorId,
                clickAt: begun.clickAt,
                windowEndsAt: step.windowEndsAt,
              },
            }),
      },
    })),
  );
}
