import type { Knex } from 'knex';
import type pg from 'pg';
import type { Mode } from '../../domain/act.js';
import type { AffiliateId, ClickId, LinkId, ProgramId, ReferralId, WorkspaceId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import type { ClickCredit } from '../../domain/tracking/click.js';
import type { EdgeDb, RelayDb } from '../connection.js';
import type { ReadTx, Tx } from '../transaction.js';

/** One click as the redirect knows it: `clicks` and what can point to a person, `click_details`. */
export interface NewClick {
  readonly id: ClickId;
  readonly workspaceId: WorkspaceId;
  readonly mode: Mode;
  readonly linkId: LinkId;
  readonly affiliateId: AffiliateId;
  readonly programId: ProgramId;
  readonly previousClickId: string | null;
  readonly credit: ClickCredit;
  readonly creditCode: string | null;
  readonly isSuspect: boolean;
  readonly subs: readonly (string | null)[] | null;
  /** The incoming query as it came, cut. */
  readonly query: string | null;
  readonly referrer: string | null;
  /** The attribution window in whole seconds, as it was at this moment (TRK-06). */
  readonly windowSeconds: number;
  readonly addressHash: Buffer | null;
  readonly userAgent: string | null;
  /** As a proxy of ours said (`COUNTRY_HEADER`); absent as null: nobody did. */
  readonly country?: string | null;
}

// One statement, one commit, whatever the number of rows and workspaces. Arrays and not a JSON document; what a link decides is sent once per
// link of the batch, and an array in which nobody says anything is sent as null (unnest fills it up): both halve what travels, and took
// Postgres from 20 to 14 us a click (bench/results/clickCpu.json). The arrays are unnested side by side in `select`, one row after the other;
// in `from` Postgres would lay each of them down whole first. `with` runs the second insert in the same statement; clicks has no foreign
// key that would order them.
const recordStatement = {
  name: 'record_clicks',
  text: `with incoming as (
  select * from (
    select unnest($7::text[]) as id, unnest($8::integer[]) as target, unnest($9::text[]) as previous_click_id, unnest($10::text[]) as credit,
           unnest($11::text[]) as credit_code, unnest($12::boolean[]) as suspect, unnest($13::text[]) as sub1, unnest($14::text[]) as sub2,
           unnest($15::text[]) as sub3, unnest($16::text[]) as sub4, unnest($17::text[]) as sub5, unnest($18::text[]) as query,
           unnest($19::text[]) as referrer, unnest($20::bytea[]) as address_hash, unnest($21::text[]) as user_agent,
           unnest($22::text[]) as country
  ) as row
  join unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[]) with ordinality
    as of_target (workspace_id, mode, link_id, affiliate_id, program_id, window_seconds, position) on of_target.position = row.target
), details as (
  insert into click_details (click_id, workspace_id, address_hash, user_agent, country)
  select id, workspace_id, address_hash, user_agent, country from incoming
)
insert into clicks (id, workspace_id, mode, link_id, affiliate_id, program_id, previous_click_id, credit, credit_code, suspect,
                    sub1, sub2, sub3, sub4, sub5, query, referrer, window_seconds)
select id, workspace_id, mode, link_id, affiliate_id, program_id, previous_click_id, credit, credit_code, suspect,
       sub1, sub2, sub3, sub4, sub5, query, referrer, window_seconds
from incoming`,
};

/** Commits clicks of any workspaces in one statement: all of them or none. */
export async function recordClicks(edgeDb: EdgeDb, clicks: readonly NewClick[]): Promise<void> {
  const targets = new Map<string, number>();
  const [workspace, mode, link, affiliate, program, window] = [
    column(),
    column(),
    column(),
    column(),
    column(),
    column(),
  ];
  const [id, target, previous, credit, creditCode, suspect] = [
    column(),
    column(),
    column(),
    column(),
    column(),
    column(),
  ];
  const [sub1, sub2, sub3, sub4, sub5] = [column(), column(), column(), column(), column()];
  const [query, referrer, addressHash, userAgent, country] = [column(), column(), column(), column(), column()];
  for (const click of clicks) {
    // The same link may be met under two windows, when its terms changed while the batch waited.
    const key = `${click.linkId}${click.windowSeconds}${click.mode}`;
    let position = targets.get(key);
    if (position === undefined) {
      position = targets.size + 1;
      targets.set(key, position);
      addPlain(workspace, click.workspaceId);
      addPlain(mode, click.mode);
      addPlain(link, click.linkId);
      addPlain(affiliate, click.affiliateId);
      addPlain(program, click.programId);
      addPlain(window, String(click.windowSeconds));
    }
    addPlain(id, click.id);
    addPlain(target, String(position));
    addText(previous, click.previousClickId);
    addPlain(credit, click.credit);
    addPlain(creditCode, click.creditCode);
    addPlain(suspect, click.isSuspect ? 't' : 'f');
    const { subs } = click;
    addText(sub1, subs === null ? null : (subs[0] ?? null));
    addText(sub2, subs === null ? null : (subs[1] ?? null));
    addText(sub3, subs === null ? null : (subs[2] ?? null));
    addText(sub4, subs === null ? null : (subs[3] ?? null));
    addText(sub5, subs === null ? null : (subs[4] ?? null));
    addText(query, click.query);
    addText(referrer, click.referrer);
    addText(addressHash, click.addressHash === null ? null : `\\x${click.addressHash.toString('hex')}`);
    addText(userAgent, click.userAgent);
    addPlain(country, click.country ?? null);
  }
  await (edgeDb as unknown as pg.Pool).query({
    ...recordStatement,
    values: [
      workspace,
      mode,
      link,
      affiliate,
      program,
      window,
      id,
      target,
      previous,
      credit,
      creditCode,
      suspect,
      sub1,
      sub2,
      sub3,
      sub4,
      sub5,
      query,
      referrer,
      addressHash,
      userAgent,
      country,
    ].map(literalOf),
  });
}

/** An array literal under way. The driver's own walks each value with three regular expressions. */
interface Column {
  text: string;
  isEmpty: boolean;
}

function column(): Column {
  return { text: '', isEmpty: true };
}

/** For ids, codes and numbers of ours: nothing in them needs a quote. */
function addPlain(to: Column, item: string | null): void {
  if (item === null) to.text += ',NULL';
  else {
    to.text += `,${item}`;
    to.isEmpty = false;
  }
}

function addText(to: Column, item: string | null): void {
  if (item === null) to.text += ',NULL';
  else {
    to.text += item.includes('\\') || item.includes('"') ? `,"${item.replace(/["\\]/g, '\\$&')}"` : `,"${item}"`;
    to.isEmpty = false;
  }
}

function literalOf({ text, isEmpty }: Column): string | null {
  return isEmpty ? null : `{${text.slice(1)}}`;
}

/** A click as the application reads it. */
export interface Click {
  readonly id: ClickId;
  readonly mode: Mode;
  readonly linkId: LinkId;
  readonly affiliateId: AffiliateId;
  readonly programId: ProgramId;
  readonly previousClickId: string | null;
  readonly visitorId: string | null;
  readonly credit: ClickCredit;
  readonly creditCode: string | null;
  readonly sub1: string | null;
  readonly windowSeconds: number;
  readonly referralId: ReferralId | null;
  readonly takenUpAt: Instant | null;
  readonly createdAt: Instant;
}

interface ClickRow {
  readonly id: string;
  readonly mode: Mode;
  readonly link_id: string;
  readonly affiliate_id: string;
  readonly program_id: string;
  readonly previous_click_id: string | null;
  readonly visitor_id: string | null;
  readonly credit: ClickCredit;
  readonly credit_code: string | null;
  readonly sub1: string | null;
  readonly window_seconds: number;
  readonly referral_id: string | null;
  readonly taken_up_at: Instant | null;
  readonly created_at: Instant;
}

const columns = [
  'id',
  'mode',
  'link_id',
  'affiliate_id',
  'program_id',
  'previous_click_id',
  'visitor_id',
  'credit',
  'credit_code',
  'sub1',
  'window_seconds',
  'referral_id',
  'taken_up_at',
  'created_at',
] as const;

function toClick(row: ClickRow): Click {
  return {
    id: row.id as ClickId,
    mode: row.mode,
    linkId: row.link_id as LinkId,
    affiliateId: row.affiliate_id as AffiliateId,
    programId: row.program_id as ProgramId,
    previousClickId: row.previous_click_id,
    visitorId: row.visitor_id,
    credit: row.credit,
    creditCode: row.credit_code,
    sub1: row.sub1,
    windowSeconds: row.window_seconds,
    referralId: row.referral_id as ReferralId | null,
    takenUpAt: row.taken_up_at,
    createdAt: row.created_at,
  };
}

export async function findClick(tx: ReadTx | Tx, id: string): Promise<Click | undefined> {
  const row = await tx('clicks')
    .where({ id })
    .first<ClickRow | undefined>(...columns);
  return row === undefined ? undefined : toClick(row);
}

export async function findClicks(tx: ReadTx | Tx, ids: readonly string[]): Promise<readonly Click[]> {
  if (ids.length === 0) return [];
  const rows = await tx('clicks')
    .whereIn('id', [...ids])
    .select<ClickRow[]>(...columns);
  return rows.map(toClick);
}

/**
 * Locks clicks oldest first (so that two who take up overlapping ones cannot deadlock) and answers those it has: with `skipLocked` without
 * the ones somebody else is taking up just now.
 */
export async function lockClicks(
  tx: Tx,
  ids: readonly string[],
  options: { readonly skipLocked: boolean },
): Promise<readonly Click[]> {
  if (ids.length === 0) return [];
  const query = tx('clicks')
    .whereIn('id', [...ids])
    .orderBy('created_at')
    .orderBy('id')
    .forNoKeyUpdate();
  const rows = await (options.skipLocked ? query.skipLocked() : query).select<ClickRow[]>(...columns);
  return rows.map(toClick);
}

export interface ClickStamp {
  readonly clickId: ClickId;
  readonly visitorId: string;
  readonly referralId: ReferralId | null;
}

/** Says on the click whose it was and to which referral it led: nobody takes it up again. */
export async function stampClicks(tx: Tx, at: Instant, stamps: readonly ClickStamp[]): Promise<void> {
  if (stamps.length === 0) return;
  await tx.raw(
    `update clicks
     set visitor_id = stamp.visitor_id, referral_id = stamp.referral_id, taken_up_at = :at
     from unnest(cast(:ids as text[]), cast(:visitors as text[]), cast(:referrals as text[])) as stamp (click_id, visitor_id, referral_id)
     where clicks.id = stamp.click_id`,
    {
      at,
      ids: stamps.map((stamp) => stamp.clickId),
      visitors: stamps.map((stamp) => stamp.visitorId),
      referrals: stamps.map((stamp) => stamp.referralId),
    },
  );
}

export interface ProgramVisitor {
  readonly mode: Mode;
  readonly programId: ProgramId;
  readonly visitorId: string;
}

/** The lock of (workspace, program, visitor), taken in one order (money.md 9): whoever finds or makes an open referral holds it. */
export async function lockVisitors(tx: Tx, visitors: readonly ProgramVisitor[]): Promise<void> {
  const keyOf = (visitor: ProgramVisitor) => `${visitor.mode}/${visitor.programId}/${visitor.visitorId}`;
  const distinct = [...new Map(visitors.map((visitor) => [keyOf(visitor), visitor])).entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, visitor]) => visitor);
  if (distinct.length === 0) return;
  // `do update` and not `do nothing`: only an update takes the lock of a row that was there already.
  await tx.raw(
    `insert into program_visitors (mode, program_id, visitor_id)
     select mode, program_id, visitor_id
     from unnest(cast(:modes as text[]), cast(:programs as text[]), cast(:visitors as text[])) with ordinality
       as visitor (mode, program_id, visitor_id, position)
     order by position
     on conflict on constraint program_visitors_pkey do update set mode = excluded.mode`,
    {
      modes: distinct.map((visitor) => visitor.mode),
      programs: distinct.map((visitor) => visitor.programId),
      visitors: distinct.map((visitor) => visitor.visitorId),
    },
  );
}

