import { registerCustomerAccount, switchCustomerAccount } from '../../activities/reseller/customerAccount.js';
import type { Tx } from '../../db/transaction.js';
import type { Act, Actor } from '../../domain/act.js';
import type { ContactId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';

const wanted = 12;

/** The newest customers of the demo have an account with the merchant since they first paid (LED-12); of one it is suspended. */
export async function makeCustomerAccounts(tx: Tx, act: Act, system: Actor): Promise<void> {
  const { rows } = await tx.raw<{ rows: { contact_id: ContactId; paid_at: Instant }[] }>(
    `select contact_id, min(occurred_at) as paid_at from sales
     where mode = 'live' and contact_id is not null and status <> 'declined'
     group by contact_id order by min(occurred_at) desc, contact_id limit :wanted`,
    { wanted },
  );
  for (const [index, { contact_id: contactId, paid_at: now }] of rows.entries()) {
    const account = await registerCustomerAccount(tx, { ...act, now, actor: system }, { contactId });
    if (index === wanted - 1)
      await switchCustomerAccount(tx, { ...act, reasonCode: 'staff_decision' }, account, 'suspended');
  }
}
