import { inWorkspace } from '../../../db/transaction.js';
import { newId } from '../../../platform/newId.js';
import type { TestAnswer, TestApi, TestWorkspace } from '../support.js';
import { getSettings, lockSettings, updateSettings } from '../../../db/access/settings.js';
import { mergeSettings, type StoredSections } from '../../../domain/access/settings.js';

/** A rule of the program, as the rules' own routes would leave it: enough for publishing. */
export async function insertRule(api: TestApi, ws: TestWorkspace, programId: string): Promise<void> {
  await inWorkspace(api.db, ws.id, async (tx, now) => {
    await tx('commission_rules').insert({
      id: newId('rule'),
      name: '20 %',
      scope: 'program',
      program_id: programId,
      event: 'payment',
      created_at: now,
      updated_at: now,
    });
  });
}

/** Saves the settings, with these values over what they are. */
export async function saveSettings(api: TestApi, ws: TestWorkspace, change: StoredSections = {}): Promise<void> {
  await inWorkspace(api.db, ws.id, async (tx, now) => {
    const { settings } = await getSettings(tx);
    await updateSettings(tx, api.act(ws.id, now), await lockSettings(tx), mergeSettings(settings, change));
  });
}

/** A published program with a product, terms and a link destination; `body` goes over its fields. */
export async function makeProgram(
  api: TestApi,
  ws: TestWorkspace,
  body: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const product = await api.as(ws.key, '/v1/products', { body: { name: 'Starter' } });
  const program = await api.as(ws.key, '/v1/programs', {
    body: {
      name: `Program ${newId('program').slice(-8)}`,
      currency: 'USD',
      requirements: [],
      landingUrl: 'https://shop.example/',
      ...body,
    },
  });
  if (program.status !== 201) throw new Error(program.text);
  const id: string = program.body['id'];
  await api.as(ws.key, `/v1/programs/${id}/products`, { body: { productId: product.body['id'] } });
  await api.as(ws.key, `/v1/programs/${id}/agreements`, { body: { kind: 'terms', title: 'Terms', text: 'Be fair.' } });
  const published = await api.as(ws.key, `/v1/programs/${id}/publish`, { body: {} });
  if (published.status !== 200) throw new Error(published.text);
  return id;
}

/** An affiliate of a program; approved unless said otherwise. */
export async function makeAffiliate(
  api: TestApi,
  ws: TestWorkspace,
  programIds: readonly string[],
  body: Readonly<Record<string, unknown>> = {},
  options: { readonly approve?: boolean } = {},
): Promise<string> {
  const email = `${newId('affiliate').slice(-10)}@blog.example`;
  const made = await api.as(ws.key, '/v1/affiliates', { body: { name: 'Ada', email, programIds, ...body } });
  if (made.status !== 201) throw new Error(made.text);
  const id: string = made.body['id'];
  if (options.approve === false) return id;
  const approved = await api.as(ws.key, `/v1/affiliates/${id}/approve`, { body: {} });
  if (approved.status !== 200) throw new Error(approved.text);
  return id;
}

type Item = Readonly<Record<string, unknown>>;

/** The items of a list's page. */
export function dataOf(answer: TestAnswer): readonly Item[] {
  return answer.body['data'] as unknown as readonly Item[];
}

/** What two problems have in common when they say the same: all but whose request it was. */
export function withoutRequest(answer: TestAnswer): Item {
  const { requestId: _requestId, instance: _instance, ...problem } = answer.body as unknown as Record<string, unknown>;
  return problem;
}
