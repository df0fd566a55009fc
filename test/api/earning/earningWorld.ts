import { MockActivityEnvironment } from '@temporalio/testing';
import knexFactory, { type Knex } from 'knex';
import { commissionActivities } from '../../../activities/earning/commission.js';
import { referralActivities } from '../../../activities/earning/lifecycle.js';
import { leadActivities } from '../../../activities/tracking/lead.js';
import { checkBooks, type CheckResult } from '../../../db/reads/earning/bookChecks.js';
import { type PostingPairs, transferKinds } from '../../../domain/earning/ledger.js';
import type { ReferralId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import type { Fact, Step } from '../../../workflows/contract.js';
import { makeAffiliate, makeProgram } from '../program/support.js';
import { type Json, startTestApi, type TestAnswer, type TestApi, type TestWorkspace } from '../support.js';

/** The API over real Postgres, and the referral's activities run by hand in the order a workflow would: no Temporal server is needed. */
export interface EarningWorld {
  readonly api: TestApi;
  readonly ws: TestWorkspace;
  readonly owner: Knex;
  program(body?: Readonly<Record<string, unknown>>): Promise<string>;
  affiliate(programId: string, body?: Readonly<Record<string, unknown>>): Promise<string>;
  rule(body: Readonly<Record<string, unknown>>): Promise<TestAnswer>;
  /** A credited click on the affiliate's link, as the redirect leaves it. */
  click(of: { readonly programId: string; readonly affiliateId: string; readonly sub1?: string }): Promise<string>;
  as(path: string, body?: unknown, method?: string): Promise<TestAnswer>;
  /** Does what the workflows would: every stored fact and decision, until nothing is left. */
  settle(): Promise<void>;
  /** The same beside a request that waits for its decision. */
  settled(request: Promise<TestAnswer>): Promise<TestAnswer>;
  sale(body: Readonly<Record<string, unknown>>): Promise<Json>;
  commissions(query: string): Promise<readonly Json[]>;
  /** Kind → net balance as text, debit positive, over all owners. */
  trial(currency?: string): Promise<Readonly<Record<string, string>>>;
  /** The invariants that are broken; the audit chain is not running here. */
  broken(): Promise<readonly CheckResult[]>;
  close(): Promise<void>;
}

export async function createEarningWorld(options: Parameters<typeof startTestApi>[0] = {}): Promise<EarningWorld> {
  const api = await startTestApi(options);
  const ws = await api.makeWorkspace();
  const owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 0, max: 2 } });
  const deps = { db: api.db, newId, publicUrl: 'http://localhost:3000' };
  const environment = new MockActivityEnvironment();
  const activities = { ...commissionActivities(deps), ...referralActivities(deps), ...leadActivities(deps) };

  const apply = (ref: { workspaceId: TestWorkspace['id']; referralId: ReferralId }, fact: Fact): Promise<Step> => {
    const input = { ...ref, fact };
    switch (fact.kind) {
      case 'lead':
        return environment.run(activities.applyLead, input);
      case 'sale':
        return environment.run(activities.accrueCommissions, input);
      case 'refund':
        return environment.run(activities.reverseCommissions, input);
      case 'dispute':
        return environment.run(activities.applyDispute, input);
      case 'decision':
        return environment.run(activities.decideReferral, input);
      case 'check':
      case 'payout':
      case 'merge':
      case 'gatewayEvent':
        return environment.run(activities.resumeReferral, ref);
      default:
        return fact.kind satisfies never;
    }
  };

  /** Resumes referrals one by one until they have nothing left: a fact can open the way for another one. Whether one of them had any. */
  const resumeAll = async (ids: readonly ReferralId[]): Promise<boolean> => {
    let isBusy = false;
    for (const referralId of ids) {
      const ref = { workspaceId: ws.id, referralId };
      const resume = (): Promise<Step> => environment.run(activities.resumeReferral, ref);
      for (let step = await resume(); step.facts.length > 0; step = await resume()) {
        for (const fact of step.facts) await apply(ref, fact);
        isBusy = true;
      }
    }
    return isBusy;
  };

  let lastMessage = '0';
  /** Does what the messages written since the last call ask for, until there are no more. Whether there was anything to do. */
  const takeMessages = async (): Promise<boolean> => {
    for (let isBusy = false; ; ) {
      const messages: readonly { id: string; told: string }[] = await owner('outbox')
        .where({ workspace_id: ws.id, lane: 'workflow' })
        .andWhere('id', '>', lastMessage)
        .orderBy('id')
        .select('id', owner.raw("coalesce(ordering_key, '') || payload::text as told"));
      if (messages.length === 0) return isBusy;
      lastMessage = messages.at(-1)?.id ?? lastMessage;
      const told = messages.flatMap((one) => one.told.match(/\bref_[0-9a-z]{26}\b/g) ?? []);
      if (await resumeAll([...new Set(told)] as ReferralId[])) isBusy = true;
    }
  };

  // A walk over all referrals costs three calls for each of them, in a long file most of its time: only where no message told of anything,
  // because a test moved a date or wrote a row by hand.
  const settle = async (): Promise<void> => {
    if (await takeMessages()) return;
    for (let isBusy = true; isBusy; ) {
      const all: readonly { id: ReferralId }[] = await owner('referrals').where({ workspace_id: ws.id }).select('id');
      isBusy = await resumeAll(all.map((one) => one.id));
    }
  };

  const as: EarningWorld['as'] = (path, body, method) =>
    api.as(ws.key, path, { ...(body === undefined ? {} : { body }), ...(method === undefined ? {} : { method }) });

  return {
    api,
    ws,
    owner,
    as,
    settle,
    program: (body = {}) => makeProgramWithProduct(api, ws, body),
    affiliate: (programId, body = {}) => makeAffiliate(api, ws, [programId], body),
    rule: (body) => as('/v1/commission-rules', body),
    async click({ programId, affiliateId, sub1 }) {
      const id = newId('click');
      const link = await owner('links')
        .where({ workspace_id: ws.id, program_id: programId, affiliate_id: affiliateId })
        .first<{ id: string }>('id');
      await owner('clicks').insert({
        id,
        workspace_id: ws.id,
        mode: 'live',
        link_id: link.id,
        affiliate_id: affiliateId,
        program_id: programId,
        credit: 'credited',
        sub1: sub1 ?? null,
      });
      return id;
    },
    async settled(request) {
      let isDone = false;
      const done = request.finally(() => {
        isDone = true;
      });
      for (let turn = 1; !isDone; turn += 1) {
        await (turn % 50 === 0 ? settle() : takeMessages());
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return done;
    },
    async sale(body) {
      const reported = await as('/v1/sales', body);
      if (reported.status !== 202) throw new Error(reported.text);
      await settle();
      return (await as(`/v1/sales/${reported.body['id']}`)).body;
    },
    async commissions(query) {
      return (await as(`/v1/commissions?sort=createdAt&${query}`)).body['data'];
    },
    async trial(currency = 'USD') {
      const { body } = await as(`/v1/ledger-trial-balance?currency=${currency}`);
      if (body['balanced'] !== true) throw new Error(JSON.stringify(body));
      return Object.fromEntries(
        (body['rows'] as readonly Json[]).map((row) => [
          row['kind'],
          row['debit'] === null ? `-${row['credit']['amount']}` : `${row['debit']['amount']}`,
        ]),
      );
    },
    async broken() {
      const results = [...(await checkBooks(owner)), await strayPostings(owner)];
      return results.filter((result) => result.violations > 0 && result.id !== 'I14');
    },
    async close() {
      await owner.destroy();
      await api.close();
    },
  };
}

