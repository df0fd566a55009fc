import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findLogin, listMemberships, type Membership } from '../db/access/login.js';
import { insertOneTimeToken, voidOneTimeTokens } from '../db/access/oneTimeToken.js';
import { findFirstAdministrator } from '../db/access/firstOwner.js';
import { removeSecondFactor } from '../db/access/secondFactor.js';
import { lockUser, updateUser } from '../db/access/user.js';
import { connect, type Db } from '../db/connection.js';
import { inWorkspace } from '../db/transaction.js';
import type { Act } from '../domain/act.js';
import type { LoginId } from '../domain/ids.js';
import { ConfigError, loadConfig, localEnvironment } from '../platform/config.js';
import { newId } from '../platform/newId.js';

const usage = `npm run sign-in-link -- [e-mail address] [--without-second-factor]
  Prints a one-time link, valid 30 minutes, that signs this person in; without an address the installation's first user.
  --without-second-factor  takes their second factor away first, for a lost phone without recovery codes; stands in the audit trail.`;

/** Whoever runs this reads the database anyway: the link is the way back in when no mail server is set. */
export async function makeLink(
  db: Db,
  publicUrl: string,
  email: string | undefined,
  options: { readonly withoutSecondFactor?: boolean } = {},
): Promise<string> {
  const { loginId, membership } = await findPerson(db, email);
  const token = await inWorkspace(db, membership.workspaceId, async (tx, now) => {
    if (options.withoutSecondFactor === true && (await removeSecondFactor(tx, loginId))) {
      const user = await lockUser(tx, membership.userId);
      const act: Act = {
        workspaceId: membership.workspaceId,
        mode: 'live',
        now,
        actor: { type: 'system', id: null, userId: null },
        cause: null,
        reasonCode: null,
        origin: null,
        requestId: null,
        newId,
      };
      if (user !== undefined) await updateUser(tx, act, user, 'secondFactorReset', {});
    }
    await voidOneTimeTokens(tx, loginId, 'sign_in');
    return insertOneTimeToken(tx, newId, now, {
      kind: 'sign_in',
      loginId,
      workspaceId: membership.workspaceId,
      userId: membership.userId,
    });
  });
  return `${publicUrl}/welcome/${token}`;
}

async function findPerson(
  db: Db,
  email: string | undefined,
): Promise<{ readonly loginId: LoginId; readonly membership: Membership }> {
  const loginId =
    email === undefined ? (await findFirstAdministrator(db))?.loginId : (await findLogin(db, email.toLowerCase()))?.id;
  const memberships = loginId === undefined ? [] : await listMemberships(db, loginId);
  const membership = memberships.find((one) => one.status === 'active');
  if (loginId === undefined || membership === undefined)
    throw new Error(
      email === undefined
        ? 'nobody is there yet: npm run bootstrap makes the first user'
        : `nobody with this address may sign in: ${email}`,
    );
  return { loginId, membership };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' }, 'without-second-factor': { type: 'boolean' } },
  });
  if (values.help === true || positionals.length > 1) {
    console.log(usage);
    return;
  }
  const config = loadConfig(localEnvironment());
  const db = connect({ url: config.database.url, poolSize: 1, applicationName: 'tributary sign-in link' });
  try {
    const withoutSecondFactor = values['without-second-factor'] === true;
    console.log(await makeLink(db, config.http.publicUrl, positionals[0], { withoutSecondFactor }));
  } finally {
    await db.destroy();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof ConfigError || error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
