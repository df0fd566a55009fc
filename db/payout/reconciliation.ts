import type { Act, Mode } from '../../domain/act.js';
import type { AffiliateId, ProgramId } from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';
import type { AttemptState } from '../../domain/payout/payoutAttempt.js';
import {
  classOf,
  type Compared,
  gapOf,
  type ItemClass,
  type ItemResolution,
  type StatementLineKind,
} from '../../domain/payout/reconciliation.js';
import { addMs, type Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { readOpenTransactions } from '../openTransactions.js';
import type { ReadTx, Tx } from '../transaction.js';

/** A line of a gateway's own statement, in its words; above zero the balance there grew. */
export interface StatementLine {
  readonly id: string;
  readonly kind: StatementLineKind;
  readonly at: Instant;
  readonly currency: CurrencyCode;
  readonly minor: bigint;
  /** Our reference (the attempt's id, or a deposit's own), as the gateway repeats it. */
  readonly reference: string | null;
  readonly providerId: string | null;
}

export interface StatementScope {
  readonly gateway: string;
  readonly mode: Mode;
}

/**
 * Until when a comparison is final: no transaction that could still write into the books began before it (money.md 9). By Postgres's own
 * clock, because the postings are dated by it.
 */
export async function readFinalInstant(tx: ReadTx): Promise<Instant> {
  const { now, oldestStart } = await readOpenTransactions(tx);
  return addMs(oldestStart === null || now < oldestStart ? now : oldestStart, -1);
}

/** In which modes anything happened at this gateway, and how far its statements have been read there. */
export async function listReadModes(
  tx: ReadTx | Tx,
  gateway: string,
): Promise<readonly { readonly mode: Mode; readonly readUntil: Instant | null }[]> {
  const { rows } = await tx.raw<{ rows: { mode: Mode; readUntil: Instant | null }[] }>(
    `select account.mode, (select max(statement.closed_at) from gateway_statements as statement
                           where statement.gateway = :gateway and statement.mode = account.mode) as "readUntil"
     from ledger_accounts as account
     where account.kind = 'cash' and account.owner_id = :gateway
     group by account.mode
     order by account.mode`,
    { gateway },
  );
  return rows;
}

/** The currencies in which the books hold money at this gateway. */
export async function listCashCurrencies(tx: ReadTx | Tx, scope: StatementScope): Promise<readonly CurrencyCode[]> {
  const rows = await tx('ledger_accounts')
    .where({ kind: 'cash', owner_id: scope.gateway, mode: scope.mode })
    .orderBy('currency')
    .select<{ currency: CurrencyCode }[]>('currency');
  return rows.map((row) => row.currency);
}

/** Gateways through which money has gone: their statements are read every hour. `manual` is a person and gives none. */
export async function listUsedGateways(tx: ReadTx): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `select gateway.id
     from gateways as gateway
     where gateway.id <> 'manual'
       and exists (select from ledger_accounts as cash where cash.kind = 'cash' and cash.owner_id = gateway.id)
     order by gateway.id`,
  );
  return rows.map((row) => row.id);
}

export interface Statement {
  readonly id: string;
  readonly closedAt: Instant;
  readonly closingMinor: bigint;
  readonly booksMinor: bigint;
}

/** The newest statement of a gateway, mode and currency; locked, so that two readers of one gateway follow each other. */
export async function lockNewestStatement(
  tx: Tx,
  scope: StatementScope,
  currency: CurrencyCode,
): Promise<Statement | undefined> {
  const row = await tx('gateway_statements')
    .where({ gateway: scope.gateway, mode: scope.mode, currency })
    .orderBy('closed_at', 'desc')
    .orderBy('id', 'desc')
    .forNoKeyUpdate()
    .first<{ id: string; closed_at: Instant; closing_minor: bigint; books_minor: bigint | null } | undefined>();
  return row === undefined
    ? undefined
    : {
        id: row.id,
        closedAt: row.closed_at,
        closingMinor: row.closing_minor,
        booksMinor: row.books_minor ?? row.closing_minor,
      };
}

