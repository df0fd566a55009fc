import type { Knex } from 'knex';
import { dropTables, isolateAll, workspaceColumn } from '../migrationKit.js';

// Clicks, visits, referrals with touches and attribution, leads. New tables only. Reversible.

const tables = [
  'program_visitors',
  'referrals',
  'touches',
  'attributions',
  'visits',
  'leads',
  'external_customers',
  'checks',
  'risk_flags',
];

export async function up(knex: Knex): Promise<void> {
  // No foreign key in or out: one batch of the redirect serves all workspaces, and each key would cost more than the row (performance.md).
  await knex.raw(`
    create table clicks (
      id text not null constraint clicks_pkey primary key,
      workspace_id text not null,
      mode text not null,
      link_id text not null,
      affiliate_id text not null,
      program_id text not null,
      previous_click_id text,
      visitor_id text,
      credit text not null constraint clicks_credit check (credit in ('credited', 'not_credited', 'filtered')),
      credit_code text,
      suspect boolean not null default false,
      sub1 text, sub2 text, sub3 text, sub4 text, sub5 text,
      query text,
      referrer text,
      window_seconds integer not null default 2592000,
      referral_id text,
      taken_up_at timestamptz(3),
      created_at timestamptz(3) not null default date_trunc('milliseconds', now())
    )`);
  await knex.raw(
    `comment on column clicks.window_seconds is 'the attribution window when it was clicked: a change affects new clicks only (TRK-06)'`,
  );
  await knex.raw(
    `create index clicks_waiting on clicks (created_at, id) where credit = 'credited' and taken_up_at is null`,
  );
  await knex.raw(`comment on index clicks_waiting is 'the relay''s click step: credited clicks not yet taken up'`);
  await knex.raw(`create index clicks_newest on clicks (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index clicks_newest is 'list of clicks'`);
  await knex.raw(`alter table clicks enable row level security`);
  await knex.raw(
    `create policy clicks_workspace on clicks to tributary_app using (workspace_id = (select nullif(current_setting('tributary.workspace_id', true), '')))`,
  );
  await knex.raw(`create policy clicks_edge on clicks for insert to tributary_edge with check (true)`);
  await knex.raw(
    `create policy clicks_relay on clicks for select to tributary_relay using (credit = 'credited' and taken_up_at is null)`,
  );
  await knex.raw(
    `grant select, insert, update (visitor_id, referral_id, taken_up_at, suspect) on clicks to tributary_app`,
  );
  await knex.raw(`grant insert on clicks to tributary_edge`);
  await knex.raw(`grant select (id, workspace_id, credit, taken_up_at, created_at) on clicks to tributary_relay`);
  // What can point to a person stands beside the click and is dropped after settings.privacy.clickDetails (dependencies.md 7.5).
  await knex.raw(`
    create table click_details (
      click_id text not null,
      workspace_id text not null,
      address_hash bytea,
      user_agent text,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint click_details_pkey primary key (created_at, click_id)
    )`);
  // One index for both uses: a click and its details are of one statement, so they have one time.
  await knex.raw(
    `comment on constraint click_details_pkey on click_details is 'sweep/due: drop what is older than the setting; the details of a click'`,
  );
  await knex.raw(`alter table click_details enable row level security`);
  await knex.raw(
    `create policy click_details_workspace on click_details to tributary_app using (workspace_id = (select nullif(current_setting('tributary.workspace_id', true), '')))`,
  );
  await knex.raw(`create policy click_details_edge on click_details for insert to tributary_edge with check (true)`);
  await knex.raw(`grant select, insert, delete on click_details to tributary_app`);
  await knex.raw(`grant insert on click_details to tributary_edge`);

  // The lock of (workspace, program, visitor) is this row (money.md 9).
  await knex.raw(`
    create table program_visitors (
      ${workspaceColumn},
      program_id text not null,
      visitor_id text not null,
      mode text not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint program_visitors_pkey primary key (workspace_id, mode, program_id, visitor_id)
    )`);
  await knex.raw(`
    create table referrals (
      ${workspaceColumn},
      id text not null,
      mode text not null constraint referrals_mode check (mode in ('live', 'test')),
      program_id text not null,
      status text not null constraint referrals_status check (status in ('tracking', 'pending', 'approved', 'rejected', 'expired', 'merged')),
      stage text not null constraint referrals_stage check (stage in ('click', 'visit', 'lead', 'sale')),
      visitor_id text,
      contact_id text,
      affiliate_id text,
      link_id text,
      first_affiliate_id text,
      last_affiliate_id text,
      referrer_choice text,
      merged_into_id text,
      manual boolean not null default false,
      tags text[] not null default '{}',
      notes text,
      assignee_id text,
      window_ends_at timestamptz(3),
      decide_by timestamptz(3),
      pending_since timestamptz(3),
      reminded_at timestamptz(3),
      lead_at timestamptz(3),
      sale_at timestamptz(3),
      visit_at timestamptz(3),
      click_at timestamptz(3),
      decided_at timestamptz(3),
      last_changed_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      nudged_at timestamptz(3),
      nudges integer not null default 0,
      parked_at timestamptz(3),
      metadata jsonb not null default '{}',
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint referrals_pkey primary key (workspace_id, id),
      constraint referrals_program foreign key (workspace_id, program_id) references programs (workspace_id, id),
      constraint referrals_contact foreign key (workspace_id, contact_id) references contacts (workspace_id, id),
      constraint referrals_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id)
    )`);
  await knex.raw(
    `create unique index referrals_one_tracking on referrals (workspace_id, mode, program_id, visitor_id) where status = 'tracking'`,
  );
  await knex.raw(
    `comment on index referrals_one_tracking is 'a visitor has one open journey in a program (features.md 2.2)'`,
  );
  await knex.raw(
    `create unique index referrals_one_per_contact on referrals (workspace_id, mode, program_id, contact_id) where status in ('pending', 'approved', 'rejected')`,
  );
  await knex.raw(
    `comment on index referrals_one_per_contact is 'one referral per contact and program (features.md 2.2)'`,
  );
  await knex.raw(`create index referrals_visitor on referrals (workspace_id, program_id, visitor_id, created_at desc)`);
  await knex.raw(`comment on index referrals_visitor is 'click step: the visitor''s newest referral in the program'`);
  await knex.raw(`create index referrals_newest on referrals (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index referrals_newest is 'list of referrals'`);
  await knex.raw(`create index referrals_window on referrals (workspace_id, window_ends_at) where status = 'tracking'`);
  await knex.raw(`comment on index referrals_window is 'sweep/unapplied: expiries that nobody took up'`);
  await knex.raw(
    `create index referrals_decide_by on referrals (workspace_id, decide_by) where status = 'pending' and decide_by is not null`,
  );
  await knex.raw(`comment on index referrals_decide_by is 'sweep/unapplied: deadlines that nobody took up'`);
  await knex.raw(`
    create table touches (
      ${workspaceColumn},
      referral_id text not null,
      kind text not null constraint touches_kind check (kind in ('click', 'coupon', 'lead', 'manual')),
      source_id text not null,
      affiliate_id text not null,
      link_id text,
      sub1 text,
      occurred_at timestamptz(3) not null,
      ends_at timestamptz(3) not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint touches_pkey primary key (workspace_id, referral_id, source_id),
      constraint touches_referral foreign key (workspace_id, referral_id) references referrals (workspace_id, id),
      constraint touches_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id)
    )`);
  await knex.raw(`
    create table attributions (
      ${workspaceColumn},
      id text not null,
      referral_id text not null,
      cause_type text not null,
      cause_id text not null,
      referrer_choice text not null,
      affiliate_id text,
      code text,
      candidates jsonb not null,
      commit_id uuid not null default nullif(current_setting('tributary.commit_id', true), '')::uuid,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint attributions_pkey primary key (workspace_id, id),
      constraint attributions_once unique (workspace_id, referral_id, cause_id),
      constraint attributions_referral foreign key (workspace_id, referral_id) references referrals (workspace_id, id)
    )`);
  await knex.raw(`
    create table visits (
      ${workspaceColumn},
      id text not null,
      mode text not null,
      click_id text,
      link_id text not null,
      visitor_id text not null,
      referral_id text,
      day date not null,
      url text not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint visits_pkey primary key (workspace_id, id),
      constraint visits_unique_per_day unique (workspace_id, mode, visitor_id, link_id, day)
    )`);
  // Customer first in the lock order: a sale of an unknown customer and the lead that makes it wait for each other here.
  await knex.raw(`
    create table external_customers (
      ${workspaceColumn},
      mode text not null,
      external_id text not null,
      contact_id text,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint external_customers_pkey primary key (workspace_id, mode, external_id),
      constraint external_customers_contact foreign key (workspace_id, contact_id) references contacts (workspace_id, id)
    )`);
  await knex.raw(`
    create table leads (
      ${workspaceColumn},
      id text not null,
      mode text not null,
      source text not null,
      external_id text,
      content_hash bytea not null,
      customer_external_id text,
      event text not null constraint leads_event check (event in ('enquiry', 'registration')),
      channel text not null constraint leads_channel check (channel in ('form', 'api', 'postback', 'script', 'manual', 'import', 'payment_hook', 'sale')),
      verdict text not null constraint leads_verdict check (verdict in ('received', 'accepted', 'duplicate', 'invalid', 'converted')),
      verdict_code text,
      name text,
      email text,
      phone text,
      company text,
      country text,
      contact_id text,
      duplicate_of_id text,
      is_unique boolean not null default true,
      program_id text,
      affiliate_id text,
      link_id text,
      click_id text,
      coupon text,
      sub1 text,
      referral_id text,
      attribution_status text not null default 'unattributed' constraint leads_attribution check (attribution_status in ('attributed', 'unattributed')),
      attribution_code text,
      assignee_id text,
      custom_fields jsonb not null default '{}',
      consent jsonb,
      metadata jsonb not null default '{}',
      occurred_at timestamptz(3) not null,
      nudged_at timestamptz(3),
      nudges integer not null default 0,
      processed_at timestamptz(3),
      outcome text,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint leads_pkey primary key (workspace_id, id),
      constraint leads_contact foreign key (workspace_id, contact_id) references contacts (workspace_id, id),
      constraint leads_referral foreign key (workspace_id, referral_id) references referrals (workspace_id, id)
    )`);
  await knex.raw(
    `create unique index leads_external_id on leads (workspace_id, mode, source, external_id) where external_id is not null`,
  );
  await knex.raw(
    `create index leads_open on leads (workspace_id, referral_id, created_at, id) where processed_at is null and referral_id is not null`,
  );
  await knex.raw(`comment on index leads_open is 'facts of a step: leads without outcome'`);
  await knex.raw(`create index leads_contact_index on leads (workspace_id, contact_id, program_id, event)`);
  await knex.raw(`comment on index leads_contact_index is 'is this a duplicate?'`);
  await knex.raw(`create index leads_newest on leads (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index leads_newest is 'list of leads'`);
  await knex.raw(`
    create table checks (
      ${workspaceColumn},
      id text not null,
      referral_id text not null,
      kind text not null constraint checks_kind check (kind in ('fraud', 'identity', 'payment')),
      status text not null constraint checks_status check (status in ('waiting', 'passed', 'failed', 'waived')),
      required boolean not null,
      provider text,
      reason_code text,
      evidence jsonb not null default '{}',
      decided_by text,
      decided_at timestamptz(3),
      ask_at timestamptz(3),
      pending_verdict text,
      nudged_at timestamptz(3),
      nudges integer not null default 0,
      processed_at timestamptz(3),
      outcome text,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint checks_pkey primary key (workspace_id, id),
      constraint checks_kind_key unique (workspace_id, referral_id, kind),
      constraint checks_referral foreign key (workspace_id, referral_id) references referrals (workspace_id, id)
    )`);
  await knex.raw(`
    create table risk_flags (
      ${workspaceColumn},
      id text not null,
      referral_id text,
      affiliate_id text,
      code text not null,
      evidence jsonb not null,
      dismissed_at timestamptz(3),
      dismissed_by text,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint risk_flags_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(`create index risk_flags_referral on risk_flags (workspace_id, referral_id)`);
  await knex.raw(`comment on index risk_flags_referral is 'flags on a referral'`);
  await isolateAll(knex, tables);
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['clicks', 'click_details', ...tables]);
}