/** A click made by the application itself: a direct link's visit, where click and landing are one. */
export async function insertClick(tx: Tx, at: Instant, click: NewClick): Promise<void> {
  await tx('clicks').insert({
    id: click.id,
    mode: click.mode,
    workspace_id: click.workspaceId,
    link_id: click.linkId,
    affiliate_id: click.affiliateId,
    program_id: click.programId,
    previous_click_id: click.previousClickId,
    credit: click.credit,
    credit_code: click.creditCode,
    suspect: click.isSuspect,
    sub1: click.subs?.[0] ?? null,
    sub2: click.subs?.[1] ?? null,
    sub3: click.subs?.[2] ?? null,
    sub4: click.subs?.[3] ?? null,
    sub5: click.subs?.[4] ?? null,
    query: click.query,
    referrer: click.referrer,
    window_seconds: click.windowSeconds,
    created_at: at,
  });
  await tx('click_details').insert({
    click_id: click.id,
    workspace_id: click.workspaceId,
    address_hash: click.addressHash,
    user_agent: click.userAgent,
    country: click.country ?? null,
    created_at: at,
  });
}

/** Credited clicks of all workspaces that nobody has taken up, oldest first: the relay's own list, ids only. */
export async function listWaitingClicks(
  relayDb: RelayDb,
  limit: number,
): Promise<readonly { readonly id: string; readonly workspaceId: WorkspaceId }[]> {
  const rows = await (relayDb as Knex)('clicks')
    .where({ credit: 'credited' })
    .whereNull('taken_up_at')
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit)
    .select<{ id: string; workspace_id: WorkspaceId }[]>('id', 'workspace_id');
  return rows.map((row) => ({ id: row.id, workspaceId: row.workspace_id }));
}

/**
 * Marks the credited clicks of the last quarter of an hour that came from an address with more than `limit` clicks in their minute as suspect:
 * out of unique counts, still redirected (FRD-02), and the visits that they brought. Answers how many.
 */
export async function markBurstsSuspect(tx: Tx, limit: number): Promise<number> {
  const { rowCount } = await tx.raw<{ rowCount: number }>(
    `update clicks set suspect = true
     from (
       select details.click_id
       from click_details as details
       join (select address_hash, date_trunc('minute', created_at) as minute
             from click_details
             where created_at >= now() - interval '15 minutes' and address_hash is not null
             group by 1, 2 having count(*) > :limit) as burst
         on burst.address_hash = details.address_hash and burst.minute = date_trunc('minute', details.created_at)
       where details.created_at >= now() - interval '15 minutes') as suspect_click
     where clicks.id = suspect_click.click_id and clicks.credit = 'credited' and not clicks.suspect`,
    { limit },
  );
  await tx.raw(
    `update visits set suspect = true from clicks
     where visits.created_at >= now() - interval '15 minutes' and not visits.suspect and clicks.id = visits.click_id and clicks.suspect`,
  );
  return rowCount;
}
