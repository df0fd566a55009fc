import { Client, Connection } from '@temporalio/client';
import knexFactory, { type Knex } from 'knex';
import pg from 'pg';
import { insertDecision } from '../db/audit/decision.js';
import { connect, connectEdge, type Db, type EdgeDb } from '../db/connection.js';
import { lockCommissionsOfReferral, updateCommission } from '../db/earning/commission.js';
import { enqueue } from '../db/messaging/outbox.js';
import { insertRule } from '../db/program/commissionPlan.js';
import { type NewClick, recordClicks } from '../db/tracking/click.js';
import { inWorkspace, notify, type Tx } from '../db/transaction.js';
import { type Act, actFor, systemActor } from '../domain/act.js';
import type {
  AffiliateId,
  ClickId,
  ContactId,
  LinkId,
  ProductId,
  ProgramId,
  ReferralId,
  UserId,
  WorkspaceId,
} from '../domain/ids.js';
import { ppm } from '../domain/money.js';
import { addMs } from '../domain/time.js';
import { newId } from '../platform/newId.js';
import { eventually } from '../test/support/eventually.js';
import type { LiveStack } from '../test/support/liveStack.js';
import { insertRow } from '../test/support/rows.js';
import { signalMessage, signalReferral, workflowIds } from '../workflows/contract.js';

/** A prospect under way: its click, and what came of it. */
export interface Journey {
  readonly referralId: ReferralId;
  readonly contactId: ContactId;
}

/** One program with a 20 % rule on a live stack, and the facts of its prospects written as the API writes them: row and outbox row. */
export interface Journeys {
  readonly workspaceId: WorkspaceId;
  /** An owner of the workspace. */
  readonly userId: UserId;
  readonly owner: Knex;
  readonly client: Client;
  readonly slug: string;
  /** Clicks of so many new visitors, and the referrals the worker's click step made of them, their workflows started. */
  click(count: number, windowSeconds?: number): Promise<readonly Journey[]>;
  lead(journeys: readonly Journey[]): Promise<void>;
  sale(journeys: readonly Journey[]): Promise<void>;
  approve(journeys: readonly Journey[]): Promise<void>;
  /** Payable commissions are marked as paid and the workflows told, as a settled payout does. */
  payOut(journeys: readonly Journey[]): Promise<void>;
  /** Until all referrals stand in this status. */
  become(journeys: readonly Journey[], status: string): Promise<void>;
  /** Until each has a commission in this status. */
  earn(journeys: readonly Journey[], status: string): Promise<void>;
  workflowId(journey: Journey): string;
  /** Until a count is what was wanted. `name` stands for the text. */
  until(name: string, text: string, values: readonly unknown[], wanted: number): Promise<void>;
  close(): Promise<void>;
}

const patience = { within: 300_000, every: 10 };
const atOnce = 16;
const day = 86_400;
/**
 * A program has many affiliates. With one for all journeys their postings waited for its one balance, 14 to 25 ms each, while the cores stood
 * idle; nothing of the bare workflow waits like that.
 */
const affiliateCount = 25;

