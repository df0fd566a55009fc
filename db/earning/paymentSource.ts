import type { Act, Mode } from '../../domain/act.js';
import type { PaymentAdapter } from '../../domain/earning/paymentEvent.js';
import { DomainError } from '../../domain/errors.js';
import type { PaymentSourceId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { keyset, type Page } from '../reads/keyset.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface PaymentSource {
  readonly id: PaymentSourceId;
  readonly name: string;
  readonly adapter: PaymentAdapter;
  readonly mode: Mode;
  readonly secretSetAt: Instant | null;
  /** Our field → theirs, as dotted paths. */
  readonly fieldMap: Readonly<Record<string, string>>;
  readonly active: boolean;
  readonly lastEventAt: Instant | null;
  readonly lastCode: string | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

interface SourceRow {
  readonly id: PaymentSourceId;
  readonly name: string;
  readonly adapter: PaymentAdapter;
  readonly mode: Mode;
  readonly secret_set_at: Instant | null;
  readonly field_map: Readonly<Record<string, string>>;
  readonly active: boolean;
  readonly last_event_at: Instant | null;
  readonly last_code: string | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

function toSource(row: SourceRow): PaymentSource {
  return {
    id: row.id,
    name: row.name,
    adapter: row.adapter,
    mode: row.mode,
    secretSetAt: row.secret_set_at,
    fieldMap: row.field_map,
    active: row.active,
    lastEventAt: row.last_event_at,
    lastCode: row.last_code,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Everything but the secret, which nobody reads back. */
const columns = [
  'id',
  'name',
  'adapter',
  'mode',
  'secret_set_at',
  'field_map',
  'active',
  'last_event_at',
  'last_code',
  'version',
  'created_at',
  'updated_at',
] as const;

export async function findPaymentSource(tx: ReadTx | Tx, id: string): Promise<PaymentSource | undefined> {
  const row = await tx('payment_sources')
    .where({ id })
    .whereNull('deleted_at')
    .first<SourceRow | undefined>(...columns);
  return row === undefined ? undefined : toSource(row);
}

export async function listPaymentSources(
  tx: ReadTx,
  filter: { readonly q?: string },
  page: Page,
): Promise<readonly PaymentSource[]> {
  const query = tx('payment_sources')
    .whereNull('deleted_at')
    .select<SourceRow[]>(...columns);
  if (filter.q !== undefined)
    query.whereRaw('(id = :q or strpos(lower(name), lower(:q)) > 0 or adapter = lower(:q))', { q: filter.q });
  return (await keyset(query, page, { createdAt: 'created_at', name: 'name' })).map(toSource);
}

export interface SourceContent {
  readonly name?: string;
  readonly fieldMap?: Readonly<Record<string, string>>;
  readonly active?: boolean;
  /** Sealed (purpose `paymentSecretPurpose`). */
  readonly sealedSecret?: string;
}

function columnsOf(act: Act, content: SourceContent) {
  return {
    ...(content.name === undefined ? {} : { name: content.name }),
    ...(content.fieldMap === undefined ? {} : { field_map: JSON.stringify(content.fieldMap) }),
    ...(content.active === undefined ? {} : { active: content.active }),
    ...(content.sealedSecret === undefined ? {} : { secret: content.sealedSecret, secret_set_at: act.now }),
    updated_at: act.now,
  };
}

export async function insertPaymentSource(
  tx: Tx,
  act: Act,
  of: SourceContent & { readonly name: string; readonly adapter: PaymentAdapter; readonly mode: Mode },
): Promise<PaymentSource> {
  const [row] = await tx('payment_sources')
    .insert({
      id: act.newId('paymentSource'),
      adapter: of.adapter,
      mode: of.mode,
      ...columnsOf(act, of),
      created_at: act.now,
    })
    .returning<SourceRow[]>([...columns]);
  if (row === undefined) throw new Error('an insert that ignores nothing answers its row');
  await recordAudit(tx, act, {
    objectType: 'payment_source',
    objectId: row.id,
    seq: row.version,
    event: 'created',
    changes: { adapter: row.adapter, hasSecret: row.secret_set_at !== null },
  });
  return toSource(row);
}

/** `deleted` keeps its events. Code: resource.not_found. */
export async function changePaymentSource(
  tx: Tx,
  act: Act,
  id: string,
  event: 'changed' | 'deleted',
  content: SourceContent,
): Promise<PaymentSource> {
  const [row] = await tx('payment_sources')
    .where({ id })
    .whereNull('deleted_at')
    .update({
      ...columnsOf(act, content),
      ...(event === 'deleted' ? { deleted_at: act.now, active: false } : {}),
      version: tx.raw('version + 1'),
    })
    .returning<SourceRow[]>([...columns]);
  if (row === undefined) throw new DomainError('resource.not_found');
  await recordAudit(tx, act, {
    objectType: 'payment_source',
    objectId: id,
    seq: row.version,
    event,
    changes: { fields: Object.keys(content).map((name) => (name === 'sealedSecret' ? 'secret' : name)) },
  });
  return toSource(row);
}

/** What came last and what became of it. Not an act of anybody's: no audit entry, no version. */
export async function noteSourceEvent(tx: Tx, id: string, at: Instant, code: string | null): Promise<void> {
  await tx('payment_sources').where({ id }).update({ last_event_at: at, last_code: code });
}