/** What the books say lay at the gateway at an instant, by the time of recording (money.md 9). */
export async function readBooks(
  tx: Tx,
  scope: StatementScope,
  currency: CurrencyCode,
  until: Instant,
): Promise<bigint> {
  const { rows } = await tx.raw<{ rows: { minor: bigint }[] }>(
    `select coalesce(sum(case when posting.debit_account_id = cash.id then posting.amount_minor else -posting.amount_minor end), 0)::bigint as minor
     from ledger_accounts as cash
     join ledger_postings as posting on cash.id in (posting.debit_account_id, posting.credit_account_id)
     join ledger_transfers as transfer on transfer.id = posting.transfer_id
     where cash.kind = 'cash' and cash.owner_id = :gateway and cash.mode = :mode and cash.currency = :currency
       and transfer.recorded_at <= :until`,
    { gateway: scope.gateway, mode: scope.mode, currency, until },
  );
  return rows[0]?.minor ?? 0n;
}

/** The same statement still holds: nothing moved on either side. */
export async function extendStatement(tx: Tx, id: string, closedAt: Instant): Promise<void> {
  await tx('gateway_statements').where({ id }).update({ closed_at: closedAt });
}

export async function insertStatement(
  tx: Tx,
  act: Act,
  scope: StatementScope,
  statement: {
    readonly id: string;
    readonly currency: CurrencyCode;
    readonly cashAccountId: string;
    readonly closedAt: Instant;
    readonly closingMinor: bigint;
    readonly booksMinor: bigint;
    readonly sha256: string;
    /** Of an upload, as its sender calls it; absent: it was fetched. */
    readonly fileName?: string;
  },
): Promise<void> {
  await tx('gateway_statements').insert({
    id: statement.id,
    gateway: scope.gateway,
    mode: scope.mode,
    currency: statement.currency,
    cash_account_id: statement.cashAccountId,
    closed_at: statement.closedAt,
    closing_minor: statement.closingMinor,
    books_minor: statement.booksMinor,
    sha256: Buffer.from(statement.sha256, 'hex'),
    source: statement.fileName === undefined ? 'gateway' : 'upload',
    file_name: statement.fileName ?? null,
    created_at: act.now,
  });
}

/** The statement that this file was read in as, if it was. */
export async function findUpload(
  tx: Tx,
  scope: StatementScope,
  of: { readonly currency: CurrencyCode; readonly sha256: string },
): Promise<string | undefined> {
  const row = await tx('gateway_statements')
    .where({ gateway: scope.gateway, mode: scope.mode, currency: of.currency, source: 'upload' })
    .where({ sha256: Buffer.from(of.sha256, 'hex') })
    .first<{ id: string } | undefined>('id');
  return row?.id;
}

/** What all lines kept so far add up to, until an instant. */
export async function sumLines(tx: Tx, scope: StatementScope, currency: CurrencyCode, until: Instant): Promise<bigint> {
  const { rows } = await tx.raw<{ rows: { minor: bigint }[] }>(
    `select coalesce(sum(amount_minor), 0)::bigint as minor from statement_lines
     where gateway = :gateway and mode = :mode and currency = :currency and at <= :until`,
    { ...scope, currency, until },
  );
  return rows[0]?.minor ?? 0n;
}

/** A statement takes 65,535 values; a line has a dozen. */
const chunkSize = 2_000;

/**
 * Keeps the lines that nobody has seen before, each under the fact it is compared by: our reference first, then the provider's id
 * (money.md 10). Answers how many were new.
 */
