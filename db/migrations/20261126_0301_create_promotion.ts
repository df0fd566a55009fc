import type { Knex } from 'knex';
import { currentWorkspace, dropTables, isolateAll, workspaceColumn } from '../migrationKit.js';

// Coupons that credit their affiliate, promo tools with their images, tracking tests. New tables only. Reversible.

const tables = ['coupons', 'media', 'promo_tools', 'tracking_tests'];

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table coupons (
      ${workspaceColumn},
      id text not null,
      code text not null,
      affiliate_id text not null,
      program_id text not null,
      valid_from timestamptz(3),
      valid_to timestamptz(3),
      active boolean not null default true,
      deleted_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint coupons_pkey primary key (workspace_id, id),
      constraint coupons_range check (valid_to is null or valid_from is null or valid_from < valid_to),
      constraint coupons_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id),
      constraint coupons_program foreign key (workspace_id, program_id) references programs (workspace_id, id)
    )`);
  await knex.raw(
    `create unique index coupons_code_key on coupons (workspace_id, lower(code)) where deleted_at is null`,
  );
  await knex.raw(
    `comment on index coupons_code_key is 'a code belongs to one affiliate and program at a time (BEY-18); by it a lead or sale finds its coupon'`,
  );
  await knex.raw(`create index coupons_newest on coupons (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index coupons_newest is 'list of coupons'`);
  await knex.raw(`create index coupons_affiliate_index on coupons (workspace_id, affiliate_id)`);
  await knex.raw(`comment on index coupons_affiliate_index is 'the affiliate''s own codes'`);
  await knex.raw(`
    create table media (
      ${workspaceColumn},
      id text not null,
      name text not null,
      content_type text not null constraint media_type check (content_type in ('image/png', 'image/jpeg', 'image/gif', 'image/webp')),
      width integer not null,
      height integer not null,
      size_bytes integer not null,
      sha256 bytea not null,
      bytes bytea not null,
      deleted_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint media_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(`create index media_newest on media (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index media_newest is 'the image library'`);
  await knex.raw(`
    create table promo_tools (
      ${workspaceColumn},
      id text not null,
      name text not null,
      kind text not null constraint promo_tools_kind check (kind in ('link', 'banner', 'lightbox', 'email')),
      program_id text not null,
      product_group_id text,
      url text not null,
      media_id text,
      html text,
      text text,
      campaign text,
      ad text,
      active boolean not null default true,
      deleted_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint promo_tools_pkey primary key (workspace_id, id),
      constraint promo_tools_program foreign key (workspace_id, program_id) references programs (workspace_id, id),
      constraint promo_tools_media foreign key (workspace_id, media_id) references media (workspace_id, id)
    )`);
  await knex.raw(`create index promo_tools_newest on promo_tools (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index promo_tools_newest is 'list of promo tools'`);
  await knex.raw(
    `create index promo_tools_media_index on promo_tools (workspace_id, media_id) where media_id is not null`,
  );
  await knex.raw(`comment on index promo_tools_media_index is 'is this image used?'`);
  await knex.raw(`
    create table tracking_tests (
      ${workspaceColumn},
      id text not null,
      link_id text not null,
      token_hash bytea not null,
      click_id text,
      created_by text,
      expires_at timestamptz(3) not null,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint tracking_tests_pkey primary key (workspace_id, id),
      constraint tracking_tests_token_key unique (token_hash),
      constraint tracking_tests_link foreign key (workspace_id, link_id) references links (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column tracking_tests.click_id is 'the test click that its one-time address made; null: not followed yet'`,
  );
  await knex.raw(`create index tracking_tests_newest on tracking_tests (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index tracking_tests_newest is 'list of tracking tests'`);
  await isolateAll(knex, tables, 'select, insert, update');
  // The redirect knows no workspace yet. It takes the test once and answers its link; a second time there is nothing to take.
  await knex.raw(`
    create function directory_take_tracking_test(wanted bytea, link text, click text) returns boolean
    language sql volatile security definer set search_path = public, pg_temp as $$
      with taken as (
        update tracking_tests set click_id = click, version = version + 1, updated_at = date_trunc('milliseconds', now())
        where token_hash = wanted and link_id = link and click_id is null and expires_at > now() returning 1)
      select exists (select from taken)
    $$`);
  await knex.raw(`revoke execute on function directory_take_tracking_test(bytea, text, text) from public`);
  await knex.raw(`grant execute on function directory_take_tracking_test(bytea, text, text) to tributary_app`);
  await knex.raw(
    `comment on function directory_take_tracking_test is 'one-time address of a tracking test (api.md 15); ${currentWorkspace.replaceAll("'", "''")} is not known there'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop function if exists directory_take_tracking_test(bytea, text, text)`);
  await dropTables(knex, tables);
}
