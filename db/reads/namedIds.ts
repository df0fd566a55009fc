import type { Mode } from '../../domain/act.js';
import { emailKey } from '../../domain/tracking/contactKey.js';
import type { ReadTx } from '../transaction.js';

/**
 * Which objects does a word mean? For lists whose rows hold only ids: audit, histories, postings. The word itself counts as an id. Affiliates, people and
 * programs are found by a part of their name or e-mail; a purchase by its whole number, with what came of it; a customer by the whole address. Literal:
 * no pattern characters. Each arm has an index or few rows, and so has what the ids are compared with: the lists themselves grow without end.
 */
export async function listNamedIds(tx: ReadTx, mode: Mode, q: string): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `with contact as (
       select id from contacts where email_key = :email and merged_into_id is null
     ), sale as (
       select id, referral_id from sales where mode = :mode and (external_id = :q or contact_id in (select id from contact))
     ), referral as (
       select id from referrals where mode = :mode and contact_id in (select id from contact)
     )
     select :q as id
     union select id from affiliates
       where strpos(lower(name), lower(:q)) > 0 or strpos(lower(email), lower(:q)) > 0 or strpos(lower(coalesce(company, '')), lower(:q)) > 0
     union select id from users where strpos(lower(name), lower(:q)) > 0 or strpos(lower(email), lower(:q)) > 0
     union select id from programs where strpos(lower(name), lower(:q)) > 0 or slug = lower(:q)
     union select id from sale
     union select line.id from commissions as line where line.sale_id in (select id from sale)
     union select referral_id from sale where referral_id is not null
     union select id from contact
     union select id from referral
     union select line.id from commissions as line where line.referral_id in (select id from referral)`,
    { q, mode, email: emailKey(q) },
  );
  return rows.map(({ id }) => id);
}
