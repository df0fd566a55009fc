import { type Permission, presets } from '../../../domain/access/permission.js';
import type { ReadTx, Tx } from '../../transaction.js';

const needed: Permission = 'webhook.write';
const presetsWithIt = Object.entries(presets).flatMap(([id, { permissions }]) =>
  (permissions as readonly Permission[]).includes(needed) ? [id] : [],
);

// Who can mend a webhook that fails?
export async function findWebhookKeepers(
  tx: ReadTx | Tx,
): Promise<readonly { readonly name: string; readonly email: string }[]> {
  return tx('users')
    .where({ audience: 'staff', status: 'active' })
    .whereRaw(
      'role_ids && (cast(:presets as text[]) || array(select id from roles where :needed = any (permissions)))',
      {
        presets: presetsWithIt,
        needed,
      },
    )
    .orderBy('id')
    .select<{ name: string; email: string }[]>('name', 'email');
}
