import type { Mode } from '../../../domain/act.js';
import type { AffiliateId, ContactId, ProgramId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** Did or does the program of this row list one of the products (PRG-14)? One that was taken out after the sale was listed when it happened. */
const listsProduct = (row: 'referral' | 'enrolment'): string => `exists (
  select from products as product
  where product.workspace_id = ${row}.workspace_id
    and (product.id = any (:products::text[]) or product.sku = any (:products::text[]))
    and (exists (select from program_products as attached
                 where attached.workspace_id = ${row}.workspace_id and attached.program_id = ${row}.program_id
                   and attached.product_id = product.id and attached.active)
      or exists (select from program_product_removals as removal
                 where removal.workspace_id = ${row}.workspace_id and removal.program_id = ${row}.program_id
                   and removal.product_id = product.id and removal.removed_at > :occurredAt)))`;

/**
 * In which program does a sale pay that names none (ruling 44)? The contact's referral whose program lists the product and has the newest
 * touch before the sale, the oldest where first referrers are paid; then the older program. Without such a product any referral of the contact.
 */
export async function findSaleProgram(
  tx: ReadTx | Tx,
  of: {
    readonly mode: Mode;
    readonly contactId: ContactId;
    readonly occurredAt: Instant;
    /** As they were named: id or sku. */
    readonly products: readonly string[];
  },
): Promise<ProgramId | null> {
  const { rows } = await tx.raw<{ rows: { program_id: ProgramId }[] }>(
    `select referral.program_id
     from referrals as referral
     join programs as program on program.workspace_id = referral.workspace_id and program.id = referral.program_id
     left join lateral (
       select max(touch.occurred_at) as newest, min(touch.occurred_at) as oldest from touches as touch
       where touch.workspace_id = referral.workspace_id and touch.referral_id = referral.id
         and touch.occurred_at <= :occurredAt) as touched on true
     where referral.mode = :mode and referral.contact_id = :contactId and referral.status in ('pending', 'approved', 'rejected')
     order by
       ${listsProduct('referral')} desc,
       case when coalesce(program.own_terms ->> 'referrerChoice',
                          (select sections -> 'tracking' ->> 'referrerChoice' from settings)) = 'first' then touched.oldest end asc nulls last,
       touched.newest desc nulls last,
       program.created_at, program.id
     limit 1`,
    of,
  );
  return rows[0]?.program_id ?? null;
}

/**
 * In which program does a sale pay that only an affiliate is named for (ruling 44)? Its oldest active enrolment whose active program lists the
 * product. Null: none does.
 */
export async function findAffiliateProgram(
  tx: ReadTx | Tx,
  of: { readonly affiliateId: AffiliateId; readonly occurredAt: Instant; readonly products: readonly string[] },
): Promise<ProgramId | null> {
  const { rows } = await tx.raw<{ rows: { program_id: ProgramId }[] }>(
    `select enrolment.program_id
     from enrolments as enrolment
     join programs as program on program.workspace_id = enrolment.workspace_id and program.id = enrolment.program_id
     where enrolment.affiliate_id = :affiliateId and enrolment.status = 'active' and program.status = 'active'
       and ${listsProduct('enrolment')}
     order by enrolment.joined_at, enrolment.id
     limit 1`,
    of,
  );
  return rows[0]?.program_id ?? null;
}