export async function createJourneys(stack: LiveStack): Promise<Journeys> {
  const owner = knexFactory({ client: 'pg', connection: stack.ownerUrl, pool: { min: 0, max: 4 } });
  const watch = new pg.Client({ connectionString: stack.ownerUrl });
  await watch.connect();
  const options = { url: stack.appUrl, poolSize: atOnce, applicationName: 'bench' };
  const db: Db = connect(options);
  const edgeDb: EdgeDb = connectEdge({ ...options, poolSize: 1 });
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const client = new Client({ connection, namespace: stack.namespace });
  const made = await makeProgram(owner, db);
  const { workspaceId, programId, productId, links, slug, userId } = made;

  const inTx = <T>(work: (tx: Tx, act: Act) => Promise<T>): Promise<T> =>
    inWorkspace(db, workspaceId, (tx, now) => work(tx, actAt(workspaceId, now)));
  const workflowId = ({ referralId }: Journey): string => workflowIds.referral({ workspaceId, referralId });
  const ref = ({ referralId }: Journey) => ({ workspaceId, referralId });
  /** A transaction per prospect, some at once, as requests would come. */
  const tellEach = async (
    journeys: readonly Journey[],
    work: (tx: Tx, act: Act, journey: Journey) => Promise<unknown>,
  ): Promise<void> => {
    for (let from = 0; from < journeys.length; from += atOnce) {
      await Promise.all(
        journeys.slice(from, from + atOnce).map((journey) => inTx((tx, act) => work(tx, act, journey))),
      );
      await notify(db, 'outbox', '');
    }
  };
  /** Looks every 10 ms, so a look has to be cheap, or it would be a part of what is measured: one prepared count by the primary key. */
  const until = async (name: string, text: string, values: readonly unknown[], wanted: number): Promise<void> => {
    await eventually(async () => {
      const { rows } = await watch.query<{ count: number }>({ name, text, values: [...values] });
      return rows[0]?.count === wanted;
    }, patience);
  };
  /**
   * Until all ids are counted: `$1`, with the rest behind it. The last one first: they are worked off about in their order, so nearly every
   * look is at one row. Looks at all 150 took some 2 % of the CPU that the workflow bench measures.
   */
  const untilAll = async (name: string, text: string, ids: readonly string[], ...rest: readonly unknown[]) => {
    for (const some of [ids.slice(-1), ids]) await until(name, text, [some, ...rest], some.length);
  };
  const idsOf = (journeys: readonly Journey[]) => journeys.map((journey) => journey.referralId);

  return {
    workspaceId,
    userId,
    owner,
    client,
    slug,
    workflowId,
    until,
    async click(count, windowSeconds = 30 * day) {
      const clicks = Array.from({ length: count }, (_, index): NewClick => {
        const id: ClickId = newId('click');
        const link = links[index % links.length];
        if (link === undefined) throw new Error('a program without links');
        return { ...blankClick, ...link, id, workspaceId, programId, windowSeconds };
      });
      await recordClicks(edgeDb, clicks);
      const ids = clicks.map((click) => click.id);
      await untilAll('click', 'select count(*)::int from clicks where id = any ($1) and referral_id is not null', ids);
      const found = await owner('clicks').whereIn('id', ids).select<{ referral_id: ReferralId }[]>('referral_id');
      await until(
        'start',
        `select count(*)::int from outbox where workspace_id = $1 and topic = 'start' and sent_at is null`,
        [workspaceId],
        0,
      );
      return found.map((row): Journey => ({ referralId: row.referral_id, contactId: newId('contact') }));
    },
    lead: (journeys) =>
      tellEach(journeys, async (tx, act, journey) => {
        const leadId = newId('lead');
        const email = `${journey.contactId}@buyer.example`;
        await tx('contacts').insert({ id: journey.contactId, name: 'Jo', email, email_key: email });
        await tx('leads').insert({
          id: leadId,
          mode: 'live',
          source: 'bench',
          external_id: leadId,
          content_hash: Buffer.alloc(32),
          event: 'registration',
          channel: 'api',
          verdict: 'received',
          contact_id: journey.contactId,
          program_id: programId,
          referral_id: journey.referralId,
          occurred_at: act.now,
          created_at: act.now,
        });
        await enqueue(tx, signalReferral(ref(journey), 'leadReported', { leadId }));
      }),
    sale: (journeys) =>
      tellEach(journeys, async (tx, act, journey) => {
        const saleId = newId('sale');
        await tx('sales').insert({
          id: saleId,
          mode: 'live',
          source: 'bench',
          external_id: saleId,
          content_hash: Buffer.alloc(32),
          type: 'payment',
          status: 'succeeded',
          channel: 'api',
          currency: 'USD',
          captured_minor: 5_000n,
          lines: JSON.stringify([
            {
              productId,
              product: null,
              quantity: 1,
              amountMinor: '5000',
              taxMinor: '0',
              feesMinor: '0',
              shippingMinor: '0',
              depositMinor: '0',
              code: null,
            },
          ]),
          contact_id: journey.contactId,
          program_id: programId,
          referral_id: journey.referralId,
          occurred_at: act.now,
          created_at: act.now,
        });
        await enqueue(tx, signalReferral(ref(journey), 'saleReported', { saleId }));
      }),
    approve: (journeys) =>
      tellEach(journeys, async (tx, act, journey) => {
        const id = newId('decision');
        await insertDecision(tx, actFor(act, { actor: { type: 'user', id: userId, userId } }), {
          id,
          verb: 'approve',
          objectType: 'referrals',
          objectId: journey.referralId,
          workflowId: workflowId(journey),
          reasonCode: 'staff_decision',
          note: null,
          publicReason: null,
          params: {},
          via: 'api',
          callerKey: null,
          requestHash: null,
          steppedUp: false,
          operationId: null,
        });
        await enqueue(
          tx,
          signalMessage(
            {
              workflowType: 'referral',
              workflowId: workflowId(journey),
              input: ref(journey),
              signal: 'approve',
              argument: { decisionId: id },
            },
            2,
          ),
        );
      }),
    payOut: (journeys) =>
      tellEach(journeys, async (tx, act, journey) => {
        for (const line of await lockCommissionsOfReferral(tx, journey.referralId))
          if (line.status === 'approved')
            await updateCommission(tx, act, line, { status: 'paid', paidAt: act.now }, 'paid');
        await enqueue(tx, signalReferral(ref(journey), 'payoutSettled', { payoutId: newId('payout') }));
      }),
    become: (journeys, status) =>
      untilAll(
        'become',
        'select count(*)::int from referrals where workspace_id = $2 and id = any ($1) and status = $3',
        idsOf(journeys),
        workspaceId,
        status,
      ),
    earn: (journeys, status) =>
      untilAll(
        'earn',
        'select count(*)::int from commissions where workspace_id = $2 and referral_id = any ($1) and status = $3',
        idsOf(journeys),
        workspaceId,
        status,
      ),
    async close() {
      await watch.end();
      await connection.close();
      await edgeDb.end();
      await db.destroy();
      await owner.destroy();
    },
  };
}