export async function insertStatementLines(
  tx: Tx,
  scope: StatementScope,
  statementId: string,
  lines: readonly StatementLine[],
): Promise<number> {
  let inserted = 0;
  for (let from = 0; from < lines.length; from += chunkSize) {
    const chunk = lines.slice(from, from + chunkSize);
    const { rows } = await tx.raw<{ rows: { lines: number }[] }>(
      `with line as (
         select * from unnest(:ids::text[], :kinds::text[], :ats::timestamptz[], :currencies::text[], :minors::bigint[], :references::text[],
                              :providers::text[]) as line(line_id, kind, at, currency, amount_minor, reference, provider_id)
       ),
       known as (
         select line.*, coalesce(ours.id, theirs.id) as attempt_id
         from line
         left join payout_attempts as ours on ours.id = line.reference and ours.gateway = :gateway
         left join payout_attempts as theirs on theirs.gateway = :gateway and theirs.provider_id = line.provider_id
       ),
       written as (
         insert into statement_lines (gateway, mode, line_id, kind, at, currency, amount_minor, reference, provider_id, attempt_id, match_key, statement_id)
         select :gateway, :mode, line_id, kind, at, currency, amount_minor, reference, provider_id, attempt_id,
                case when kind = 'deposit' and reference is not null then 'deposit/' || reference
                     when attempt_id is null then 'line/' || line_id
                     when kind = 'payment' then 'attempt/' || attempt_id || '/paid'
                     when kind = 'return' then 'attempt/' || attempt_id || '/return'
                     when kind = 'fee' then 'attempt/' || attempt_id || '/fee/' || line_id
                     else 'line/' || line_id end,
                :statementId
         from known
         on conflict (workspace_id, gateway, mode, line_id) do nothing
         returning 1
       )
       select count(*)::int as lines from written`,
      {
        gateway: scope.gateway,
        mode: scope.mode,
        statementId,
        ids: chunk.map((line) => line.id),
        kinds: chunk.map((line) => line.kind),
        ats: chunk.map((line) => line.at),
        currencies: chunk.map((line) => line.currency as string),
        minors: chunk.map((line) => line.minor.toString()),
        references: chunk.map((line) => line.reference),
        providers: chunk.map((line) => line.providerId),
      },
    );
    inserted += rows[0]?.lines ?? 0;
  }
  await tx('gateway_statements').where({ id: statementId }).update({ line_count: inserted });
  return inserted;
}

export interface ComparedFact extends Compared {
  readonly matchKey: string;
  readonly lineId: string | null;
  readonly attemptId: string | null;
  readonly providerId: string | null;
  readonly gap: bigint;
  readonly itemClass: ItemClass;
}

