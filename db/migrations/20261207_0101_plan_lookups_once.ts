import type { Knex } from 'knex';

// Why: a function in SQL that switches its owner's rights on is never inlined, and Postgres plans its body anew at every call. Each request
// begins with one of these; in PL/pgSQL a connection plans it once: the look for an API key took 0.52 ms instead of 0.93 on a busy machine.
// Only the language and the wrapping around the body change, so the bodies stay where they were written. `use_column`, because the columns of
// the answer are variables there. Reversible: `down` takes the wrapping off.

const lookups = [
  'directory_api_key',
  'directory_session',
  'directory_view',
  'directory_public_key',
  'directory_payment_source',
  'directory_link',
];
const before = '#variable_conflict use_column\nbegin return query\n';
const after = ';\nend';

interface Lookup {
  readonly name: string;
  readonly parameters: string;
  readonly result: string;
  readonly language: string;
  readonly body: string;
}

async function rewrite(knex: Knex, from: string, to: string, change: (body: string) => string): Promise<void> {
  const { rows } = await knex.raw<{ rows: Lookup[] }>(
    `select proname as name, pg_get_function_arguments(pg_proc.oid) as parameters, pg_get_function_result(pg_proc.oid) as result,
       lanname as language, prosrc as body
     from pg_proc join pg_language on pg_language.oid = prolang
     where pronamespace = 'public'::regnamespace and proname = any (?)`,
    [lookups],
  );
  const found = rows.filter(({ language }) => language === from);
  if (found.length !== lookups.length) throw new Error(`${found.length} of ${lookups.length} lookups are in ${from}`);
  for (const { name, parameters, result, body } of found) {
    const text = `create or replace function ${name}(${parameters}) returns ${result}
      language ${to} stable security definer set search_path = public, pg_temp as $lookup$${change(body)}$lookup$`;
    await knex.raw(text.replaceAll('?', String.raw`\?`)); // an operator of JSON in a body is no binding
  }
}

export async function up(knex: Knex): Promise<void> {
  await rewrite(knex, 'sql', 'plpgsql', (body) => `${before}${body}${after}`);
}

export async function down(knex: Knex): Promise<void> {
  await rewrite(knex, 'plpgsql', 'sql', (body) => body.slice(before.length, -after.length));
}
