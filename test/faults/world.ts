import { randomUUID } from 'node:crypto';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import knexFactory, { type Knex } from 'knex';
import { currentWorkflows, judgeHistory } from '../../activities/audit/history.js';
import { verifyChain } from '../../activities/audit/chain.js';
import { listHistoriesOf } from '../../db/audit/history.js';
import { connect, type Db } from '../../db/connection.js';
import { readWorkspace } from '../../db/transaction.js';
import type { WorkspaceId } from '../../domain/ids.js';
import { readSandboxJournal, type SandboxEntry, sandboxKeyWindowMs } from '../../domain/payout/sandboxJournal.js';
import { HeadKeeper, headsFolder } from '../../platform/headKeeper.js';
import { createJournal } from '../../platform/journal.js';
import { type ApiAnswer, type ApiClient, at, textAt } from '../support/apiClient.js';
import { eventually } from '../support/eventually.js';
import { LiveStack, type LiveStackOptions } from '../support/liveStack.js';
import { type People, setUp, type SetUp, signIn } from '../support/story.js';

// The live stack with clients that behave as real ones do when an answer is lost, a record of everything that was acknowledged, and the
// verdict over both (reliability.md 6.3). Without a runner's hooks, so that the campaign of bench/faults uses the same.

/** How long the whole may take to be well again after a kill, on a busy or slow machine (150 s were too few on one of 2.5 GHz beside other tests): an activity's time-out, a lease, a start. In milliseconds. */
const healingMs = 240_000;

export interface WorldOptions extends LiveStackOptions {
  /**
   * How long clients, verdict and starts wait for one thing, in milliseconds. A campaign goes on killing while they wait, so it gives them more:
   * liveness is demanded while faults are few (reliability.md 6.1).
   */
  readonly patienceMs?: number;
}

/** One affiliate with a link, and one customer of hers. */
export interface Journey {
  readonly number: number;
  readonly affiliateId: string;
  readonly slug: string;
}

/** A referral with an accepted lead. */
export interface Lead extends Journey {
  readonly referralId: string;
}

export interface Finding {
  readonly rule: string;
  readonly what: string;
}

interface Decided {
  readonly objectId: string;
  readonly verb: string;
}

const money = (amount: string) => ({ amount, currency: 'USD' });

export class World {
  readonly stack: LiveStack;
  readonly people: People;
  readonly set: SetUp;
  /** As the owner: sees everything, asks no API. */
  readonly owner: Knex;
  readonly #db: Db;
  /** What somebody was told is done: each must be there once, whatever was killed. */
  readonly acknowledged: {
    readonly clicks: string[];
    readonly leads: string[];
    readonly sales: string[];
    readonly decisions: Decided[];
    readonly runs: string[];
  } = { clicks: [], leads: [], sales: [], decisions: [], runs: [] };
  readonly #healing: { readonly within: number; readonly every: number };
  #last = 0;

  private constructor(stack: LiveStack, people: People, set: SetUp, patienceMs: number) {
    this.stack = stack;
    this.#healing = { within: patienceMs, every: 150 };
    this.people = people;
    this.set = set;
    this.owner = knexFactory({ client: 'pg', connection: stack.ownerUrl, pool: { min: 0, max: 4 } });
    this.#db = connect({ url: stack.appUrl, poolSize: 4, applicationName: 'tributary verdict' });
  }