/** Every fact that a statement brought, and every one on which statement and books differ, by key. */
export async function compareStatement(
  tx: Tx,
  scope: StatementScope,
  of: { readonly statementId: string; readonly currency: CurrencyCode; readonly closedAt: Instant },
): Promise<readonly ComparedFact[]> {
  const { rows } = await tx.raw<{
    rows: {
      match_key: string;
      line_id: string | null;
      line_kind: StatementLineKind | null;
      line_count: number;
      line_minor: bigint;
      books_minor: bigint;
      attempt_id: string | null;
      provider_id: string | null;
      attempt_state: AttemptState | null;
      is_other_currency: boolean;
    }[];
  }>(
    `with line as (
       select match_key, count(*)::int as line_count, sum(amount_minor)::bigint as minor, min(line_id) as line_id, min(kind) as kind,
              min(attempt_id) as attempt_id, min(provider_id) as provider_id, bool_or(statement_id = :statementId) as is_new
       from statement_lines
       where gateway = :gateway and mode = :mode and currency = :currency and at <= :closedAt
       group by match_key
     ),
     book as (
       select case when transfer.cause_type = 'reconciliation_item' then item.match_key
                   when transfer.kind in ('payout.paid', 'payout.paid_late') then 'attempt/' || transfer.cause_id || '/paid'
                   when transfer.kind = 'payout.returned' then 'attempt/' || transfer.cause_id || '/return'
                   when transfer.kind = 'gateway.funded' then 'deposit/' || funding.reference
                   else transfer.idempotency_key end as match_key,
              sum(case when posting.debit_account_id = cash.id then posting.amount_minor else -posting.amount_minor end)::bigint as minor,
              min(transfer.cause_id) filter (where transfer.cause_type = 'attempt') as attempt_id
       from ledger_accounts as cash
       join ledger_postings as posting on cash.id in (posting.debit_account_id, posting.credit_account_id)
       join ledger_transfers as transfer on transfer.id = posting.transfer_id
       left join reconciliation_items as item on transfer.cause_type = 'reconciliation_item' and item.id = transfer.cause_id
       left join gateway_fundings as funding on transfer.cause_type = 'funding' and funding.id = transfer.cause_id
       where cash.kind = 'cash' and cash.owner_id = :gateway and cash.mode = :mode and cash.currency = :currency
         and transfer.recorded_at <= :closedAt
       group by 1
     ),
     compared as (
       select match_key, coalesce(line.line_count, 0) as line_count, coalesce(line.minor, 0) as line_minor, coalesce(book.minor, 0) as books_minor,
              line.line_id, line.kind as line_kind, coalesce(line.attempt_id, book.attempt_id) as attempt_id, line.provider_id
       from line
       full join book using (match_key)
       where coalesce(line.is_new, false) or coalesce(book.minor, 0) <> coalesce(line.minor, 0)
     )
     select compared.*, attempt.state as attempt_state,
            coalesce(attempt.currency <> :currency, false) or exists (
              select from statement_lines as other
              where other.gateway = :gateway and other.mode = :mode and other.currency <> :currency and other.match_key = compared.match_key
            ) as is_other_currency
     from compared
     left join payout_attempts as attempt on attempt.id = compared.attempt_id
     order by compared.match_key`,
    { gateway: scope.gateway, mode: scope.mode, ...of },
  );
  return rows.map((row) => {
    const fact = {
      lineKind: row.line_kind,
      lineCount: row.line_count,
      lineMinor: row.line_minor,
      booksMinor: row.books_minor,
      attemptState: row.attempt_state,
      isOtherCurrency: row.is_other_currency,
    };
    return {
      ...fact,
      matchKey: row.match_key,
      lineId: row.line_id,
      attemptId: row.attempt_id,
      providerId: row.provider_id,
      gap: gapOf(fact),
      itemClass: classOf(fact),
    };
  });
}

/**
 * Writes a statement's items. A difference that was there before keeps the time it was first seen, and what a person said of it. Answers how many
 * are new; what only arrives later on the other side (`timing`) is none.
 */
export async function insertItems(
  tx: Tx,
  act: Act,
  scope: StatementScope,
  statement: { readonly id: string; readonly currency: CurrencyCode },
  facts: readonly ComparedFact[],
): Promise<number> {
  let opened = 0;
  for (let from = 0; from < facts.length; from += chunkSize) {
    const chunk = facts.slice(from, from + chunkSize);
    const known = await tx.raw<{
      rows: {
        match_key: string;
        amount_minor: bigint;
        first_seen_at: Instant | null;
        resolution: ItemResolution | null;
        resolved_at: Instant | null;
        resolved_by: string | null;
        note: string | null;
      }[];
    }>(
      `select distinct on (item.match_key) item.match_key, item.amount_minor, item.first_seen_at, item.resolution, item.resolved_at,
              item.resolved_by, item.note
       from reconciliation_items as item
       join gateway_statements as statement on statement.id = item.statement_id
       where item.match_key = any(:keys::text[]) and item.class <> 'matched'
         and statement.gateway = :gateway and statement.mode = :mode and statement.currency = :currency
       order by item.match_key, statement.closed_at desc, item.id desc`,
      {
        keys: chunk.filter((fact) => fact.itemClass !== 'matched').map((fact) => fact.matchKey),
        gateway: scope.gateway,
        mode: scope.mode,
        currency: statement.currency,
      },
    );
    const before = new Map(known.rows.map((row) => [row.match_key, row]));
    opened += chunk.filter(
      (fact) =>
        fact.itemClass !== 'matched' &&
        fact.itemClass !== 'timing' &&
        before.get(fact.matchKey)?.amount_minor !== fact.gap,
    ).length;
    await tx('reconciliation_items').insert(
      chunk.map((fact) => {
        const same = before.get(fact.matchKey);
        // Another amount is another difference: what was said of it no longer holds.
        const said = same !== undefined && same.amount_minor === fact.gap ? same : undefined;
        return {
          id: act.newId('reconciliationItem'),
          statement_id: statement.id,
          class: fact.itemClass,
          amount_minor: fact.gap,
          attempt_id: fact.attemptId,
          provider_id: fact.providerId,
          match_key: fact.matchKey,
          line_id: fact.lineId,
          line_minor: fact.lineMinor,
          books_minor: fact.booksMinor,
          first_seen_at: fact.itemClass === 'matched' ? null : (same?.first_seen_at ?? act.now),
          resolution: said?.resolution === 'accepted' ? 'accepted' : null,
          resolved_at: said?.resolution === 'accepted' ? said.resolved_at : null,
          resolved_by: said?.resolution === 'accepted' ? said.resolved_by : null,
          note: said?.resolution === 'accepted' ? said.note : null,
          created_at: act.now,
        };
      }),
    );
  }
  await recordAudit(tx, act, {
    objectType: 'reconciliation',
    objectId: statement.id,
    seq: 1,
    event: 'statementRead',
    changes: {
      gatewayId: scope.gateway,
      currency: statement.currency,
      lines: facts.length,
      differences: facts.filter((fact) => fact.itemClass !== 'matched').length,
    },
  });
  return opened;
}

