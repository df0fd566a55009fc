import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { LinkId, TrackingTestId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { keyset, type Page } from '../reads/keyset.js';
import type { ReadTx, Tx } from '../transaction.js';

/** Whether a shop's pages report as they should, tried with one test click (api.md 15). */
export interface TrackingTest {
  readonly id: TrackingTestId;
  readonly linkId: LinkId;
  /** The click that its one-time address made; null: not followed yet. */
  readonly clickId: string | null;
  readonly expiresAt: Instant;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

interface TrackingTestRow {
  readonly id: TrackingTestId;
  readonly link_id: LinkId;
  readonly click_id: string | null;
  readonly expires_at: Instant;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

const columns = ['id', 'link_id', 'click_id', 'expires_at', 'version', 'created_at', 'updated_at'] as const;

function toTrackingTest(row: TrackingTestRow): TrackingTest {
  return {
    id: row.id,
    linkId: row.link_id,
    clickId: row.click_id,
    expiresAt: row.expires_at,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export async function insertTrackingTest(
  tx: Tx,
  act: Act,
  test: {
    readonly id: TrackingTestId;
    readonly linkId: LinkId;
    readonly tokenHash: Buffer;
    readonly expiresAt: Instant;
  },
): Promise<TrackingTest> {
  const [row] = await tx('tracking_tests')
    .insert({
      id: test.id,
      link_id: test.linkId,
      token_hash: test.tokenHash,
      created_by: act.actor.userId ?? act.actor.id,
      expires_at: test.expiresAt,
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<TrackingTestRow[]>([...columns]);
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'tracking_test',
    objectId: test.id,
    seq: 1,
    event: 'created',
    changes: { linkId: test.linkId },
  });
  return toTrackingTest(row);
}

export async function findTrackingTest(tx: ReadTx | Tx, id: string): Promise<TrackingTest | undefined> {
  const row = await tx('tracking_tests')
    .where({ id })
    .first<TrackingTestRow | undefined>(...columns);
  return row === undefined ? undefined : toTrackingTest(row);
}

export async function listTrackingTests(tx: ReadTx, page: Page): Promise<readonly TrackingTest[]> {
  const query = tx('tracking_tests').select<TrackingTestRow[]>(...columns);
  return (await keyset(query, page, { createdAt: 'created_at' })).map(toTrackingTest);
}