const blankClick = {
  mode: 'live',
  previousClickId: null,
  credit: 'credited',
  creditCode: null,
  isSuspect: false,
  subs: null,
  query: null,
  referrer: null,
  addressHash: null,
  userAgent: null,
} as const;

function actAt(workspaceId: WorkspaceId, now: Act['now']): Act {
  return {
    workspaceId,
    mode: 'live',
    now,
    actor: systemActor,
    cause: null,
    reasonCode: null,
    origin: null,
    requestId: null,
    newId,
  };
}

/** As the set-up routes would leave it. */
async function makeProgram(owner: Knex, db: Db) {
  const workspaceId: WorkspaceId = newId('workspace');
  const programId: ProgramId = newId('program');
  const productId: ProductId = newId('product');
  const links = Array.from({ length: affiliateCount }, () => ({
    affiliateId: newId('affiliate') as AffiliateId,
    linkId: newId('link') as LinkId,
  }));
  const userId: UserId = newId('user');
  const loginId = newId('login');
  const inIt = { workspace_id: workspaceId };
  await owner('workspaces').insert({ id: workspaceId, name: 'Bench' });
  await owner('settings').insert({ ...inIt, version: 1, sections: '{}' });
  await owner('audit_heads').insert({ ...inIt, sequence: 0, leaf_hash: Buffer.alloc(32) });
  await owner('programs').insert({
    ...inIt,
    id: programId,
    name: 'Spring',
    slug: programId.slice(4),
    status: 'active',
    currency: 'USD',
    fallback_url: 'https://shop.example/',
    destination_hosts: ['shop.example'],
    own_terms: JSON.stringify({ commissionHold: 'PT0S' }),
  });
  await insertRow(owner, 'products', { ...inIt, id: productId, name: 'Starter' });
  await insertRow(owner, 'program_products', { ...inIt, program_id: programId, product_id: productId });
  for (const [index, { affiliateId, linkId }] of links.entries()) {
    const contactId = newId('contact');
    const email = `ada.${index}@b.example`;
    await owner('contacts').insert({ ...inIt, id: contactId, name: 'Ada', email, email_key: email });
    await owner('affiliates').insert({
      ...inIt,
      id: affiliateId,
      contact_id: contactId,
      name: `Ada ${index}`,
      email,
      status: 'approved',
    });
    await owner('enrolments').insert({
      ...inIt,
      id: newId('enrolment'),
      affiliate_id: affiliateId,
      program_id: programId,
      status: 'active',
      joined_at: new Date(),
    });
    await owner('links').insert({
      ...inIt,
      id: linkId,
      affiliate_id: affiliateId,
      program_id: programId,
      slug: linkId.slice(4),
      destination_url: 'https://shop.example/pricing',
      status: 'active',
    });
  }
  await insertRow(owner, 'logins', { id: loginId, email: `${loginId}@shop.example` });
  await insertRow(owner, 'users', {
    ...inIt,
    id: userId,
    login_id: loginId,
    audience: 'staff',
    name: 'Ana',
    email: 'ana@shop.example',
    role_ids: ['owner'],
    status: 'active',
  });
  await inWorkspace(db, workspaceId, (tx, now) =>
    insertRule(tx, actAt(workspaceId, now), {
      id: newId('rule'),
      name: '20 %',
      scope: 'program',
      programId,
      productId: null,
      groupId: null,
      affiliateId: null,
      event: 'payment',
      transactionType: null,
      terms: {
        base: 'gross',
        minimumBase: null,
        flatOnPartialRefund: 'proportional',
        levels: [{ level: 1, kind: 'percent', rate: ppm(200_000), of: 'base' }],
        bands: null,
        limits: { maxPayments: null, maxMonths: null },
        cap: null,
        appliesTo: 'all',
      },
      effectiveFrom: addMs(now, -3_600_000),
    }),
  );
  return { workspaceId, programId, productId, links, slug: links[0]?.linkId.slice(4) ?? '', userId };
}
