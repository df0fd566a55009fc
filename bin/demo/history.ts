import { demoShopKeyPurpose } from '../../api/demoShop.js';
import { insertApiKey } from '../../db/access/apiKey.js';
import { insertUser } from '../../db/access/user.js';
import { ensureLogin, getWorkspace, nextWorkspaceVersion } from '../../db/access/workspace.js';
import { recordAudit } from '../../db/audit/audit.js';
import { readPlanHash } from '../../db/reads/payout/planHash.js';
import type { Tx } from '../../db/transaction.js';
import type { Act, Mode } from '../../domain/act.js';
import { dateIn, startOfDay } from '../../domain/calendar.js';
import { InvariantError } from '../../domain/errors.js';
import type { NewId, WorkspaceId } from '../../domain/ids.js';
import { addDays, type Instant } from '../../domain/time.js';
import { hashToken, newApiKey, type Secrets } from '../../platform/secrets.js';
import { castAffiliates, type DemoAffiliate } from './affiliates.js';
import { createAgenda } from './agenda.js';
import { openBooks } from './books.js';
import { createChance } from './chance.js';
import { makeCustomerAccounts } from './customerAccounts.js';
import { makeDocuments } from './documents.js';
import { followClicks } from './journeys.js';
import { followPayments } from './payments.js';
import { followPayoutRuns, type PastRun } from './payoutRuns.js';
import { makePromoTools } from './promoTools.js';
import { Rows } from './rows.js';
import { type Ground, setUp } from './setUp.js';
import { system, type Year } from './year.js';

const days = 365;

export interface MadeHistory {
  readonly affiliates: number;
  readonly programs: number;
  readonly clicks: number;
  readonly referrals: number;
  readonly sales: number;
  readonly commissions: number;
  readonly payouts: number;
  /** A key of the test mode, shown once: the first start prints it (screens.md 9.1). */
  readonly testKey: string;
}

/**
 * Fills an empty workspace with a year of business: simulated in memory by the product's own rules, event by event, then written table by
 * table in the caller's transaction. The same seed and day give the same year. Nothing of it ran through a workflow, and its referrals say so.
 */
export async function writeHistory(
  tx: Tx,
  of: {
    readonly workspaceId: WorkspaceId;
    readonly seed: number;
    readonly now: Instant;
    readonly secrets: Secrets;
    readonly newId: NewId;
    readonly shopOrigin: string;
  },
): Promise<MadeHistory> {
  const { workspaceId, now } = of;
  const chance = createChance(of.seed);
  const startsAt = addDays(startOfDay('UTC', dateIn('UTC', now)), -days);
  const ground = await setUp(tx, { workspaceId, chance, startsAt, shopOrigin: of.shopOrigin });
  const rows = new Rows(chance);
  const agenda = createAgenda();
  const year: Year = { workspaceId, rows, chance, agenda, ground, startsAt, until: now, atTheEnd: [] };
  const affiliates = castAffiliates(year, of.secrets);
  const books = openBooks(year);
  const consequences = followPayments(year, books);
  const runs = followPayoutRuns(year, books, affiliates);
  followClicks(year, affiliates, consequences);
  agenda.runUntil(now);
  for (const store of year.atTheEnd) store();
  await rows.load(tx);
  await sealPlans(tx, runs);
  const testKey = await openDoors(tx, of, ground, affiliates);
  return {
    affiliates: affiliates.length,
    programs: ground.programs.length,
    clicks: rows.count('clicks'),
    referrals: rows.count('referrals'),
    sales: rows.count('sales'),
    commissions: rows.count('commissions'),
    payouts: rows.count('payouts'),
    testKey,
  };
}

/** The hash of a plan is Postgres's own, over the rows as they stand. */
async function sealPlans(tx: Tx, runs: readonly PastRun[]): Promise<void> {
  for (const { id } of runs) {
    const { hash } = await readPlanHash(tx, { runId: id, planVersion: 1 });
    await tx('payout_runs').where({ id }).update({ plan_hash: hash });
  }
}

/** What a newcomer needs: Ana's way into the portal, the demo shop's key, keys that are about to end, and the mark that this is demo data. */
async function openDoors(
  tx: Tx,
  of: {
    readonly workspaceId: WorkspaceId;
    readonly seed: number;
    readonly now: Instant;
    readonly secrets: Secrets;
    readonly newId: NewId;
  },
  ground: Ground,
  affiliates: readonly DemoAffiliate[],
): Promise<string> {
  const { workspaceId, now, newId, secrets } = of;
  const developer = ground.staff.developer;
  const act: Act = {
    workspaceId,
    mode: 'live',
    now,
    actor: developer,
    cause: null,
    reasonCode: null,
    origin: null,
    requestId: null,
    newId,
  };
  for (const affiliate of affiliates.slice(0, 3))
    await insertUser(
      tx,
      { ...act, actor: system },
      {
        id: newId('user'),
        loginId: await ensureLogin(tx, newId, affiliate.email),
        audience: 'affiliate',
        name: affiliate.name,
        email: affiliate.email,
        roleIds: [],
        rights: ['view', 'manage'],
        affiliateId: affiliate.id,
        status: 'active',
      },
    );
  const createdBy = developer.userId;
  if (createdBy === null) throw new InvariantError('the demo staff are persons');
  const addKey = async (
    name: string,
    permissions: readonly string[],
    roleId: string | null,
    expiresOn: Instant | null,
    mode: Mode = 'live',
  ) => {
    const secret = newApiKey('sk', mode);
    await insertApiKey(tx, act, {
      id: newId('apiKey'),
      name,
      kind: 'secret',
      mode,
      tokenHash: hashToken(secret),
      hint: secret.slice(-4),
      publicKey: null,
      signingSecret: null,
      permissions,
      roleId,
      affiliateId: null,
      createdBy,
      expiresOn: expiresOn === null ? null : dateIn('UTC', expiresOn),
      // The shop's page holds it: it works from this machine only, and only for what a shop reports.
      ipRestricted: roleId === null,
      ipAllowList: roleId === null ? ['127.0.0.0/8', '::1/128'] : [],
    });
    return secret;
  };
  const shopKey = await addKey('Demo shop', ['lead.write', 'lead.read', 'sale.write', 'sale.read'], null, null);
  const testKey = await addKey('First test key', [], 'developer', null, 'test');
  await addKey('Warehouse export (ends soon)', [], 'auditor', addDays(now, 5));
  await makePromoTools(tx, act, ground.programs);
  await makeCustomerAccounts(tx, act, system);
  await makeDocuments(tx, act, affiliates);
  const workspace = await getWorkspace(tx);
  // The browser's bar and the shop's page ask for it; audited with all the rest below.
  await tx('workspaces').update({ features: JSON.stringify({ ...workspace.features, demoData: true }) });
  await tx('demo_data').insert({
    seed: of.seed,
    anchored_on: dateIn('UTC', now),
    shop_key: secrets.seal(demoShopKeyPurpose, shopKey),
    created_at: now,
  });
  // Also the entry by which the audit chain finds this transaction: everything else in it lies in the past.
  await recordAudit(
    tx,
    { ...act, actor: system },
    {
      objectType: 'workspace',
      objectId: workspaceId,
      seq: await nextWorkspaceVersion(tx, now),
      event: 'demo_data_loaded',
      changes: { seed: of.seed },
    },
  );
  return testKey;
}
