import type { Knex } from 'knex';
import { Generator, type Planted, randomOf } from './fraudGenerator.js';
import { patterns } from './fraudPatterns.js';

export const clicksInAll = 100_000;
export const buyersInAll = 10_000;
const perPattern = 18;
const honestAffiliates = 400;
const perInsert = 2_000;

/** The labelled set, the same for a seed: every pattern of fraud, the hard honest cases, and honest journeys up to the numbers above. */
export function plant(of: { workspaceId: string; programId: string; start: number; seed: number }): Planted {
  const random = randomOf(of.seed);
  const g = new Generator({ ...of, random });
  for (const [, pattern] of Object.entries(patterns))
    for (let index = 0; index < perPattern; index += 1) pattern(g, random, index);

  const affiliates = Array.from({ length: honestAffiliates }, () => g.affiliate().id);
  affiliates.forEach((id, index) => g.device(id, g.at(), `desk ${index}`, 'Portal'));
  // An honest office of twelve behind one address, each with a browser of its own, and colleagues who buy there by a link of one of them.
  const office = affiliates.slice(0, 12);
  office.forEach((id, index) => g.device(id, g.at(), 'office', `Browser ${index}`));
  for (let one = 0; one < 60; one += 1) {
    const affiliateId = office[one % office.length] ?? '';
    const at = g.at();
    const when = at - random.between(60_000, 900_000);
    const id = g.click({ affiliateId, at: when, address: 'office', agent: `Colleague ${one}` });
    g.buyer({
      affiliateId,
      at,
      clicks: [{ id, at: when, affiliateId }],
      sale: 'succeeded',
      sender: { address: 'office', agent: `Colleague ${one}` },
    });
  }
  // A carrier's address with up to fifteen customers a minute; people who decide in seconds; two blogs compared side by side.
  for (let minute = 0; minute < 40; minute += 1) {
    const at = g.at();
    for (let one = 0; one < random.between(5, 15); one += 1) {
      const affiliateId = affiliates[random.between(0, affiliates.length - 1)] ?? '';
      const when = at + one * 2_000;
      const id = g.click({ affiliateId, at: when, address: `carrier ${minute}`, agent: `Phone ${one}` });
      if (one % 3 === 0)
        g.buyer({ affiliateId, at: when + random.between(5_000, 60_000), clicks: [{ id, at: when, affiliateId }] });
    }
  }
  for (let one = 0; one < 150; one += 1) {
    const [a, b] = [affiliates[one] ?? '', affiliates[one + 150] ?? ''];
    const at = g.at();
    const address = `compare ${one}`;
    const [first, second] = [at - random.between(30, 480) * 1_000, at - random.between(5, 25) * 1_000];
    const clicks = [
      { id: g.click({ affiliateId: a, at: first, address }), at: first, affiliateId: a },
      { id: g.click({ affiliateId: b, at: second, address }), at: second, affiliateId: b },
    ];
    g.buyer({ affiliateId: b, at, clicks });
  }
  while (g.planted.buyers.length < buyersInAll)
    g.honest(affiliates[random.between(0, affiliates.length - 1)] ?? '', affiliates);
  const clicks = g.planted.rows.get('clicks') ?? [];
  while (clicks.length < clicksInAll)
    g.click({
      affiliateId: affiliates[random.between(0, affiliates.length - 1)] ?? '',
      at: g.at(),
      address: `visitor ${random.between(1, 1_000_000_000)}`,
    });
  return g.planted;
}

const order = [
  'contacts',
  'affiliates',
  'affiliate_devices',
  'payout_methods',
  'clicks',
  'click_details',
  'referrals',
  'touches',
  'leads',
  'lead_details',
  'sales',
] as const;

/** Writes the set as the tables' owner, parents first. */
export async function insert(owner: Knex, planted: Planted): Promise<void> {
  for (const table of order) {
    const rows = planted.rows.get(table) ?? [];
    // One contact per mailbox is enforced; the second of a pair stands for a spelling that came in before the rule.
    const clean = rows.map(({ merged_into_id: later, ...row }) =>
      later === undefined ? row : { ...row, merged_into_id: null },
    );
    for (let from = 0; from < clean.length; from += perInsert)
      await owner.batchInsert(table, clean.slice(from, from + perInsert), 500);
  }
}
