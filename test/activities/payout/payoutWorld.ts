import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createManualGateway } from '../../../activities/gateways/manual.js';
import type { PayoutGateway } from '../../../activities/gateways/payoutGateway.js';
import { createSandboxGateway, type SandboxOptions } from '../../../activities/gateways/sandbox.js';
import { openGatewayAccess, openMethodDetails, type PayoutDeps } from '../../../activities/payout/deps.js';
import { payoutAttemptActivities } from '../../../activities/payout/payoutAttempt.js';
import { payoutDecisionActivities } from '../../../activities/payout/payoutDecision.js';
import { statementActivities } from '../../../activities/payout/statement.js';
import { payoutRunActivities } from '../../../activities/payout/payoutRun.js';
import { startRun } from '../../../activities/payout/payout.js';
import { createWorkspace } from '../../../db/access/workspace.js';
import { insertUser } from '../../../db/access/user.js';
import { ensureLogin } from '../../../db/access/workspace.js';
import { recordAudit } from '../../../db/audit/audit.js';
import { insertDecision } from '../../../db/audit/decision.js';
import { connect, type Db } from '../../../db/connection.js';
import { listBalances, lockBalances, postTransfers } from '../../../db/earning/ledger.js';
import { inWorkspace, type Tx } from '../../../db/transaction.js';
import type { PresetId } from '../../../domain/access/permission.js';
import type { Act, Actor, Mode } from '../../../domain/act.js';
import { account, affiliateAccounts, creditAffiliate, debitAffiliate } from '../../../domain/earning/ledger.js';
import type { AffiliateId, CommissionId, PayoutId, PayoutRunId, WorkspaceId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import { everybody, type RunFilter } from '../../../domain/payout/payoutRun.js';
import type { Instant } from '../../../domain/time.js';
import { clockNow } from '../../../platform/clock.js';
import { createContentStore } from '../../../platform/contentStore.js';
import { createJournal, type Journal } from '../../../platform/journal.js';
import { createLogger } from '../../../platform/logger.js';
import { newId } from '../../../platform/newId.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { workflowIds } from '../../../workflows/contract.js';

export const usd = 'USD' as CurrencyCode;

export interface PayoutWorld {
  readonly db: Db;
  readonly database: TestDatabase;
  readonly workspaceId: WorkspaceId;
  readonly owner: string;
  readonly deps: PayoutDeps;
  readonly journal: Journal;
  readonly activities: PayoutActivities;
  /** Runs an activity where `Context.current()` works. */
  run<A extends unknown[], R>(activity: (...input: A) => Promise<R>, ...input: A): Promise<R>;
  write<T>(work: (tx: Tx, act: Act) => Promise<T>, change?: Partial<Act>): Promise<T>;
  makePerson(name: string, roles: readonly PresetId[]): Promise<string>;
  makeAffiliate(
    name: string,
    options?: { readonly status?: string; readonly minimum?: string | null },
  ): Promise<AffiliateId>;
  makeMethod(
    affiliateId: AffiliateId,
    options?: {
      readonly account?: string;
      readonly type?: string;
      readonly status?: string;
      readonly currency?: string;
      readonly activeAt?: Instant;
    },
  ): Promise<string>;
  /** An approved line with its posting, as accrual and approval leave it; negative: a clawback. */
  earn(
    affiliateId: AffiliateId,
    minor: bigint,
    options?: {
      readonly kind?: string;
      readonly onHold?: boolean;
      readonly status?: 'approved' | 'pending';
      readonly mode?: Mode;
      readonly currency?: string;
      readonly approvedAt?: Instant;
      readonly eligibleAt?: Instant;
    },
  ): Promise<CommissionId>;
  fund(minor: bigint): Promise<void>;
  startRun(options?: {
    readonly filter?: Partial<RunFilter>;
    readonly excluded?: readonly string[];
    readonly payAt?: Instant;
    readonly by?: string;
    readonly mode?: Mode;
    readonly cutOffAt?: Instant;
  }): Promise<PayoutRunId>;
  /** A decision's row, as the API writes it. */
  wish(of: {
    readonly type: 'payout' | 'payout_run';
    readonly id: string;
    readonly verb: string;
    readonly by: string;
    readonly params?: Record<string, unknown>;
    readonly steppedUp?: boolean;
  }): Promise<{ readonly kind: 'decision'; readonly id: string }>;
  outcome(decisionId: string): Promise<{
    readonly state: string;
    readonly code: string | null;
    readonly outcome: Record<string, unknown> | null;
  }>;
  /** Net balance of an account, credit positive for credit accounts: cents. */
  balances(mode?: Mode): Promise<Readonly<Record<string, bigint>>>;
  row(table: string, id: string): Promise<Record<string, unknown>>;
  rows(table: string, where: Record<string, unknown>): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** None of them uses `this`: they may be handed around. */
type Bound<T> = {
  readonly [K in keyof T]: T[K] extends (input: infer I) => infer R ? (this: void, input: I) => R : never;
};

export type PayoutActivities = Bound<ReturnType<typeof activitiesOf>>;

/** The activities of payouts over any database, as a worker of it would have them. */
export function payoutActivities(deps: PayoutDeps): PayoutActivities {
  return activitiesOf(deps);
}

function activitiesOf(deps: PayoutDeps) {
  return {
    ...payoutRunActivities(deps),
    ...payoutAttemptActivities(deps),
    ...payoutDecisionActivities(deps),
    ...statementActivities(deps),
  };
}

/** A workspace with what payouts need, on real Postgres, with the simulated gateway's journal in a folder of its own. */
export async function createPayoutWorld(
  options: {
    readonly sandbox?: Partial<SandboxOptions>;
    readonly gateways?: readonly PayoutGateway[];
    readonly planPageSize?: number;
    readonly poolSize?: number;
    readonly now?: () => Instant;
    /** Unless said otherwise credentials are stored as they are. */
    readonly openGatewayAccess?: PayoutDeps['openGatewayAccess'];
    /** Another world's database, which it closes itself. */
    readonly database?: TestDatabase;
  } = {},
): Promise<PayoutWorld> {
  const database = options.database ?? (await createTestDatabase());
  const folder = await mkdtemp(path.join(tmpdir(), 'tributary-payout-'));
  const connection = {
    url: database.appUrl,
    applicationName: 'test',
    ...(options.now === undefined ? {} : { now: options.now }),
  };
  const db = connect({ ...connection, poolSize: options.poolSize ?? 4 });
  const longDb = connect({ ...connection, poolSize: 2, statementTimeoutMs: 600_000 });
  const journal = createJournal(path.join(folder, 'sandbox.journal'));
  const gateways = options.gateways ?? [
    createSandboxGateway({
      journal,
      now: clockNow,
      times: { ok: 200, slow: 2_500, bounce: 1_500 },
      ...options.sandbox,
    }),
    createManualGateway(),
  ];
  const deps: PayoutDeps = {
    db,
    longDb,
    newId,
    logger: createLogger({ logLevel: 'fatal' }),
    payoutGateways: new Map(gateways.map((gateway) => [gateway.adapter, gateway])),
    gatewayPolicy: { sandboxPaysLive: true },
    // What is sealed here is not sealed: the sealing itself is tested where it lives.
    openMethodDetails: (sealed) => openMethodDetails(sealed, { unseal: (_purpose, text) => text }),
    openGatewayAccess:
      options.openGatewayAccess ?? ((sealed) => openGatewayAccess(sealed, { unseal: (_purpose, text) => text })),
    answers: createContentStore(path.join(folder, 'answers')),
    ...(options.planPageSize === undefined ? {} : { planPageSize: options.planPageSize }),
  };
  const made = await createWorkspace(db, newId, {
    name: 'Shop',
    owner: { name: 'Ana', email: `ana.${newId('user')}@shop.example` },
    isFirst: false,
    ownerStatus: 'active',
  });
  const { workspaceId } = made;
  const programId = newId('program');
  const activities = activitiesOf(deps);
  const environment = new MockActivityEnvironment();

  const write: PayoutWorld['write'] = (work, change = {}) =>
    inWorkspace(db, workspaceId, (tx, now) =>
      work(tx, {
        workspaceId,
        mode: 'live',
        now,
        actor: { type: 'user', id: made.owner.id, userId: made.owner.id },
        cause: null,
        reasonCode: null,
        origin: null,
        requestId: null,
        newId,
        ...change,
      }),
    );

  await write(async (tx) => {
    await tx('programs').insert({
      id: programId,
      name: 'Spring',
      slug: newId('program'),
      status: 'active',
      currency: 'USD',
    });
    // A threshold of 10.00, as in the worked example of money.md 6.
    const settings = await tx('settings').first<{ sections: Record<string, object> }>('sections');
    await tx('settings').update({
      sections: JSON.stringify({
        ...settings.sections,
        payouts: { ...settings.sections['payouts'], minimumPayout: [{ amount: '10.00', currency: 'USD' }] },
      }),
    });
  });

  return {
    db,
    database,
    workspaceId,
    owner: made.owner.id,
    deps,
    journal,
    activities,
    run: (activity, ...input) => environment.run(activity, ...input) as never,
    write,
    makePerson: (name, roleIds) =>
      write(async (tx, act) => {
        const email = `${newId('user')}@shop.example`;
        const loginId = await ensureLogin(tx, newId, email);
        const user = await insertUser(tx, act, {
          id: act.newId('user'),
          loginId,
          audience: 'staff',
          name,
          email,
          roleIds: [...roleIds],
          status: 'active',
        } as never);
        return user.id;
      }),
    makeAffiliate: (name, { status = 'approved', minimum = null } = {}) =>
      write(async (tx, act) => {
        const contactId = act.newId('contact');
        const id = act.newId('affiliate');
        await tx('contacts').insert({ id: contactId, name });
        await tx('affiliates').insert({
          id,
          contact_id: contactId,
          name,
          email: `${id}@blog.example`,
          status,
          minimum_payout: JSON.stringify(minimum === null ? [] : [{ amount: minimum, currency: 'USD' }]),
        });
        return id;
      }),
    makeMethod: (
      affiliateId,
      { account: to = 'ok', type = 'sandbox', status = 'active', currency = 'USD', activeAt } = {},
    ) =>
      write(async (tx, act) => {
        const id = act.newId('payoutMethod');
        await tx('payout_methods').insert({
          id,
          affiliate_id: affiliateId,
          type,
          currency,
          details: JSON.stringify({ sealed: JSON.stringify({ account: to }) }),
          masked: to,
          fingerprint: `${affiliateId}/${id}`,
          status,
          verified_at: status === 'active' ? '2026-01-01T00:00:00.000Z' : null,
          active_at: activeAt ?? null,
          created_at: '2026-01-01T00:00:00.000Z',
        });
        await recordAudit(tx, act, { objectType: 'payout_method', objectId: id, seq: 1, event: 'created', to: status });
        return id;
      }),
    earn: (
      affiliateId,
      minor,
      { kind, onHold = false, status = 'approved', mode = 'live', currency = 'USD', approvedAt, eligibleAt } = {},
    ) =>
      write(
        async (tx, act) => {
          const id = act.newId('commission');
          const cause = act.newId('sale');
          await tx('commissions').insert({
            id,
            mode,
            kind: kind ?? (minor < 0n ? 'clawback' : 'earned'),
            affiliate_id: affiliateId,
            program_id: programId,
            cause_type: 'commission',
            cause_id: cause,
            currency,
            exact_numerator: minor.toString(),
            exact_denominator: '1',
            amount_minor: minor,
            status,
            on_hold: onHold,
            eligible_at: eligibleAt ?? act.now,
            approved_at: status === 'approved' ? (approvedAt ?? act.now) : null,
          });
          const { payable, receivable } = affiliateAccounts(affiliateId);
          const amount = { minor: minor < 0n ? -minor : minor, currency: currency as CurrencyCode };
          const balanceOf = await lockBalances(tx, act, amount.currency, [payable, receivable]);
          const balance = { payable: balanceOf(payable), receivable: balanceOf(receivable) };
          const expense = account('commission_expense', programId);
          const postings =
            status === 'pending'
              ? [{ debit: expense, credit: account('commission_pending', affiliateId), amount }]
              : (minor < 0n
                  ? debitAffiliate(affiliateId, balance, expense, amount)
                  : creditAffiliate(affiliateId, balance, expense, amount)
                ).postings;
          await postTransfers(tx, act, [
            {
              kind: minor < 0n ? 'commission.clawed_back' : 'commission.accrued',
              key: `test/${id}`,
              cause: { type: 'commission', id },
              correctsKey: null,
              effectiveAt: null,
              postings,
            },
          ]);
          return id;
        },
        { mode },
      ),
    fund: async (minor) => {
      const { fundGateway } = await import('../../../activities/payout/gateway.js');
      await write((tx, act) =>
        fundGateway(tx, act, { gateway: 'sandbox', currency: usd, minor, reference: newId('funding') }),
      );
    },
    startRun: (of = {}) =>
      write(
        async (tx, act) => {
          const { run } = await startRun(tx, act, {
            period: null,
            currencies: [],
            filter: { ...everybody, ...of.filter },
            excludedAffiliateIds: of.excluded ?? [],
            cutOffAt: of.cutOffAt ?? act.now,
            payAt: of.payAt ?? null,
            note: null,
          });
          return run.id;
        },
        {
          ...(of.mode === undefined ? {} : { mode: of.mode }),
          ...(of.by === undefined ? {} : { actor: { type: 'user', id: of.by, userId: of.by } satisfies Actor }),
        },
      ),
    wish: (of) =>
      write(
        async (tx, act) => {
          const id = act.newId('decision');
          const workflowId =
            of.type === 'payout'
              ? workflowIds.payout({ workspaceId, payoutId: of.id as PayoutId })
              : workflowIds.payoutRun({ workspaceId, payoutRunId: of.id as PayoutRunId });
          await insertDecision(tx, act, {
            id,
            verb: of.verb,
            objectType: of.type,
            objectId: of.id,
            workflowId,
            reasonCode: 'staff_decision',
            note: null,
            publicReason: null,
            params: of.params ?? {},
            via: 'api',
            callerKey: null,
            requestHash: null,
            steppedUp: of.steppedUp ?? false,
            operationId: null,
          });
          return { kind: 'decision' as const, id };
        },
        { actor: { type: 'user', id: of.by, userId: of.by } },
      ),
    outcome: (id) => write((tx) => tx('decisions').where({ id }).first('state', 'code', 'outcome')) as Promise<never>,
    balances: async (mode = 'live') => {
      const rows = await write((tx) => listBalances(tx, { mode, currency: usd }));
      const totals: Record<string, bigint> = {};
      for (const row of rows) {
        const isDebit = ['commission_expense', 'cash', 'payout_fee_expense', 'affiliate_receivable'].includes(row.kind);
        const value = isDebit ? row.netDebit : -row.netDebit;
        for (const name of [row.kind, `${row.kind}:${row.ownerId}`]) totals[name] = (totals[name] ?? 0n) + value;
      }
      return totals;
    },
    row: (table, id) => write((tx) => tx(table).where({ id }).first()) as Promise<Record<string, unknown>>,
    rows: (table, where) => write((tx) => tx(table).where(where).select('*')) as Promise<Record<string, unknown>[]>,
    close: async () => {
      await db.destroy();
      await longDb.destroy();
      if (options.database === undefined) await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