  static async start(options: WorldOptions = {}): Promise<World> {
    Runtime.install({ logger: new DefaultLogger('WARN') }); // the verdict replays, and each replay would tell its worker's states
    const { patienceMs } = options;
    const stack = await LiveStack.start(
      patienceMs === undefined ? options : { startPatienceMs: patienceMs, ...options },
    );
    try {
      const people = await signIn(stack);
      const set = await setUp(people, { commissionApproval: 'automatic' });
      const world = new World(stack, people, set, patienceMs ?? healingMs);
      const { body } = await world.insist(people.ben, '/v1/gateways/sandbox/funding', {
        amount: money('100000.00'),
        reference: 'F-1',
      });
      textAt(body, 'id');
      return world;
    } catch (error) {
      const log = await stack.log();
      await stack.stop();
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${log}`, { cause: error });
    }
  }

  async stop(): Promise<void> {
    await this.owner.destroy();
    await this.#db.destroy();
    await this.stack.stop();
  }

  /** A number that no other customer, order or affiliate of this world has. */
  next(): number {
    this.#last += 1;
    return this.#last;
  }

  /**
   * A client that does not give up: the same request with the same Idempotency-Key until it is answered. A lost connection, a busy server
   * and a first request that is still under way are no answers.
   */
  async insist(
    client: ApiClient,
    path: string,
    body: unknown = {},
    key: string = randomUUID(),
    method = 'POST',
  ): Promise<ApiAnswer> {
    return eventually(async () => {
      const answer = await client.call(path, { method, body, headers: { 'idempotency-key': key } });
      const isUnderWay = answer.status === 409 && at(answer.body, 'code') === 'idempotency_in_progress';
      if (answer.status >= 500 || answer.status === 429 || isUnderWay)
        throw new Error(`${path} answers ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer;
    }, this.#healing);
  }

