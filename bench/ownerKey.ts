import { insertApiKey } from '../db/access/apiKey.js';
import { connect } from '../db/connection.js';
import { inWorkspace } from '../db/transaction.js';
import { systemActor } from '../domain/act.js';
import { newId } from '../platform/newId.js';
import { hashToken, newApiKey } from '../platform/secrets.js';
import type { LiveStack } from '../test/support/liveStack.js';
import type { Journeys } from './journeys.js';

/** A secret key with all rights in the workspace of the journeys, as a merchant's own system has one. */
export async function makeOwnerKey(
  stack: LiveStack,
  { workspaceId, userId }: Pick<Journeys, 'workspaceId' | 'userId'>,
): Promise<string> {
  const db = connect({ url: stack.appUrl, poolSize: 1, applicationName: 'bench' });
  const secret = newApiKey('sk', 'live');
  try {
    await inWorkspace(db, workspaceId, (tx, now) =>
      insertApiKey(
        tx,
        {
          workspaceId,
          mode: 'live',
          now,
          actor: systemActor,
          cause: null,
          reasonCode: null,
          origin: null,
          requestId: null,
          newId,
        },
        {
          id: newId('apiKey'),
          name: 'bench',
          kind: 'secret',
          mode: 'live',
          tokenHash: hashToken(secret),
          hint: secret.slice(-4),
          publicKey: null,
          signingSecret: null,
          permissions: [],
          roleId: 'owner',
          affiliateId: null,
          createdBy: userId,
          expiresOn: null,
          ipRestricted: false,
          ipAllowList: [],
        },
      ),
    );
    return secret;
  } finally {
    await db.destroy();
  }
}
