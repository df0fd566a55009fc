import type { Mode } from '../../../domain/act.js';
import type { AffiliateId, PayoutId } from '../../../domain/ids.js';
import type { CurrencyCode, Money } from '../../../domain/money.js';
import { connectableGateways } from '../../../domain/payout/gateway.js';
import type { PayoutStanding, PayoutStatus } from '../../../domain/payout/payout.js';
import type { AttemptState } from '../../../domain/payout/payoutAttempt.js';
import type { PayoutRunStatus, SecondPerson } from '../../../domain/payout/payoutRun.js';
import type { Instant, LocalDate } from '../../../domain/time.js';
import { type Connection, listConnections } from '../../payout/gateway.js';
import type { ReadTx, Tx } from '../../transaction.js';
import type { Page } from '../keyset.js';

// A payout as people see it: its status, what is wrong with it, and its newest attempt.

export interface PayoutView {
  readonly id: PayoutId;
  readonly mode: Mode;
  readonly runId: string | null;
  readonly runStatus: PayoutRunStatus | null;
  readonly affiliateId: AffiliateId;
  readonly currency: CurrencyCode;
  readonly amountMinor: bigint;
  readonly status: PayoutStatus;
  readonly onHold: boolean;
  readonly commissions: number;
  readonly methodId: string | null;
  readonly methodType: string;
  readonly methodMasked: string | null;
  readonly execution: 'gateway' | 'manual';
  readonly planVersion: number;
  readonly createdByUser: string | null;
  readonly editors: readonly string[];
  readonly approvedBy: string | null;
  readonly approvedAt: Instant | null;
  readonly secondPerson: SecondPerson | null;
  readonly reference: string | null;
  readonly paidOn: LocalDate | null;
  readonly dueOn: LocalDate | null;
  readonly overdue: boolean;
  readonly returned: { readonly at: Instant; readonly amountMinor: string; readonly code: string | null } | null;
  readonly backToDraftReasons: readonly { readonly code: string; readonly at: Instant }[];
  readonly note: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly attempt: AttemptView | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export interface AttemptView {
  readonly id: string;
  readonly number: number;
  readonly state: AttemptState;
  readonly requestKey: string;
  readonly gatewayReference: string | null;
  readonly gatewayState: string | null;
  readonly code: string | null;
  readonly needsHuman: boolean;
  /** When the provider is asked next; null: it is not. */
  readonly nextLookAt: Instant | null;
  /** What one person said it came to: a second one who says the same settles it. */
  readonly proposal: { readonly outcome: string; readonly by: string | null; readonly at: Instant } | null;
  readonly at: Instant;
}

// Asked again only while it is not known what became of it; a paid one that is watched for a bounce is no open question.
const nextLook = (attempt: string): string =>
  `case when ${attempt}.state in ('submitting', 'submitted', 'unknown') then ${attempt}.look_up_at end`;
const proposal = (attempt: string): string =>
  `case when ${attempt}.state in ('submitted', 'unknown') and ${attempt}.resolve_proposal is not null then jsonb_build_object(
     'outcome', ${attempt}.resolve_proposal ->> 'outcome', 'at', ${attempt}.resolve_proposal ->> 'at',
     'by', (select name from users where id = ${attempt}.resolve_proposal ->> 'by')) end`;

export interface PayoutFilter {
  /** Literal, in reference, affiliate and id (ADM-07). */
  readonly q?: string | undefined;
  readonly mode: Mode;
  readonly statuses?: readonly string[] | undefined;
  readonly problems?: readonly string[] | undefined;
  readonly affiliateIds?: readonly string[] | undefined;
  readonly runIds?: readonly string[] | undefined;
  readonly methodTypes?: readonly string[] | undefined;
  readonly currencies?: readonly string[] | undefined;
  readonly overdue?: boolean | undefined;
  readonly paidOn?: Bounds | undefined;
  readonly createdAt?: Bounds | undefined;
}

/** Days or instants as text, each bound by itself. */
type Bounds = { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: string };

/** A day ends where the workspace is: `overdue` by its zone (PAY-20). Read with the rows, so that no page waits for it. */
const today = `(now() at time zone coalesce((select sections -> 'general' ->> 'timeZone' from settings), 'UTC'))::date`;

const select = `
  select payout.id, payout.mode, payout.run_id as "runId", run.status as "runStatus", payout.affiliate_id as "affiliateId", payout.currency,
         payout.amount_minor as "amountMinor", payout.status, payout.on_hold as "onHold",
         (select count(*)::int from payout_lines as line where line.payout_id = payout.id and line.released_at is null) as commissions,
         payout.method_id as "methodId", payout.method_type as "methodType", payout.method_masked as "methodMasked", payout.execution,
         payout.plan_version as "planVersion", payout.created_by_user as "createdByUser", payout.editors, payout.approved_by as "approvedBy",
         payout.approved_at as "approvedAt", payout.second_person as "secondPerson", payout.reference, payout.paid_on as "paidOn",
         payout.due_on as "dueOn", payout.status in ('draft', 'pending') and payout.due_on < ${today} as overdue, payout.returned,
         payout.back_to_draft_reasons as "backToDraftReasons", payout.note, payout.metadata, payout.version,
         payout.created_at as "createdAt", payout.updated_at as "updatedAt",
         attempt.id as "attemptId", attempt.number as "attemptNumber", attempt.state as "attemptState", attempt.request_key as "requestKey",
         attempt.provider_id as "providerId", attempt.gateway_status as "gatewayStatus", attempt.code as "attemptCode",
         attempt.needs_human as "needsHuman", ${nextLook('attempt')} as "nextLookAt", ${proposal('attempt')} as proposal,
         attempt.updated_at as "attemptAt"
  from payouts as payout
  left join payout_runs as run on run.id = payout.run_id
  left join lateral (
    select * from payout_attempts where payout_id = payout.id order by number desc limit 1
  ) as attempt on true`;

type Row = Omit<PayoutView, 'attempt'> & {
  readonly attemptId: string | null;
  readonly attemptNumber: number | null;
  readonly attemptState: AttemptState | null;
  readonly requestKey: string | null;
  readonly providerId: string | null;
  readonly gatewayStatus: string | null;
  readonly attemptCode: string | null;
  readonly needsHuman: boolean | null;
  readonly nextLookAt: Instant | null;
  readonly proposal: AttemptView['proposal'];
  readonly attemptAt: Instant | null;
};

function toView(row: Row): PayoutView {
  const {
    attemptId,
    attemptNumber,
    attemptState,
    requestKey,
    providerId,
    gatewayStatus,
    attemptCode,
    needsHuman,
    nextLookAt,
    proposal: proposed,
    attemptAt,
    ...payout
  } = row;
  return {
    ...payout,
    attempt:
      attemptId === null || attemptNumber === null || attemptState === null || requestKey === null || attemptAt === null
        ? null
        : {
            id: attemptId,
            number: attemptNumber,
            state: attemptState,
            requestKey,
            gatewayReference: providerId,
            gatewayState: gatewayStatus,
            code: attemptCode,
            needsHuman: needsHuman ?? false,
            nextLookAt,
            proposal: proposed,
            at: attemptAt,
          },
  };
}

/** Which ways on are open, as `domain/payout/payout.ts` asks it. */
export function standingOf(payout: PayoutView): PayoutStanding {
  const { status, onHold, execution, runStatus } = payout;
  return { status, onHold, execution, runStatus, newestState: payout.attempt?.state ?? null };
}

export async function findPayoutView(tx: ReadTx | Tx, mode: Mode, id: string): Promise<PayoutView | undefined> {
  const { rows } = await tx.raw<{ rows: Row[] }>(`${select} where payout.id = :id and payout.mode = :mode`, {
    id,
    mode,
  });
  const [row] = rows;
  return row === undefined ? undefined : toView(row);
}

const comparisons = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;
const boundNames = ['gte', 'gt', 'lte', 'lt'] as const;

/** A column between the bounds that are given; one that is not there is outside of any. */
function within(column: string, name: string, type: 'date' | 'timestamptz'): string {
  return boundNames
    .map(
      (bound) => `(:${name}_${bound}::${type} is null or ${column} ${comparisons[bound]} :${name}_${bound}::${type})`,
    )
    .join(' and ');
}

function boundsAs(name: string, bounds: Bounds = {}): Record<string, string | null> {
  return Object.fromEntries(boundNames.map((bound) => [`${name}_${bound}`, bounds[bound] ?? null]));
}

const problemStates: Readonly<Record<string, string>> = { failed: 'refused', unknown: 'unknown', returned: 'returned' };

const matching = `payout.mode = :mode
       and (:statuses::text[] is null or payout.status = any(:statuses::text[]))
       and (:states::text[] is null or attempt.state = any(:states::text[]) and payout.status <> 'cancelled')
       and (:affiliateIds::text[] is null or payout.affiliate_id = any(:affiliateIds::text[]))
       and (:runIds::text[] is null or payout.run_id = any(:runIds::text[]))
       and (:methodTypes::text[] is null or payout.method_type = any(:methodTypes::text[]))
       and (:currencies::text[] is null or payout.currency = any(:currencies::text[]))
       and (:overdue::boolean is null or (payout.status in ('draft', 'pending') and payout.due_on < ${today}) is true = :overdue::boolean)
       and ${within('payout.paid_on', 'paidOn', 'date')}
       and ${within('payout.created_at', 'createdAt', 'timestamptz')}
       and (:q::text is null or payout.id = :q or strpos(lower(coalesce(payout.reference, '')), lower(:q)) > 0
            or exists (select from affiliates as found where found.id = payout.affiliate_id
                       and (strpos(lower(found.name), lower(:q)) > 0 or strpos(lower(found.email), lower(:q)) > 0)))`;

function bindingsOf(filter: PayoutFilter) {
  const list = (values: readonly string[] | undefined): string[] | null => (values === undefined ? null : [...values]);
  return {
    mode: filter.mode,
    statuses: list(filter.statuses),
    states: list(filter.problems?.map((problem) => problemStates[problem] ?? problem)),
    affiliateIds: list(filter.affiliateIds),
    runIds: list(filter.runIds),
    methodTypes: list(filter.methodTypes),
    currencies: list(filter.currencies),
    overdue: filter.overdue ?? null,
    q: filter.q ?? null,
    ...boundsAs('paidOn', filter.paidOn),
    ...boundsAs('createdAt', filter.createdAt),
  };
}

export async function listPayoutViews(tx: ReadTx, filter: PayoutFilter, page: Page): Promise<readonly PayoutView[]> {
  const { rows } = await tx.raw<{ rows: Row[] }>(
    `${select}
     where ${matching}
       and (:afterId::text is null or (payout.created_at, payout.id) ${page.descending ? '<' : '>'} (:afterAt::timestamptz, :afterId::text))
     order by payout.created_at ${page.descending ? 'desc' : 'asc'}, payout.id ${page.descending ? 'desc' : 'asc'}
     limit :limit`,
    {
      ...bindingsOf(filter),
      afterId: page.after?.id ?? null,
      afterAt: page.after?.value ?? null,
      limit: page.limit + 1,
    },
  );
  return rows.map(toView);
}

/** How many there are of each status, and their sum per currency, over the whole filter (api.md 1.6). */
export async function sumPayouts(
  tx: ReadTx,
  filter: PayoutFilter,
): Promise<{
  readonly counts: { readonly total: number; readonly byStatus: Readonly<Record<string, number>> };
  readonly sums: readonly Money[];
}> {
  const { rows } = await tx.raw<{
    rows: { status: string; currency: CurrencyCode; number: number; minor: bigint }[];
  }>(
    `select payout.status, payout.currency, count(*)::int as number, sum(payout.amount_minor)::bigint as minor
     from payouts as payout
     left join lateral (
       select * from payout_attempts where payout_id = payout.id order by number desc limit 1
     ) as attempt on true
     where ${matching}
     group by payout.status, payout.currency
     order by payout.currency, payout.status`,
    bindingsOf(filter),
  );
  const byStatus: Record<string, number> = {};
  const sums = new Map<CurrencyCode, bigint>();
  for (const { status, currency, number, minor } of rows) {
    byStatus[status] = (byStatus[status] ?? 0) + number;
    sums.set(currency, (sums.get(currency) ?? 0n) + minor);
  }
  return {
    counts: { total: rows.reduce((total, row) => total + row.number, 0), byStatus },
    sums: [...sums].map(([currency, minor]) => ({ minor, currency })),
  };
}

export async function listAttemptViews(tx: ReadTx, payoutId: string): Promise<readonly AttemptView[]> {
  const { rows } = await tx.raw<{ rows: AttemptView[] }>(
    `select id, number, state, request_key as "requestKey", provider_id as "gatewayReference", gateway_status as "gatewayState", code,
            needs_human as "needsHuman", ${nextLook('attempt')} as "nextLookAt", ${proposal('attempt')} as proposal, updated_at as at
     from payout_attempts as attempt where payout_id = :payoutId order by number`,
    { payoutId },
  );
  return rows;
}

export interface LineView {
  readonly commissionId: string;
  readonly kind: string;
  readonly amountMinor: bigint;
  readonly currency: CurrencyCode;
  readonly saleId: string | null;
  readonly referralId: string | null;
  readonly status: string;
}

/**
 * The commissions behind the amount; of a cancelled payout those it had at its end. A line that left and came back meanwhile, as a draft that is
 * worked out anew does with all of them, has a row for each time.
 */
export async function listLineViews(tx: ReadTx, payoutId: string): Promise<readonly LineView[]> {
  const { rows } = await tx.raw<{ rows: LineView[] }>(
    `select distinct on (line.commission_id) line.commission_id as "commissionId", commission.kind, line.amount_minor as "amountMinor", commission.currency,
            commission.sale_id as "saleId", commission.referral_id as "referralId", commission.status
     from payout_lines as line
     join commissions as commission on commission.id = line.commission_id
     join payouts as payout on payout.id = line.payout_id
     where line.payout_id = :payoutId
       and (line.released_at is null
            or payout.status = 'cancelled'
               and line.released_at = (select max(last.released_at) from payout_lines as last where last.payout_id = line.payout_id))
     order by line.commission_id, line.created_at desc`,
    { payoutId },
  );
  return rows;
}

export interface GatewayView {
  readonly id: string;
  readonly adapter: string;
  readonly frozenAt: Instant | null;
  readonly frozenReason: string | null;
  /** Null: nobody has given us credentials, or it needs none. */
  readonly connection: Connection | null;
  readonly cash: readonly { readonly currency: CurrencyCode; readonly minor: bigint }[];
}

/** Each gateway, with what the books say lies there; those that can be connected whether they are or not. */
export async function listGatewayViews(tx: ReadTx | Tx, mode: Mode): Promise<readonly GatewayView[]> {
  const { rows: gateways } = await tx.raw<{ rows: Omit<GatewayView, 'cash' | 'connection'>[] }>(
    `select known.id, known.id as adapter, gateway.frozen_at as "frozenAt", gateway.frozen_reason as "frozenReason"
     from (select id from gateways union select unnest(:connectable::text[])) as known
     left join gateways as gateway on gateway.id = known.id
     order by known.id`,
    { connectable: [...connectableGateways] },
  );
  const connections = new Map((await listConnections(tx)).map((one) => [one.gateway as string, one]));
  const { rows: cash } = await tx.raw<{ rows: { gateway: string; currency: CurrencyCode; minor: bigint }[] }>(
    `select account.owner_id as gateway, account.currency,
            coalesce(sum(case when posting.debit_account_id = account.id then posting.amount_minor else -posting.amount_minor end), 0)::bigint as minor
     from ledger_accounts as account
     join ledger_postings as posting on account.id in (posting.debit_account_id, posting.credit_account_id)
     where account.kind = 'cash' and account.mode = :mode
     group by account.owner_id, account.currency
     order by account.owner_id, account.currency`,
    { mode },
  );
  return gateways.map((gateway) => ({
    ...gateway,
    connection: connections.get(gateway.id) ?? null,
    cash: cash.filter((one) => one.gateway === gateway.id).map(({ currency, minor }) => ({ currency, minor })),
  }));
}

/** Request keys of this workspace and mode: which lines of a gateway's journal are ours to see. */
export async function findRequestKeys(tx: ReadTx, mode: Mode, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await tx.raw<{ rows: { key: string }[] }>(
    `select attempt.request_key::text as key
     from payout_attempts as attempt
     join payouts as payout on payout.id = attempt.payout_id
     where payout.mode = :mode and attempt.request_key = any(:keys::uuid[])`,
    { mode, keys: [...keys] },
  );
  return new Set(rows.map((row) => row.key));
}
