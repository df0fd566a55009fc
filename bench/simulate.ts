// A draft plan over a year of past sales (BEY-02): a million of them against one minute, and the present plan against what was booked. The
// wall clock counts, and beside it the CPU seconds of this process, which say what a quiet machine would do. SIMULATE_SALES=100000 is shorter.
import knexFactory, { type Knex } from 'knex';
import { connect } from '../db/connection.js';
import { draftRuleId, simulatePlan, type SimulationScope } from '../db/reads/program/simulation.js';
import { readWorkspace } from '../db/transaction.js';
import type { ProgramId, WorkspaceId } from '../domain/ids.js';
import { ppm } from '../domain/money.js';
import type { Rule } from '../domain/program/commissionPlan.js';
import type { Instant } from '../domain/time.js';
import { newId } from '../platform/newId.js';
import { inBenchDatabase } from './database.js';
import type { Bench, Measured } from './measure.js';

const sales = Number(process.env['SIMULATE_SALES'] ?? 1_000_000);
const salesPerCustomer = 5;
const affiliates = 2_000;
const rounds = 2;
/** A million in a minute. */
const perSecondGoal = 1_000_000 / 60;
const perFill = 100_000;

export const simulateBench: Bench = {
  names: ['simulate'],
  what: 'a draft plan over 1,000,000 past sales of 2,000 affiliates, against one minute; the present plan equals the books',
  takes: '10 minutes, most of it filling the database',
  run,
};

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  return inBenchDatabase(async (database) => {
    const owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 1 } });
    const db = connect({ url: database.appUrl, poolSize: 1, applicationName: 'bench', statementTimeoutMs: 600_000 });
    database.closing.push(
      () => db.destroy(),
      () => owner.destroy(),
    );
    const { workspaceId, programId, ruleId } = await fill(owner, say);
    const scope: SimulationScope = {
      mode: 'live',
      from: '2025-01-01T00:00:00.000Z' as Instant,
      until: '2026-01-01T00:00:00.000Z' as Instant,
      programIds: [programId],
    };
    const present = await readWorkspace(db, workspaceId, (tx) => simulatePlan(tx, scope, null));
    const [difference] = present.difference;
    if (present.sales !== sales || difference?.amount !== '0.00')
      throw new Error(`${present.sales} sales differ from the books by ${difference?.amount}`);
    say(`the present plan over ${present.sales} sales: as booked, ${present.actual[0]?.amount} USD`);
    const pairs: { readonly ours: number; readonly theirs: number }[] = [];
    const cpus: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const from = performance.now();
      const cpu = process.cpuUsage();
      const result = await readWorkspace(db, workspaceId, (tx) =>
        simulatePlan(tx, scope, { rule: draft(programId), replacesRuleId: ruleId }),
      );
      const seconds = (performance.now() - from) / 1_000;
      const { user, system } = process.cpuUsage(cpu);
      const used = `${((user + system) / 1e6).toFixed(1)} CPU s of this process`;
      cpus.push(used);
      say(
        `round ${round + 1}: ${result.sales} sales in ${seconds.toFixed(1)} s, ${used}, ${result.difference[0]?.amount} USD`,
      );
      pairs.push({ ours: sales / seconds, theirs: perSecondGoal });
    }
    return [
      {
        name: 'simulate',
        against: 'a million sales a minute',
        unit: 'sales/s',
        goal: '>= 1.0',
        rounds: pairs,
        notes: [
          `${sales} sales of ${affiliates} affiliates in one program, two levels, bands by amount in the draft; ${cpus.join(', ')}`,
          'read, judged, compared with the books per affiliate and answered; the present plan gave the booked amounts to the cent',
        ],
      },
    ];
  });
}

function draft(programId: ProgramId): Rule {
  return {
    id: draftRuleId,
    name: 'Draft',
    version: 1,
    scope: 'program',
    programId,
    productId: null,
    groupId: null,
    affiliateId: null,
    event: 'payment',
    transactionType: null,
    terms: {
      base: 'net',
      minimumBase: null,
      flatOnPartialRefund: 'proportional',
      levels: [
        { level: 1, kind: 'percent', rate: ppm(180_000), of: 'base' },
        { level: 2, kind: 'percent', rate: ppm(20_000), of: 'base' },
      ],
      bands: {
        level: 1,
        by: 'sales_amount',
        period: 'month',
        mode: 'marginal',
        rows: [
          { from: '0', pays: { kind: 'percent', rate: ppm(180_000) } },
          { from: '1000.00', pays: { kind: 'percent', rate: ppm(220_000) } },
        ],
      },
      limits: { maxPayments: null, maxMonths: 12 },
      cap: null,
      appliesTo: 'all',
    },
  };
}