/** Has a statement any difference that time alone will change? Then it is compared anew although no amount moved. */
export async function hasTiming(tx: Tx, statementId: string): Promise<boolean> {
  const row = await tx('reconciliation_items')
    .where({ statement_id: statementId, class: 'timing' })
    .first<{ id: string } | undefined>('id');
  return row !== undefined;
}

export interface ReconciliationItem {
  readonly id: string;
  readonly statementId: string;
  readonly gateway: string;
  readonly mode: Mode;
  readonly currency: CurrencyCode;
  readonly itemClass: ItemClass;
  readonly gap: bigint;
  readonly resolution: ItemResolution | null;
  readonly resolvedBy: string | null;
  readonly resolvedAt: Instant | null;
  /** Of the newest statement of its gateway and currency: an older one's differences are told there again, or are gone. */
  readonly isNewest: boolean;
}

/** Locks an item for a person's word on it. The statement's row first, as its readers do. */
export async function lockItem(tx: Tx, id: string, mode: Mode): Promise<ReconciliationItem | undefined> {
  const { rows } = await tx.raw<{
    rows: {
      id: string;
      statement_id: string;
      gateway: string;
      mode: Mode;
      currency: CurrencyCode;
      class: ItemClass;
      amount_minor: bigint;
      resolution: ItemResolution | null;
      resolved_by: string | null;
      resolved_at: Instant | null;
      is_newest: boolean;
    }[];
  }>(
    `select item.id, item.statement_id, statement.gateway, statement.mode, statement.currency, item.class, item.amount_minor, item.resolution,
            item.resolved_by, item.resolved_at,
            not exists (
              select from gateway_statements as later
              where later.gateway = statement.gateway and later.mode = statement.mode and later.currency = statement.currency
                and (later.closed_at, later.id) > (statement.closed_at, statement.id)) as is_newest
     from reconciliation_items as item
     join gateway_statements as statement on statement.id = item.statement_id
     where item.id = :id and statement.mode = :mode
     for no key update of statement, item`,
    { id, mode },
  );
  const [row] = rows;
  return row === undefined
    ? undefined
    : {
        id: row.id,
        statementId: row.statement_id,
        gateway: row.gateway,
        mode: row.mode,
        currency: row.currency,
        itemClass: row.class,
        gap: row.amount_minor,
        resolution: row.resolution,
        resolvedBy: row.resolved_by,
        resolvedAt: row.resolved_at,
        isNewest: row.is_newest,
      };
}

/** What a person says of a difference. */
export interface ItemWord {
  readonly resolution: ItemResolution;
  readonly note: string;
  readonly documentId: string | null;
  /** Whom the money went to, of `affiliate`; else null. */
  readonly affiliateId: AffiliateId | null;
}

