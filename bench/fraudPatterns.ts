import { newId } from '../platform/newId.js';
import type { Generator, Random, Row } from './fraudGenerator.js';

/** Plants one fraud of a pattern; each draws its sizes on both sides of what the rules look for. */
type Pattern = (g: Generator, random: Random, index: number) => void;

function simple(
  g: Generator,
  affiliateId: string,
  pattern: string,
  more: {
    contactId?: string;
    gapMs?: number;
    address?: string;
    agent?: string;
    sender?: { address: string; agent?: string };
  } = {},
): void {
  const at = g.at();
  const when = at - (more.gapMs ?? 300_000);
  const id = g.click({
    affiliateId,
    at: when,
    address: more.address ?? `f ${affiliateId}`,
    ...(more.agent === undefined ? {} : { agent: more.agent }),
  });
  g.buyer({
    affiliateId,
    at,
    clicks: [{ id, at: when, affiliateId }],
    pattern,
    ...(more.contactId === undefined ? {} : { contactId: more.contactId }),
    ...(more.sender === undefined ? {} : { sender: more.sender }),
  });
}

/** The 24 patterns of fraud, by name. */
export const patterns: Readonly<Record<string, Pattern>> = {
  ownContact: (g) => {
    const own = g.affiliate();
    simple(g, own.id, 'ownContact', { contactId: own.contactId });
  },
  ...Object.fromEntries(
    ['ownMail', 'ownMailDots', 'ownMailPlus', 'ownMailProvider'].map((name): [string, Pattern] => [
      name,
      (g, _random, index) => {
        const key = `${name}${index}@gmail.com`; // what every spelling comes to
        const own = g.affiliate({}, { email_key: key, merged_into_id: 'later' });
        simple(g, own.id, name, { contactId: g.contact({ email_key: key }) });
      },
    ]),
  ),
  ...Object.fromEntries(
    ['ownPhone', 'ownPhoneForm'].map((name): [string, Pattern] => [
      name,
      (g, _random, index) => {
        const key = `+4860${name.length}${String(index).padStart(6, '0')}`;
        const own = g.affiliate({}, { phone_key: key });
        simple(g, own.id, name, { contactId: g.contact({ phone_key: key }) });
      },
    ]),
  ),
  samePayoutAccount: (g, _random, index) => {
    const [own, second] = [g.affiliate(), g.affiliate()];
    for (const { id } of [own, second]) g.add('payout_methods', methodOf(id, `self ${index}`));
    simple(g, own.id, 'samePayoutAccount', { contactId: second.contactId });
  },
  sameBrowser: (g) => {
    const own = g.affiliate();
    const at = g.at();
    const id = g.click({ affiliateId: own.id, at: at - 60_000, address: `b ${own.id}` });
    g.device(own.id, at - 50_000, 'elsewhere', 'Portal', id);
    g.buyer({
      affiliateId: own.id,
      at,
      clicks: [{ id, at: at - 60_000, affiliateId: own.id }],
      pattern: 'sameBrowser',
    });
  },
  sameBrowserLater: (g) => {
    const own = g.affiliate();
    const at = g.at();
    const first = g.click({ affiliateId: own.id, at: at - 600_000, address: `l ${own.id}` });
    g.device(own.id, at - 500_000, 'elsewhere', 'Portal', first);
    const id = g.click({ affiliateId: own.id, at: at - 60_000, address: `l2 ${own.id}`, previous: first });
    g.buyer({
      affiliateId: own.id,
      at,
      clicks: [{ id, at: at - 60_000, affiliateId: own.id }],
      pattern: 'sameBrowserLater',
    });
  },
  ...Object.fromEntries(
    (
      [
        ['sameDevice', 3],
        ['sameDeviceLate', 25],
      ] as const
    ).map(([name, hours]): [string, Pattern] => [
      name,
      (g, random) => {
        const own = g.affiliate();
        const at = g.at();
        const address = `d ${own.id}`;
        const when = at - 120_000;
        g.device(own.id, when - Math.floor(random.next() * hours * 3_600_000), address);
        const id = g.click({ affiliateId: own.id, at: when, address });
        g.buyer({ affiliateId: own.id, at, clicks: [{ id, at: when, affiliateId: own.id }], pattern: name });
      },
    ]),
  ),
  formFromDevice: (g) => {
    const own = g.affiliate();
    const at = g.at();
    const address = `form ${own.id}`;
    g.device(own.id, at - 3_600_000, address);
    const id = g.click({ affiliateId: own.id, at: at - 60_000, address: `proxy ${own.id}` });
    g.buyer({
      affiliateId: own.id,
      at,
      clicks: [{ id, at: at - 60_000, affiliateId: own.id }],
      pattern: 'formFromDevice',
      sender: { address },
    });
  },
  ...Object.fromEntries(
    (
      [
        ['clickBurst', 20, 30],
        ['clickStorm', 40, 90],
      ] as const
    ).map(([name, low, high]): [string, Pattern] => [
      name,
      (g, random) => {
        const own = g.affiliate();
        const at = g.at();
        const address = `burst ${own.id}`;
        const ids = Array.from({ length: random.between(low, high) }, (_, index) =>
          g.click({ affiliateId: own.id, at: at - 40_000 + index * 300, address, agent: 'curl' }),
        );
        g.buyer({
          affiliateId: own.id,
          at,
          clicks: [{ id: ids[0] ?? '', at: at - 40_000, affiliateId: own.id }],
          pattern: name,
        });
      },
    ]),
  ),
  ...Object.fromEntries(
    (
      [
        ['leadBurst', 6, 12],
        ['leadStorm', 15, 30],
      ] as const
    ).map(([name, low, high]): [string, Pattern] => [
      name,
      // One burst is several buyers: the pattern is planted once for a few.
      (g, random, index) => {
        if (index % 6 !== 0) return;
        const own = g.affiliate();
        const at = g.at();
        const address = `leads ${own.id}`;
        for (let one = 0; one < random.between(low, high); one += 1) {
          const when = at + one * 15_000;
          const id = g.click({ affiliateId: own.id, at: when - 90_000, address: `pool ${own.id} ${one}` });
          g.buyer({
            affiliateId: own.id,
            at: when,
            clicks: [{ id, at: when - 90_000, affiliateId: own.id }],
            pattern: name,
            sender: { address },
          });
        }
      },
    ]),
  ),
  ...Object.fromEntries(
    (
      [
        ['lateClick', 1, 8, 30],
        ['lateClickEdge', 12, 21, 10],
      ] as const
    ).map(([name, low, high, minutes]): [string, Pattern] => [
      name,
      (g, random) => {
        const [honest, thief] = [g.affiliate(), g.affiliate()];
        const at = g.at();
        const address = `shopper ${thief.id}`;
        const earlier = at - random.between(minutes, minutes * 6) * 60_000 - 30_000;
        const late = at - random.between(low, high) * 1_000;
        const first = g.click({ affiliateId: honest.id, at: earlier, address });
        const second = g.click({ affiliateId: thief.id, at: late, address, previous: first });
        g.buyer({
          affiliateId: thief.id,
          at,
          clicks: [
            { id: first, at: earlier, affiliateId: honest.id },
            { id: second, at: late, affiliateId: thief.id },
          ],
          pattern: name,
        });
      },
    ]),
  ),
  ...Object.fromEntries(
    ['mailinator.com', 'yopmail.com'].map((domain): [string, Pattern] => [
      `throwaway ${domain}`,
      (g, _random, index) => {
        const own = g.affiliate();
        simple(g, own.id, `throwaway ${domain}`, { contactId: g.contact({ email_key: `x${index}@${domain}` }) });
      },
    ]),
  ),
  clickFlood: (g, random, index) => {
    if (index > 0) return;
    const own = g.affiliate();
    for (let one = 0; one < 12_000; one += 1)
      g.click({ affiliateId: own.id, at: g.at(), address: `net ${random.between(1, 1_000_000_000)}` });
    for (let one = 0; one < 2; one += 1) simple(g, own.id, 'clickFlood', { address: `net ${one}` });
  },
  refundAbuse: (g, random, index) => {
    if (index % 6 !== 0) return;
    const own = g.affiliate();
    const share = 0.45 + random.next() * 0.5;
    for (let one = 0; one < 12; one += 1) {
      const at = g.at();
      const id = g.click({ affiliateId: own.id, at: at - 200_000, address: `r ${own.id} ${one}` });
      g.buyer({
        affiliateId: own.id,
        at,
        clicks: [{ id, at: at - 200_000, affiliateId: own.id }],
        pattern: 'refundAbuse',
        sale: one < share * 12 ? 'refunded' : 'succeeded',
      });
    }
  },
  ring: (g, _random, index) => {
    if (index % 6 !== 0) return;
    for (let member = 0; member < 12; member += 1) {
      const own = g.affiliate();
      g.add('payout_methods', methodOf(own.id, `ring ${index} ${Math.floor(member / 2)}`));
      g.device(
        own.id,
        g.at(),
        `ring ${index} ${Math.floor((member + 1) / 2)}`,
        'Firefox',
        `clk_ring_${index}_${Math.floor((member + 1) / 2)}`,
      );
      simple(g, own.id, 'ring', { address: `customer ${own.id}` });
    }
  },
};

function methodOf(affiliateId: string, fingerprint: string): Row {
  return {
    id: newId('payoutMethod'),
    affiliate_id: affiliateId,
    type: 'bank',
    currency: 'USD',
    details: '{}',
    masked: '{}',
    fingerprint,
    status: 'active',
  };
}