/** A workspace whose sales of a year earned 20 % at level 1 and 5 % at level 2, as an accrual would have left them. */
async function fill(
  owner: Knex,
  say: (line: string) => void,
): Promise<{ readonly workspaceId: WorkspaceId; readonly programId: ProgramId; readonly ruleId: string }> {
  const [workspaceId, programId, ruleId, productId] = [
    newId('workspace'),
    newId('program'),
    newId('rule'),
    newId('product'),
  ];
  const ids = { workspaceId, programId, ruleId, productId };
  await owner('workspaces').insert({ id: workspaceId, name: 'Bench' });
  await owner('settings').insert({ workspace_id: workspaceId, version: 1, sections: '{}' });
  await owner('programs').insert({
    workspace_id: workspaceId,
    id: programId,
    name: 'Bench',
    slug: 'bench',
    status: 'active',
    currency: 'USD',
    levels: 2,
  });
  await owner('products').insert({ workspace_id: workspaceId, id: productId, name: 'Product' });
  await owner('program_products').insert({ workspace_id: workspaceId, program_id: programId, product_id: productId });
  await owner('commission_rules').insert({
    workspace_id: workspaceId,
    id: ruleId,
    name: '20 %',
    scope: 'program',
    program_id: programId,
    event: 'payment',
  });
  const body = {
    transactionType: null,
    base: 'net',
    minimumBase: null,
    flatOnPartialRefund: 'proportional',
    levels: [
      { level: 1, kind: 'percent', ratePpm: 200_000, of: 'base' },
      { level: 2, kind: 'percent', ratePpm: 50_000, of: 'base' },
    ],
    limits: { maxPayments: null, maxMonths: null },
  };
  await owner('commission_rule_versions').insert({
    workspace_id: workspaceId,
    rule_id: ruleId,
    version: 1,
    body: JSON.stringify(body),
    effective_from: '2024-01-01T00:00:00Z',
  });
  await owner.raw(
    `insert into contacts (workspace_id, id, name) select :workspaceId, 'con_' || n, 'Contact' from generate_series(1, ${Math.ceil(sales / salesPerCustomer)}) as n`,
    ids,
  );
  await owner.raw(
    `insert into affiliates (workspace_id, id, contact_id, name, email, status, recruiter_id)
     select :workspaceId, 'aff_' || n, 'con_1', 'Affiliate ' || n, 'a' || n || '@blog.example', 'approved', case when n > 1 then 'aff_1' end
     from generate_series(1, ${affiliates}) as n`,
    ids,
  );
  await owner.raw(
    `insert into enrolments (workspace_id, id, affiliate_id, program_id, status, joined_at)
     select :workspaceId, 'enr_' || n, 'aff_' || n, :programId, 'active', '2024-01-01' from generate_series(1, ${affiliates}) as n`,
    ids,
  );
  await owner.raw(
    `insert into referrals (workspace_id, id, mode, program_id, status, stage, contact_id, affiliate_id, sale_at, last_changed_at)
     select :workspaceId, 'ref_' || n, 'live', :programId, 'approved', 'sale', 'con_' || n, 'aff_' || (2 + n % ${affiliates - 1}), '2025-01-01', '2025-01-01'
     from generate_series(1, ${Math.ceil(sales / salesPerCustomer)}) as n`,
    ids,
  );
  for (let from = 0; from < sales; from += perFill) {
    const until = Math.min(from + perFill, sales);
    await owner.raw(
      `insert into sales (workspace_id, id, mode, source, external_id, content_hash, type, status, channel, currency, captured_minor, lines,
         contact_id, program_id, affiliate_id, referral_id, attribution_status, occurred_at, processed_at, outcome)
       select :workspaceId, 'sal_' || n, 'live', 'main', 'o-' || n, '\\x00', 'payment', 'succeeded', 'api', 'USD', amount,
         jsonb_build_array(jsonb_build_object('productId', :productId::text, 'product', null, 'quantity', 1, 'amountMinor', amount::text,
           'taxMinor', '0', 'feesMinor', '0', 'shippingMinor', '0', 'depositMinor', '0', 'code', null)),
         'con_' || customer, :programId, 'aff_' || (2 + customer % ${affiliates - 1}), 'ref_' || customer, 'attributed',
         at, at + interval '1 second', 'accrued'
       from (select n, 1 + n / ${salesPerCustomer} as customer, (100 + (n::bigint * 7919) % 100000)::bigint as amount,
                    timestamptz '2025-01-01 00:00:00+00' + n * interval '31 seconds' * (1000000.0 / ${sales}) as at
             from generate_series(${from}, ${until - 1}) as n) as one`,
      ids,
    );
    await owner.raw(
      `insert into commissions (workspace_id, id, mode, kind, level, affiliate_id, program_id, referral_id, sale_id, cause_type, cause_id, currency,
         base_minor, rate_ppm, rule_id, rule_version, exact_numerator, exact_denominator, amount_minor, status, eligible_at)
       select sale.workspace_id, 'com_' || level || substr(sale.id, 4), 'live', 'earned', level,
         case level when 1 then sale.affiliate_id else 'aff_1' end, sale.program_id, sale.referral_id, sale.id, 'sale', sale.id, 'USD',
         sale.captured_minor, rate, :ruleId, 1, sale.captured_minor::numeric * rate, 1000000,
         div(2 * sale.captured_minor::numeric * rate + 1000000, 2000000), 'approved', sale.occurred_at
       from sales as sale cross join (values (1, 200000), (2, 50000)) as share (level, rate)
       where sale.workspace_id = :workspaceId and sale.id = any (select 'sal_' || n from generate_series(${from}, ${until - 1}) as n)`,
      ids,
    );
    say(`filled ${until} of ${sales}`);
  }
  await owner.raw('analyze');
  return { workspaceId, programId, ruleId };
}