  /** The same, and it has to succeed. */
  async done(client: ApiClient, path: string, body: unknown = {}, key: string = randomUUID()): Promise<unknown> {
    const answer = await this.insist(client, path, body, key);
    if (answer.status >= 300) throw new Error(`${path} refused: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Waits in Postgres, not over HTTP: the API is what gets killed, and polls would meet its rate limit. */
  async row(
    table: string,
    where: Readonly<Record<string, unknown>>,
    holds: (row: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<Readonly<Record<string, unknown>>> {
    return eventually(async () => {
      const row = await this.owner(table).where(where).first<Record<string, unknown> | undefined>();
      if (row === undefined || !holds(row))
        throw new Error(`${table} ${JSON.stringify(where)} is ${JSON.stringify(row)?.slice(0, 1_500)}`);
      return row;
    }, this.#healing);
  }

  /** Waits until everything that has ended has its history: what only Temporal's store holds is lost with it. */
  async archived(): Promise<void> {
    await eventually(async () => {
      const { rows } = await this.owner.raw<{ rows: readonly unknown[] }>(`
        select id::text from outbox where topic = 'history.export' and sent_at is null and dead_at is null
        union all select p.id from payouts p
          where p.status = 'paid' and not exists (select from histories h where (h.workspace_id, h.object_id) = (p.workspace_id, p.id))
        union all select r.id from payout_runs r
          where r.status = 'completed' and not exists (select from histories h where (h.workspace_id, h.object_id) = (r.workspace_id, r.id))`);
      if (rows.length > 0) throw new Error(`still without history: ${JSON.stringify(rows)}`);
      return true;
    }, this.#healing);
  }

  async decide(client: ApiClient, path: string, decided: Decided, body: unknown = { reason: 'ok' }): Promise<void> {
    await this.done(client, path, body); // 200, or 202: kept, and it happens once
    this.acknowledged.decisions.push(decided);
  }

  // --- the story, in pieces

  /** An approved affiliate with a link of her own. */
  async affiliate(): Promise<Journey> {
    const { ana } = this.people;
    const number = this.next();
    const affiliateId = textAt(
      await this.done(ana, '/v1/affiliates', {
        name: `Affiliate ${number}`,
        email: `affiliate${number}@blog.example`,
        programIds: [this.set.programId],
      }),
      'id',
    );
    await this.done(ana, `/v1/affiliates/${affiliateId}/approve`, { reason: 'Known blogger' });
    const slug = `link-${number}`;
    await this.done(ana, '/v1/links', {
      affiliateId,
      programId: this.set.programId,
      slug,
      destinationUrl: 'https://shop.example/pricing',
    });
    return { number, affiliateId, slug };
  }

  /** A visitor's click: its id when he was redirected. Undefined when the server was busy or away, as it may be. */
  async click(slug: string): Promise<string | undefined> {
    let response: Response;
    try {
      response = await fetch(`${this.stack.baseUrl}/r/${slug}`, {
        redirect: 'manual',
        headers: { 'user-agent': 'Mozilla/5.0', 'sec-fetch-dest': 'document' },
      });
    } catch {
      return undefined; // no answer: nothing was promised
    }
    if (response.status !== 302) return undefined;
    const id = new URL(response.headers.get('location') ?? '').searchParams.get('click_id') ?? '';
    this.acknowledged.clicks.push(id);
    return id;
  }

  leadBody(journey: Journey, clickId: string): Readonly<Record<string, unknown>> {
    const { number } = journey;
    return {
      externalId: `lead-${number}`,
      customerExternalId: `u-${number}`,
      clickId,
      event: 'registration',
      name: 'Jo Buyer',
      email: `jo${number}@buyer.example`,
    };
  }

  saleBody(journey: Journey, order: number = journey.number): Readonly<Record<string, unknown>> {
    const { number } = journey;
    return {
      externalId: `order-${order}`,
      customer: { externalId: `u-${number}`, email: `jo${number}@buyer.example` },
      product: 'starter',
      amount: money('49.99'),
    };
  }

  async clicked(journey: Journey): Promise<string> {
    return eventually(() => this.click(journey.slug), this.#healing);
  }

  async reportLead(journey: Journey, clickId?: string): Promise<void> {
    const body = this.leadBody(journey, clickId ?? (await this.clicked(journey)));
    await this.done(this.people.ana, '/v1/leads', body);
    this.acknowledged.leads.push(`lead-${journey.number}`);
  }

  async accepted(journey: Journey): Promise<Lead> {
    const row = await this.row(
      'leads',
      { external_id: `lead-${journey.number}` },
      (found) => found['processed_at'] !== null && found['referral_id'] !== null,
    );
    return { ...journey, referralId: String(row['referral_id']) };
  }

  async lead(journey: Journey): Promise<Lead> {
    await this.reportLead(journey);
    return this.accepted(journey);
  }

  async reportSale(journey: Journey, order: number = journey.number): Promise<void> {
    await this.done(this.people.ana, '/v1/sales', this.saleBody(journey, order));
    this.acknowledged.sales.push(`order-${order}`);
  }

  async approve(lead: Lead): Promise<void> {
    await this.decide(this.people.ana, `/v1/referrals/${lead.referralId}/approve`, {
      objectId: lead.referralId,
      verb: 'approve',
    });
  }

  async method(journey: Journey, account = 'ok'): Promise<void> {
    const { ana, ben } = this.people;
    const id = textAt(
      await this.done(ana, `/v1/affiliates/${journey.affiliateId}/payout-methods`, {
        type: 'sandbox',
        currency: 'USD',
        details: { account },
      }),
      'id',
    );
    await this.done(ben, `/v1/payout-methods/${id}/verify`, { reason: 'Called her' });
  }

  /** Everything up to an approved commission of 10.00 and a confirmed method. */
  async payable(account = 'ok'): Promise<Lead> {
    const lead = await this.lead(await this.affiliate());
    await Promise.all([this.method(lead, account), this.reportSale(lead).then(() => this.approve(lead))]);
    await this.row('commissions', { referral_id: lead.referralId }, (row) => row['status'] === 'approved');
    return lead;
  }

  /** A run for one affiliate, which a worker will plan. */
  async openRun({ affiliateId }: Journey): Promise<string> {
    const run = await this.done(this.people.ana, '/v1/payout-runs', {
      currencies: ['USD'],
      affiliateIds: [affiliateId],
    });
    const runId = textAt(run, 'id');
    this.acknowledged.runs.push(runId);
    return runId;
  }

  /** The same, planned and approved by the second person. Goes on through every kill. */
  async plan(journey: Journey): Promise<{ readonly runId: string; readonly payoutId: string }> {
    return this.approveRun(await this.openRun(journey));
  }

  async approveRun(runId: string): Promise<{ readonly runId: string; readonly payoutId: string }> {
    const { ben } = this.people;
    const planned = await this.row('payout_runs', { id: runId }, (row) => row['status'] === 'planned');
    await this.decide(
      ben,
      `/v1/payout-runs/${runId}/approve`,
      { objectId: runId, verb: 'approve' },
      { planHash: planned['plan_hash'], reason: 'ok' },
    );
    await this.row('payout_runs', { id: runId }, (row) => row['status'] === 'approved');
    const payout = await this.row('payouts', { run_id: runId }, () => true);
    return { runId, payoutId: String(payout['id']) };
  }

  /** Executes a run; ends when it is completed: everybody of it is paid. */
  async execute(runId: string): Promise<void> {
    const { ben } = this.people;
    await this.decide(ben, `/v1/payout-runs/${runId}/execute`, { objectId: runId, verb: 'execute' }, { reason: 'ok' });
    await this.row('payout_runs', { id: runId }, (row) => row['status'] === 'completed');
  }

  // --- the verdict

  /** Waits until nothing is under way, then says everything that does not hold. Empty: all holds. */
  async verdict(): Promise<readonly Finding[]> {
    const findings: Finding[] = [];
    const add = (rule: string, what: readonly unknown[] | undefined): void => {
      for (const one of what ?? []) findings.push({ rule, what: typeof one === 'string' ? one : JSON.stringify(one) });
    };
    add('V7 nothing stuck', await this.#stuck());
    add('V2 acknowledged once', await this.#notOnce());
    add('V3 journal', await this.#journalFindings());
    add('V3 walls', await this.#wallsFallen());
    add('V4 end states', await this.#wrongEnds());
    add('V9 histories', await this.#historyFindings());
    add('V13 mails', await this.#mailFindings());
    const books = await this.stack.command('bin/checkBooks.ts');
    if (books.code !== 0) add('V1 books', [books.output]);
    const { heads, invalid } = await new HeadKeeper(headsFolder(this.stack.dataDir)).list(this.people.workspaceId);
    const chain = await verifyChain(this.#db, this.people.workspaceId as WorkspaceId, heads);
    if (!chain.holds || invalid > 0 || heads.length === 0)
      add('V9 chain', [{ ...chain, heads: heads.length, invalid }]);
    return findings;
  }

  async journal(): Promise<readonly SandboxEntry[]> {
    const lines = await createJournal(this.stack.sandboxJournal).readAll();
    return readSandboxJournal(lines, sandboxKeyWindowMs, Date.parse);
  }

  /** What still waits once everything had its time (V7, V8). */
  async #stuck(): Promise<readonly unknown[] | undefined> {
    let left: readonly unknown[] = [];
    const look = async (): Promise<boolean> => {
      const { rows } = await this.owner.raw<{ rows: readonly unknown[] }>(`
        select 'outbox' as what, id::text, topic as about, error_code as code from outbox where sent_at is null
        union all select 'decision', id, verb, code from decisions where state = 'open'
        union all select 'lead', id, external_id, outcome from leads where processed_at is null
        union all select 'sale', id, external_id, outcome from sales where processed_at is null
        union all select 'payout run', id, status, null from payout_runs where status not in ('planned', 'completed', 'cancelled')
        union all select 'payout', id, status, null from payouts where status = 'pending'
        union all select 'attempt', id, state, code from payout_attempts where state in ('submitting', 'submitted', 'unknown')
        union all select 'click without referral', c.id, null, null from clicks c
          where c.credit = 'credited' and not exists (select from touches t where (t.workspace_id, t.source_id) = (c.workspace_id, c.id))
        union all select 'paid without history', p.id, p.status, null from payouts p
          where p.status = 'paid' and not exists (select from histories h where (h.workspace_id, h.object_id) = (p.workspace_id, p.id))
        union all select 'completed without history', r.id, r.status, null from payout_runs r
          where r.status = 'completed' and not exists (select from histories h where (h.workspace_id, h.object_id) = (r.workspace_id, r.id))`);
      left = rows;
      return rows.length === 0;
    };
    try {
      await eventually(look, this.#healing);
      return [];
    } catch (error) {
      return left.length > 0 ? left : [String(error)];
    }
  }

  async #notOnce(): Promise<readonly string[]> {
    const { clicks, leads, sales, decisions, runs } = this.acknowledged;
    const wrong: string[] = [];
    const compare = async (table: string, column: string, expected: readonly string[]): Promise<void> => {
      const found: readonly Readonly<Record<string, unknown>>[] = await this.owner(table).whereIn(column, [
        ...expected,
      ]);
      const count = new Map<string, number>();
      for (const row of found) count.set(String(row[column]), (count.get(String(row[column])) ?? 0) + 1);
      for (const one of new Set(expected))
        if (count.get(one) !== 1) wrong.push(`${table} ${one}: ${count.get(one) ?? 0} times`);
    };
    await compare('clicks', 'id', clicks);
    await compare('leads', 'external_id', leads);
    await compare('sales', 'external_id', sales);
    await compare('payout_runs', 'id', runs);
    for (const { objectId, verb } of decisions) {
      const rows: readonly { state: string }[] = await this.owner('decisions').where({ object_id: objectId, verb });
      const done = rows.filter((row) => row.state === 'done').length;
      if (done !== 1) wrong.push(`${verb} of ${objectId}: ${done} done of ${rows.length}`);
    }
    const { rows } = await this.owner.raw<{ rows: readonly { external_id: string; count: string }[] }>(
      `select s.external_id, count(c.id) from sales s
       left join commissions c on (c.workspace_id, c.sale_id) = (s.workspace_id, s.id)
       where s.external_id = any (?) group by s.workspace_id, s.id, s.external_id having count(c.id) <> 1`,
      [sales],
    );
    wrong.push(...rows.map((row) => `sale ${row.external_id}: ${row.count} commissions`));
    return wrong;
  }

  /** What was really paid against the books: one payment per paid payout, none for another, the same sum. */
  async #journalFindings(): Promise<readonly string[]> {
    const wrong: string[] = [];
    const paid = (await this.journal()).filter((entry) => !entry.replay && entry.outcome === 'paid');
    const attempts: readonly { request_key: string; payout_id: string; state: string; amount_minor: string }[] =
      await this.owner('payout_attempts').where({ gateway: 'sandbox' });
    const byKey = new Map(attempts.map((attempt) => [attempt.request_key, attempt]));
    const times = new Map<string, number>();
    let sum = 0n;
    for (const entry of paid) {
      sum += BigInt(entry.amountMinor);
      const attempt = byKey.get(entry.requestKey);
      if (attempt === undefined) {
        wrong.push(`paid ${entry.amountMinor} under ${entry.requestKey}, which no attempt has`);
        continue;
      }
      times.set(attempt.payout_id, (times.get(attempt.payout_id) ?? 0) + 1);
    }
    const payouts: readonly { id: string; status: string; amount_minor: string }[] = await this.owner('payouts');
    let booked = 0n;
    for (const payout of payouts) {
      const expected = payout.status === 'paid' ? 1 : 0;
      if (expected === 1) booked += BigInt(payout.amount_minor);
      if ((times.get(payout.id) ?? 0) !== expected)
        wrong.push(`${payout.id} is ${payout.status} and was paid ${times.get(payout.id) ?? 0} times`);
    }
    if (sum !== booked) wrong.push(`the journal paid ${sum}, the books ${booked}`);
    return wrong;
  }

  /** Paying twice must be impossible even for code that forgot every check: tried here, and undone. */
  async #wallsFallen(): Promise<readonly string[]> {
    const fallen: string[] = [];
    const tries: readonly (readonly [wall: string, sql: string])[] = [
      [
        'commission_in_one_live_payout',
        `insert into payout_lines (workspace_id, payout_id, commission_id, amount_minor, created_at)
         select workspace_id, payout_id, commission_id, amount_minor, created_at + interval '1 s'
         from payout_lines where released_at is null limit 1`,
      ],
      [
        'one_live_attempt',
        `insert into payout_attempts (workspace_id, id, payout_id, number, gateway, state, currency, amount_minor, epoch)
         select workspace_id, id || 'x', payout_id, number + 1, gateway, 'paid', currency, amount_minor, epoch
         from payout_attempts where state = 'paid' limit 1`,
      ],
    ];
    const paid: unknown = await this.owner('payouts').where({ status: 'paid' }).first('id');
    if (paid === undefined) return [];
    for (const [wall, sql] of tries) {
      const tx = await this.owner.transaction();
      try {
        await tx.raw(sql);
        fallen.push(`${wall} let a second one in`);
      } catch (error) {
        const constraint: unknown = error instanceof Error && 'constraint' in error ? error.constraint : undefined;
        if (constraint !== wall) fallen.push(`${wall}: ${String(error)}`);
      } finally {
        await tx.rollback();
      }
    }
    return fallen;
  }

  /** A payout that is paid has paid commissions and a done referral run behind it; money that is gone is not owed. */
  async #wrongEnds(): Promise<readonly unknown[]> {
    const { rows } = await this.owner.raw<{ rows: readonly unknown[] }>(`
      select 'commission' as what, c.id, c.status, p.status as payout from commissions c
      join payout_lines l on (l.workspace_id, l.commission_id) = (c.workspace_id, c.id) and l.released_at is null
      join payouts p on (p.workspace_id, p.id) = (l.workspace_id, l.payout_id)
      where (p.status = 'paid') <> (c.status = 'paid')
      union all
      select 'referral', r.id, r.status, p.status from referrals r
      join commissions c on (c.workspace_id, c.referral_id) = (r.workspace_id, r.id)
      join payout_lines l on (l.workspace_id, l.commission_id) = (c.workspace_id, c.id) and l.released_at is null
      join payouts p on (p.workspace_id, p.id) = (l.workspace_id, l.payout_id)
      where p.status = 'paid' and r.status <> 'approved'`);
    return rows;
  }

  /** Who was paid has one mail that it is on its way and one that it was paid, each sent, each by one message (PAY-12). */
  async #mailFindings(): Promise<readonly unknown[]> {
    const { rows } = await this.owner.raw<{ rows: readonly unknown[] }>(`
      select p.id, told.kind, count(distinct m.id)::int as mails, count(distinct m.id) filter (where m.sent_at is not null)::int as sent,
             count(o.id)::int as messages
      from payouts p
      cross join (values ('payout_drafted'), ('payout_paid')) as told (kind)
      left join emails m on m.workspace_id = p.workspace_id and m.kind = told.kind and strpos(m.body, p.id) > 0
      left join outbox o on o.workspace_id = m.workspace_id and o.topic = 'mail' and o.payload ->> 'emailId' = m.id
      where p.status = 'paid'
      group by p.id, told.kind
      having (count(distinct m.id), count(distinct m.id) filter (where m.sent_at is not null), count(o.id)) <> (1, 1, 1)`);
    return rows;
  }

  /** Every archived history of what this world drove gets the auditor's verdict. */
  async #historyFindings(): Promise<readonly string[]> {
    const workspaceId = this.people.workspaceId as WorkspaceId;
    const objects: readonly { object_id: string }[] = await this.owner('histories').distinct('object_id');
    const { heads } = await new HeadKeeper(headsFolder(this.stack.dataDir)).list(workspaceId);
    const wrong: string[] = [];
    for (const { object_id: id } of objects) {
      const histories = await readWorkspace(this.#db, workspaceId, (tx) => listHistoriesOf(tx, id));
      for (const history of histories) {
        const judged = await judgeHistory({ db: this.#db, bundle: currentWorkflows, heads }, workspaceId, history);
        if (judged.verdict !== 'pass')
          wrong.push(
            `${history.workflowId} ${history.runId}: ${JSON.stringify(judged.checks)} ${JSON.stringify(judged.firstDifference)}`,
          );
      }
    }
    return wrong;
  }
}
