import type { Knex } from 'knex';

// Another address for a login (PRT-06): the link that confirms it knows which one, and which session asked. Logins and tokens lie above
// workspaces, so both steps are definer functions, reached by the token's key only. Functions only. Reversible.

const head = `security definer set search_path = public, pg_temp`;

const functions: readonly (readonly [name: string, args: string, sql: string])[] = [
  [
    'directory_offer_email',
    '(text, text)',
    `create function directory_offer_email(wanted text, new_subject text) returns void
     language sql volatile ${head} as $$
       update one_time_tokens set subject_id = new_subject where id = wanted and kind = 'verify_email' and used_at is null $$`,
  ],
  [
    'directory_offered_email',
    '(text)',
    `create function directory_offered_email(wanted text) returns table (subject_id text)
     language sql stable ${head} as $$
       select subject_id from one_time_tokens where id = wanted and kind = 'verify_email' and subject_id is not null $$`,
  ],
  [
    'directory_change_email',
    '(text, text)',
    // The address before; nothing when somebody else has the new one by now.
    `create function directory_change_email(wanted_login text, new_email text) returns table (old_email text)
     language sql volatile ${head} as $$
       with old as (select id, email from logins where id = wanted_login for update),
       changed as (
         update logins set email = new_email, email_verified_at = now()
         from old
         where logins.id = old.id and not exists (select from logins as other where other.email = new_email and other.id <> old.id)
         returning old.email)
       select email from changed $$`,
  ],
];

export async function up(knex: Knex): Promise<void> {
  for (const [name, args, sql] of functions) {
    await knex.raw(sql);
    await knex.raw(`revoke execute on function ${name}${args} from public`);
    await knex.raw(`grant execute on function ${name}${args} to tributary_app`);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const [name, args] of [...functions].reverse()) await knex.raw(`drop function ${name}${args}`);
}
