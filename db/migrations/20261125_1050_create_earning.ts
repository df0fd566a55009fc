import type { Knex } from 'knex';
import { dropTables, isolateAll, workspaceColumn } from '../migrationKit.js';

// Sales, refunds, disputes, commissions. New tables only. Reversible.

const tables = ['sales', 'refunds', 'disputes', 'commissions'];

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table sales (
      ${workspaceColumn},
      id text not null,
      mode text not null,
      source text not null,
      external_id text not null,
      content_hash bytea not null,
      type text not null constraint sales_type check (type in ('payment', 'transaction')),
      transaction_type text,
      status text not null constraint sales_status check (status in ('declined', 'succeeded', 'part_refunded', 'refunded', 'disputed', 'charged_back')),
      channel text not null,
      in_review boolean not null default false,
      currency text not null,
      captured_minor bigint not null constraint sales_captured check (captured_minor between 0 and 1000000000000000),
      refunded_minor bigint not null default 0,
      tax_minor bigint, fees_minor bigint, shipping_minor bigint, deposit_minor bigint,
      lines jsonb not null,
      product_hint text,
      subscription_external_id text,
      payment_number integer,
      customer_external_id text,
      customer_email text,
      click_id text,
      coupon text,
      program_hint_id text,
      contact_id text,
      lead_id text,
      program_id text,
      affiliate_id text,
      link_id text,
      sub1 text,
      referral_id text,
      attribution_status text not null default 'unattributed' constraint sales_attribution check (attribution_status in ('attributed', 'unattributed')),
      attribution_code text,
      no_commission_code text,
      parked_code text,
      metadata jsonb not null default '{}',
      occurred_at timestamptz(3) not null,
      nudged_at timestamptz(3),
      nudges integer not null default 0,
      processed_at timestamptz(3),
      outcome text,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint sales_pkey primary key (workspace_id, id),
      constraint sales_external_id unique (workspace_id, mode, source, external_id),
      constraint refund_within_capture check (refunded_minor between 0 and captured_minor),
      constraint sales_contact foreign key (workspace_id, contact_id) references contacts (workspace_id, id),
      constraint sales_referral foreign key (workspace_id, referral_id) references referrals (workspace_id, id)
    )`);
  await knex.raw(
    `create index sales_open on sales (workspace_id, referral_id, created_at, id) where processed_at is null and referral_id is not null`,
  );
  await knex.raw(`comment on index sales_open is 'facts of a step: sales without outcome'`);
  await knex.raw(
    `create index sales_parked on sales (workspace_id, mode, customer_external_id) where parked_code is not null`,
  );
  await knex.raw(`comment on index sales_parked is 'a lead made this customer known: which sales waited?'`);
  await knex.raw(`create index sales_contact_index on sales (workspace_id, contact_id, occurred_at)`);
  await knex.raw(`comment on index sales_contact_index is 'is this the contact''s first payment for a product?'`);
  await knex.raw(`create index sales_referral_index on sales (workspace_id, referral_id)`);
  await knex.raw(`comment on index sales_referral_index is 'the sales of a referral'`);
  await knex.raw(`create index sales_newest on sales (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index sales_newest is 'list of sales'`);
  await knex.raw(`
    create table refunds (
      ${workspaceColumn},
      id text not null,
      mode text not null,
      source text not null,
      external_id text not null,
      content_hash bytea not null,
      sale_id text,
      sale_external_id text,
      referral_id text,
      currency text not null,
      amount_minor bigint constraint refunds_amount check (amount_minor between 1 and 1000000000000000),
      applied_minor bigint,
      flag text,
      reason text,
      parked_code text,
      occurred_at timestamptz(3) not null,
      nudged_at timestamptz(3),
      nudges integer not null default 0,
      processed_at timestamptz(3),
      outcome text,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint refunds_pkey primary key (workspace_id, id),
      constraint refunds_external_id unique (workspace_id, mode, source, external_id),
      constraint refunds_sale foreign key (workspace_id, sale_id) references sales (workspace_id, id)
    )`);
  await knex.raw(`comment on column refunds.amount_minor is 'null = all that is left when it is applied'`);
  await knex.raw(
    `create index refunds_open on refunds (workspace_id, referral_id, created_at, id) where processed_at is null and referral_id is not null`,
  );
  await knex.raw(`comment on index refunds_open is 'facts of a step: refunds without outcome'`);
  await knex.raw(`create index refunds_sale_index on refunds (workspace_id, sale_id)`);
  await knex.raw(`comment on index refunds_sale_index is 'the refunds of a sale'`);
  await knex.raw(`
    create table disputes (
      ${workspaceColumn},
      id text not null,
      mode text not null,
      source text not null,
      external_id text not null,
      step text not null constraint disputes_step check (step in ('opened', 'won', 'lost')),
      sale_id text,
      sale_external_id text,
      referral_id text,
      currency text,
      amount_minor bigint,
      parked_code text,
      occurred_at timestamptz(3) not null,
      nudged_at timestamptz(3),
      nudges integer not null default 0,
      processed_at timestamptz(3),
      outcome text,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint disputes_pkey primary key (workspace_id, id),
      constraint disputes_step_key unique (workspace_id, mode, source, external_id, step, occurred_at),
      constraint disputes_sale foreign key (workspace_id, sale_id) references sales (workspace_id, id)
    )`);
  await knex.raw(`
    create table commissions (
      ${workspaceColumn},
      id text not null,
      mode text not null,
      kind text not null constraint commissions_kind check (kind in ('earned', 'bonus', 'adjustment', 'clawback', 'payout_return', 'late_payment', 'write_off')),
      level smallint not null default 1,
      affiliate_id text not null,
      program_id text not null,
      referral_id text,
      sale_id text,
      lead_id text,
      origin_commission_id text,
      level1_commission_id text,
      cause_type text not null,
      cause_id text not null,
      currency text not null,
      base_minor bigint,
      base_type text,
      rate_ppm integer constraint commissions_rate check (rate_ppm between 0 and 1000000),
      rule_id text,
      rule_version integer,
      parts jsonb not null default '[]',
      explanation jsonb not null default '{}',
      exact_numerator numeric(40, 0) not null,
      exact_denominator numeric(40, 0) not null,
      clip_reason text,
      amount_minor bigint not null,
      reversed_minor bigint not null default 0,
      clawed_back_minor bigint not null default 0,
      accrues boolean not null default true,
      status text not null constraint commissions_status check (status in ('pending', 'approved', 'rejected', 'reversed', 'paid')),
      on_hold boolean not null default false,
      needs_reviewer boolean not null default false,
      sub1 text,
      reason text,
      created_by text,
      eligible_at timestamptz(3) not null,
      approved_at timestamptz(3),
      paid_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint commissions_pkey primary key (workspace_id, id),
      constraint commission_exact_bounds check (abs(exact_numerator) <= 1e39 and exact_denominator between 1 and 1e39),
      constraint commission_rounded_once check (clip_reason is not null or amount_minor =
        sign(exact_numerator) * div(2 * abs(exact_numerator) + exact_denominator, 2 * exact_denominator)),
      constraint commission_reversed_within check
        (reversed_minor >= 0 and clawed_back_minor >= 0 and reversed_minor + clawed_back_minor <= greatest(amount_minor, 0)),
      constraint commissions_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id),
      constraint commissions_program foreign key (workspace_id, program_id) references programs (workspace_id, id),
      constraint commissions_referral foreign key (workspace_id, referral_id) references referrals (workspace_id, id),
      constraint commissions_sale foreign key (workspace_id, sale_id) references sales (workspace_id, id),
      constraint commissions_lead foreign key (workspace_id, lead_id) references leads (workspace_id, id),
      constraint commissions_origin foreign key (workspace_id, origin_commission_id) references commissions (workspace_id, id)
    )`);
  await knex.raw(
    `create unique index commission_accrued_once on commissions (workspace_id, mode, cause_type, cause_id, level, affiliate_id) where kind = 'earned'`,
  );
  await knex.raw(`create index commissions_referral_index on commissions (workspace_id, referral_id)`);
  await knex.raw(`comment on index commissions_referral_index is 'the commissions of a referral'`);
  await knex.raw(`create index commissions_sale_index on commissions (workspace_id, sale_id)`);
  await knex.raw(`comment on index commissions_sale_index is 'what a refund mirrors'`);
  await knex.raw(
    `create index commissions_payable on commissions (workspace_id, mode, currency, affiliate_id, approved_at) where status = 'approved'`,
  );
  await knex.raw(`comment on index commissions_payable is 'plan: approved and unpaid, per affiliate'`);
  await knex.raw(
    `create index commissions_due on commissions (workspace_id, eligible_at) where status = 'pending' and not on_hold`,
  );
  await knex.raw(`comment on index commissions_due is 'sweep/unapplied: holds that ended and nobody took up'`);
  await knex.raw(`create index commissions_newest on commissions (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index commissions_newest is 'list of commissions'`);
  await isolateAll(knex, tables, 'select, insert, update');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, tables);
}