const resolutionEvents: Readonly<Record<ItemResolution, string>> = {
  accepted: 'accepted',
  suspense: 'movedToSuspense',
  affiliate: 'bookedToAffiliate',
};

/** A person's word on a difference, with its history. */
export async function resolveItem(tx: Tx, act: Act, id: string, word: ItemWord): Promise<void> {
  await tx('reconciliation_items').where({ id }).update({
    resolution: word.resolution,
    resolved_at: act.now,
    resolved_by: act.actor.userId,
    note: word.note,
    document_id: word.documentId,
    affiliate_id: word.affiliateId,
  });
  await recordAudit(tx, act, {
    objectType: 'reconciliation_item',
    objectId: id,
    seq: 1,
    event: resolutionEvents[word.resolution],
    changes: {
      documentId: word.documentId,
      ...(word.affiliateId === null ? {} : { affiliateId: word.affiliateId }),
    },
  });
}

/** Which program carries what an affiliate turned out to be paid: that of its newest line in the currency, else its newest enrolment's. */
export async function findProgramOfPayee(
  tx: Tx,
  of: { readonly mode: Mode; readonly affiliateId: AffiliateId; readonly currency: CurrencyCode },
): Promise<ProgramId | undefined> {
  const line = await tx('commissions')
    .where({ mode: of.mode, affiliate_id: of.affiliateId, currency: of.currency })
    .orderByRaw('created_at desc, id desc')
    .first<{ program_id: ProgramId } | undefined>('program_id');
  if (line !== undefined) return line.program_id;
  const enrolment = await tx('enrolments')
    .where({ affiliate_id: of.affiliateId })
    .orderByRaw('created_at desc, id desc')
    .first<{ program_id: ProgramId } | undefined>('program_id');
  return enrolment?.program_id;
}

/**
 * Gateways of a run's paid payouts that no statement covers yet: one that closed after the last of them was booked, in that currency.
 * Only gateways that give statements are asked for (temporal.md 5.1, features.md 2.10).
 */
export async function listUncovered(
  tx: ReadTx | Tx,
  of: { readonly runId: string; readonly gateways: readonly string[] },
): Promise<readonly { readonly gateway: string; readonly wasAsked: boolean }[]> {
  const { rows } = await tx.raw<{ rows: { gateway: string; wasAsked: boolean }[] }>(
    `with booked as (
       select payout.gateway, payout.mode, payout.currency, max(transfer.recorded_at) as at
       from payouts as payout
       join payout_attempts as attempt on attempt.payout_id = payout.id
       join ledger_transfers as transfer on transfer.mode = payout.mode and transfer.idempotency_key = 'attempt/' || attempt.id || '/paid'
       where payout.run_id = :runId and payout.status = 'paid' and payout.gateway = any(:gateways::text[])
       group by payout.gateway, payout.mode, payout.currency
     )
     select booked.gateway, coalesce(bool_or(newest.created_at > booked.at), false) as "wasAsked"
     from booked
     left join lateral (
       select statement.closed_at, statement.created_at
       from gateway_statements as statement
       where statement.gateway = booked.gateway and statement.mode = booked.mode and statement.currency = booked.currency
       order by statement.closed_at desc
       limit 1
     ) as newest on true
     where newest.closed_at is null or newest.closed_at < booked.at
     group by booked.gateway
     order by booked.gateway`,
    { runId: of.runId, gateways: [...of.gateways] },
  );
  return rows;
}

/** Runs that have nothing left but to be compared: they are told when a statement was read. */
export async function listWaitingRuns(
  tx: ReadTx | Tx,
): Promise<readonly { readonly id: string; readonly workflow_id: string }[]> {
  const { rows } = await tx.raw<{ rows: { id: string; workflow_id: string }[] }>(
    `select run.id, run.workflow_id
     from payout_runs as run
     where run.status = 'executing'
       and not exists (select from payouts as payout where payout.run_id = run.id and payout.status in ('draft', 'pending'))
     order by run.id
     limit 1000`,
  );
  return rows;
}