/** Who pays whom in which kind of transfer, as the books hold it. */
export async function postedPairs(
  owner: Knex,
): Promise<readonly { readonly kind: string; readonly debit: string; readonly credit: string }[]> {
  return owner('ledger_transfers as transfer')
    .join('ledger_postings as posting', 'posting.transfer_id', 'transfer.id')
    .join('ledger_accounts as debit', 'debit.id', 'posting.debit_account_id')
    .join('ledger_accounts as credit', 'credit.id', 'posting.credit_account_id')
    .distinct({ kind: 'transfer.kind', debit: 'debit.kind', credit: 'credit.kind' });
}

/** Postings that money.md 5 does not know: an event may move money only between the accounts of its row. */
async function strayPostings(owner: Knex): Promise<CheckResult> {
  const kinds: Readonly<Record<string, { readonly pairs: PostingPairs }>> = transferKinds;
  const strays = (await postedPairs(owner)).filter(
    ({ kind, debit, credit }) => kinds[kind]?.pairs.some(([from, to]) => from === debit && to === credit) !== true,
  );
  return { id: 'M5', name: 'stray_postings', violations: strays.length, sample: strays };
}

/** A published program whose one product is `starter`; its rules are the test's. */
async function makeProgramWithProduct(
  api: TestApi,
  ws: TestWorkspace,
  body: Readonly<Record<string, unknown>>,
): Promise<string> {
  // Publishing asks for a rule: one that no sale meets stands in until the test has made its own.
  const global = await api.as(ws.key, '/v1/commission-rules', {
    body: {
      scope: 'global',
      event: 'lead',
      levels: [{ level: 1, kind: 'flat', amount: { amount: '1.00', currency: 'XAF' } }],
    },
  });
  if (global.status !== 201 && global.status !== 422) throw new Error(global.text);
  return makeProgram(api, ws, { commissionHold: 'PT0S', ...body });
}
