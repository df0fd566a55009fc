import { textAt } from '../support/apiClient.js';

/** Calls that fail when the answer is no success, as `sessionCalls` gives them. */
type Must = (method: string, path: string, body?: unknown) => Promise<unknown>;
type Fields = { readonly name: string } & Readonly<Record<string, unknown>>;

/** What a shop has before its first affiliate: a published program in USD with its terms, and 20 % of each payment for one product. */
export async function openProgram(
  must: Must,
  program: Fields,
  product: Fields,
): Promise<{ readonly programId: string; readonly slug: string }> {
  const made = await must('POST', '/v1/programs', {
    currency: 'USD',
    fallbackUrl: 'https://shop.example/',
    destinationHosts: ['shop.example'],
    ...program,
  });
  const programId = textAt(made, 'id');
  const productId = textAt(await must('POST', '/v1/products', product), 'id');
  await must('POST', `/v1/programs/${programId}/products`, { productId });
  await must('POST', '/v1/commission-rules', {
    name: '20 %',
    scope: 'program',
    programId,
    event: 'payment',
    base: 'net',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  await must('POST', `/v1/programs/${programId}/agreements`, {
    kind: 'terms',
    title: 'Terms',
    text: 'Be fair.',
    mustAccept: false,
  });
  await must('POST', `/v1/programs/${programId}/publish`);
  return { programId, slug: textAt(made, 'slug') };
}
