import type { Actor, Cause } from '../../domain/act.js';
import { accountKinds, type AccountRef, type Transfer } from '../../domain/earning/ledger.js';
import { assertInvariant } from '../../domain/errors.js';
import type { CurrencyCode } from '../../domain/money.js';
import type { Instant } from '../../domain/time.js';
import type { Tx } from '../../db/transaction.js';
import type { Chance } from './chance.js';

/** One object as its history tells it: every act raises the version, and the row shows the last one. */
export interface Told<Status extends string = string> {
  readonly type: string;
  readonly id: string;
  version: number;
  status: Status | null;
}

export function untold<Status extends string>(type: string, id: string): Told<Status> {
  return { type, id, version: 0, status: null };
}

export interface Telling<Status extends string> {
  readonly at: Instant;
  readonly event: string;
  readonly actor: Actor;
  readonly to?: Status;
  readonly cause?: Cause;
  readonly reasonCode?: string | null;
  readonly changes?: Readonly<Record<string, unknown>>;
}

type Row = Readonly<Record<string, unknown>>;

/** What one statement takes in as a JSON document. */
const chunkSize = 4_000;

/** A referenced row first. Clicks have no foreign key, audit entries neither. */
const loadOrder = [
  'contacts',
  'affiliates',
  'enrolments',
  'links',
  'payout_methods',
  'clicks',
  'click_details',
  'program_visitors',
  'referrals',
  'touches',
  'visits',
  'external_customers',
  'leads',
  'attributions',
  'decisions',
  'sales',
  'refunds',
  'commissions',
  'ledger_accounts',
  'ledger_transfers',
  'ledger_postings',
  'payout_runs',
  'payouts',
  'payout_lines',
  'payout_run_rows',
  'payout_attempts',
  'risk_flags',
  'audit_entries',
] as const;
export type LoadedTable = (typeof loadOrder)[number];

/**
 * The rows of a year, gathered in memory and written in one go per table. They carry what the writers of `db/` would have written had they
 * been called at the time: the same columns, an audit entry per version, balanced transfers.
 */
export class Rows {
  readonly #chance: Chance;
  readonly #tables = new Map<LoadedTable, Row[]>();
  readonly #accounts = new Map<string, string>();

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  add(table: LoadedTable, row: Row): void {
    const rows = this.#tables.get(table);
    if (rows === undefined) this.#tables.set(table, [row]);
    else rows.push(row);
  }

  count(table: LoadedTable): number {
    return this.#tables.get(table)?.length ?? 0;
  }

  /** The next version of an object, with its entry in the history. Without `to` the status stays. */
  tell<Status extends string>(object: Told<Status>, telling: Telling<Status>): void {
    const from = object.status;
    object.version += 1;
    object.status = telling.to ?? from;
    const { at, actor } = telling;
    this.add('audit_entries', {
      id: this.#chance.newId('auditEntry', at),
      mode: 'live',
      object_type: object.type,
      object_id: object.id,
      seq: object.version,
      from_status: from,
      to_status: object.status,
      event: telling.event,
      actor_type: actor.type,
      actor_id: actor.id,
      actor_user_id: actor.userId,
      reason_code: telling.reasonCode ?? null,
      cause_type: telling.cause?.type ?? null,
      cause_id: telling.cause?.id ?? null,
      changes: telling.changes ?? {},
      at,
    });
  }

  /** Posts a transfer; answers its id. One without postings is left out, as everywhere (null). */
  post(at: Instant, transfer: Transfer, correctsId: string | null = null): string | null {
    if (transfer.postings.length === 0) return null;
    const id = this.#chance.newId('transfer', at);
    this.add('ledger_transfers', {
      id,
      mode: 'live',
      kind: transfer.kind,
      cause_type: transfer.cause.type,
      cause_id: transfer.cause.id,
      corrects_transfer_id: correctsId,
      idempotency_key: transfer.key,
      posting_count: transfer.postings.length,
      effective_at: transfer.effectiveAt ?? at,
      recorded_at: at,
    });
    for (const [index, posting] of transfer.postings.entries())
      this.add('ledger_postings', {
        transfer_id: id,
        line: index + 1,
        mode: 'live',
        currency: posting.amount.currency,
        debit_account_id: this.#accountId(posting.debit, posting.amount.currency, at),
        credit_account_id: this.#accountId(posting.credit, posting.amount.currency, at),
        amount_minor: posting.amount.minor.toString(),
      });
    return id;
  }

  #accountId({ kind, ownerId }: AccountRef, currency: CurrencyCode, at: Instant): string {
    const key = `${currency}/${kind}/${ownerId}`;
    const known = this.#accounts.get(key);
    if (known !== undefined) return known;
    const id = this.#chance.newId('ledgerAccount', at);
    this.#accounts.set(key, id);
    const { side, floored } = accountKinds[kind];
    this.add('ledger_accounts', {
      id,
      mode: 'live',
      currency,
      kind,
      owner_id: ownerId,
      normal_side: side,
      floored,
    });
    return id;
  }

  /** Writes everything, table by table. */
  async load(tx: Tx): Promise<void> {
    for (const table of loadOrder) {
      const rows = this.#tables.get(table) ?? [];
      const columns = Object.keys(rows[0] ?? {});
      for (let from = 0; from < rows.length; from += chunkSize) {
        const chunk = rows.slice(from, from + chunkSize);
        assertInvariant(
          chunk.every((row) => Object.keys(row).length === columns.length),
          'rows of a table name the same columns',
          { table },
        );
        await tx.raw(
          `insert into ${table} (${columns.join(', ')})
           select ${columns.join(', ')} from jsonb_populate_recordset(null::${table}, cast(:rows as jsonb))`,
          { rows: JSON.stringify(chunk) },
        );
      }
    }
  }
}
