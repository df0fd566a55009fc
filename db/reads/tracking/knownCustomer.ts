import type { Mode } from '../../../domain/act.js';
import type { ContactId } from '../../../domain/ids.js';
import type { ReadTx, Tx } from '../../transaction.js';

// Has this person bought something, or does the shop know them by a number of its own?
export async function isKnownCustomer(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly contactId: ContactId },
): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: { known: boolean }[] }>(
    `select exists (select from sales where sales.contact_id = :contactId and sales.mode = :mode)
         or exists (select from external_customers as customer
                    where customer.contact_id = :contactId and customer.mode = :mode) as known`,
    { ...of },
  );
  return rows[0]?.known === true;
}
