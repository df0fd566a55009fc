import type { AffiliateId, ProgramId, PromoToolId } from '../../../domain/ids.js';
import { type MergeValues, namesLink, toolField, toolsNamed } from '../../../domain/messaging/template.js';
import type { Instant } from '../../../domain/time.js';
import { toolAddress } from '../../../domain/tracking/promoTool.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { readLinkOrigin } from '../tracking/linkOrigin.js';
import { findPromoToolView, findToolLink } from '../tracking/promoToolList.js';

// Which of its own links do these texts name to this affiliate (LNK-12)? One that it does not have is left out: the template's own words stand.
export async function readMailedLinks(
  tx: ReadTx | Tx,
  texts: readonly string[],
  of: {
    readonly affiliateId: AffiliateId;
    /** The program that the message is about; null: about none or several. */
    readonly programId: ProgramId | null;
    readonly now: Instant;
    readonly publicUrl: string | undefined;
  },
): Promise<MergeValues> {
  if (of.publicUrl === undefined || !namesLink(...texts)) return {};
  const origin = await readLinkOrigin(tx, of.publicUrl);
  const values: Partial<Record<'link' | `link:${string}`, string>> = {};
  const own = await findToolLink(tx, of.affiliateId, of.programId, of.now);
  if (own !== undefined) values.link = `${origin}/r/${own.slug}`;
  for (const id of toolsNamed(...texts)) {
    const address = await addressOf(tx, id, of, origin);
    if (address !== undefined) values[toolField(id)] = address;
  }
  return values as MergeValues;
}

async function addressOf(
  tx: ReadTx | Tx,
  id: PromoToolId,
  of: { readonly affiliateId: AffiliateId; readonly now: Instant },
  origin: string,
): Promise<string | undefined> {
  const view = await findPromoToolView(tx, id);
  if (view === undefined || !view.tool.active) return undefined;
  const link = await findToolLink(tx, of.affiliateId, view.tool.programId, of.now);
  return link === undefined ? undefined : toolAddress(view.tool, link, origin);
}
