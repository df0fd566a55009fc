import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { MediaId, ProductGroupId, ProgramId, PromoToolId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import type { PromoTool, PromoToolKind } from '../../domain/tracking/promoTool.js';
import { recordAudit } from '../audit/audit.js';
import type { Tx } from '../transaction.js';

export interface PromoToolRow {
  readonly id: PromoToolId;
  readonly name: string;
  readonly kind: PromoToolKind;
  readonly program_id: ProgramId;
  readonly product_group_id: ProductGroupId | null;
  readonly url: string;
  readonly media_id: MediaId | null;
  readonly html: string | null;
  readonly text: string | null;
  readonly campaign: string | null;
  readonly ad: string | null;
  readonly active: boolean;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toPromoTool(row: PromoToolRow): PromoTool {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    programId: row.program_id,
    productGroupId: row.product_group_id,
    url: row.url,
    mediaId: row.media_id,
    html: row.html,
    text: row.text,
    campaign: row.campaign,
    ad: row.ad,
    active: row.active,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type NewPromoTool = Omit<PromoTool, 'version' | 'createdAt' | 'updatedAt'>;
export type PromoToolChange = Partial<Omit<NewPromoTool, 'id' | 'kind'>>;

export async function lockPromoTool(tx: Tx, id: string): Promise<PromoTool | undefined> {
  const row = await tx('promo_tools')
    .where({ id })
    .whereNull('deleted_at')
    .forNoKeyUpdate()
    .first<PromoToolRow | undefined>();
  return row === undefined ? undefined : toPromoTool(row);
}

export async function insertPromoTool(tx: Tx, act: Act, tool: NewPromoTool): Promise<PromoTool> {
  const [row] = await tx('promo_tools')
    .insert({ ...columnsOf(tool), id: tool.id, kind: tool.kind, created_at: act.now, updated_at: act.now })
    .returning<PromoToolRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'promo_tool',
    objectId: tool.id,
    seq: 1,
    event: 'created',
    changes: { after: { kind: tool.kind, ...columnsOf(tool) } },
  });
  return toPromoTool(row);
}

export async function updatePromoTool(tx: Tx, act: Act, tool: PromoTool, change: PromoToolChange): Promise<PromoTool> {
  const before = columnsOf(tool);
  const after = columnsOf(change);
  const names = Object.keys(after).filter((name) => after[name] !== before[name]);
  if (names.length === 0) return tool;
  const [row] = await tx('promo_tools')
    .where({ id: tool.id })
    .update({ ...after, version: tool.version + 1, updated_at: act.now })
    .returning<PromoToolRow[]>('*');
  assertInvariant(row !== undefined, 'a locked tool is there', { toolId: tool.id });
  const pick = (from: Readonly<Record<string, unknown>>) => Object.fromEntries(names.map((name) => [name, from[name]]));
  await recordAudit(tx, act, {
    objectType: 'promo_tool',
    objectId: tool.id,
    seq: tool.version + 1,
    event: 'edited',
    changes: { before: pick(before), after: pick(after) },
  });
  return toPromoTool(row);
}

/** Takes the tool off the lists; what was pasted goes on working, because it holds a link. */
export async function deletePromoTool(tx: Tx, act: Act, tool: PromoTool): Promise<void> {
  await tx('promo_tools')
    .where({ id: tool.id })
    .update({ deleted_at: act.now, active: false, version: tool.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'promo_tool',
    objectId: tool.id,
    seq: tool.version + 1,
    event: 'deleted',
  });
}

function columnsOf(tool: PromoToolChange): Readonly<Record<string, unknown>> {
  const pairs: readonly (readonly [string, unknown])[] = [
    ['name', tool.name],
    ['program_id', tool.programId],
    ['product_group_id', tool.productGroupId],
    ['url', tool.url],
    ['media_id', tool.mediaId],
    ['html', tool.html],
    ['text', tool.text],
    ['campaign', tool.campaign],
    ['ad', tool.ad],
    ['active', tool.active],
  ];
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}
