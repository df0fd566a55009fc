// Is fraud caught, and are honest affiliates left alone? (reliability.md G29) A labelled set made from a seed: 100,000 clicks and 10,000 buyers,
// most of them honest, hard cases among them, and 24 patterns of fraud whose sizes are drawn on both sides of the limits. It goes through
// Postgres: the same statements gather the signals, the same rules judge them.
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import knexFactory, { type Knex } from 'knex';
import { connect } from '../db/connection.js';
import {
  listAffiliateSignals,
  listRecruiters,
  listSharedEdges,
  readReferralSignals,
} from '../db/reads/tracking/riskSignals.js';
import { readWorkspace } from '../db/transaction.js';
import { isBlockingRisk } from '../domain/tracking/riskFlag.js';
import { findRings, judgeAffiliate, judgeReferral } from '../domain/tracking/riskRules.js';
import { newId } from '../platform/newId.js';
import { migrateUp } from '../db/migrate.js';
import { prepareDatabase, startPostgres } from '../platform/embedded/postgres.js';
import { freePorts } from '../test/support/freePorts.js';
import type { Bench, Measured } from './measure.js';

const seed = Number(process.env['FRAUD_SEED'] ?? 20_261_126);
const clicksInAll = 100_000;
const buyersInAll = 10_000;
const perPattern = 18;
const honestAffiliates = 400;
const spanMs = 20 * 3_600_000;
const perInsert = 2_000;
const perPage = 500;

export const fraudBench: Bench = {
  names: ['fraudRecall', 'fraudPrecision', 'fraudHonestHeld'],
  what: `recall, precision and honest buyers held over ${clicksInAll} clicks, ${buyersInAll} buyers and 24 patterns of fraud`,
  takes: '1 minute',
  run,
};

interface Random {
  /** From 0 to below 1. */
  next(): number;
  between(low: number, high: number): number;
  bytes(text: string): Buffer;
}

/** One sequence per seed (mulberry32). */
function randomOf(start: number): Random {
  let state = start >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    bytes: (text) => createHash('sha256').update(text).digest(),
  };
}

type Row = Record<string, unknown>;

/** What is planted, table by table. */
interface Planted {
  readonly rows: Map<string, Row[]>;
  /** Referral → its pattern; honest ones are not in it. */
  readonly fraud: Map<string, string>;
  readonly buyers: string[];
}

class Generator {
  readonly planted: Planted = { rows: new Map(), fraud: new Map(), buyers: [] };
  private readonly workspaceId: string;
  private readonly programId: string;
  private readonly random: Random;
  private readonly start: number;
  private people = 0;

  constructor(of: { workspaceId: string; programId: string; random: Random; start: number }) {
    this.workspaceId = of.workspaceId;
    this.programId = of.programId;
    this.random = of.random;
    this.start = of.start;
  }

  add(table: string, row: Row): void {
    const rows = this.planted.rows.get(table) ?? [];
    rows.push({ workspace_id: this.workspaceId, ...row });
    this.planted.rows.set(table, rows);
  }

  at(): number {
    return this.start + Math.floor(this.random.next() * spanMs);
  }

  contact(columns: Row = {}): string {
    const id = newId('contact');
    this.people += 1;
    this.add('contacts', { id, email_key: `p${this.people}@mail.example`, phone_key: null, ...columns });
    return id;
  }

  affiliate(columns: Row = {}, person: Row = {}): { id: string; contactId: string } {
    const id = newId('affiliate');
    const contactId = this.contact(person);
    this.add('affiliates', {
      id,
      contact_id: contactId,
      name: id,
      email: `${id}@blog.example`,
      status: 'approved',
      recruiter_id: null,
      ...columns,
    });
    return { id, contactId };
  }

  click(of: { affiliateId: string; at: number; address: string; agent?: string; previous?: string | null }): string {
    const id = newId('click');
    const created_at = new Date(of.at);
    this.add('clicks', {
      id,
      mode: 'live',
      link_id: 'lnk',
      affiliate_id: of.affiliateId,
      program_id: this.programId,
      credit: 'credited',
      previous_click_id: of.previous ?? null,
      created_at,
    });
    this.add('click_details', {
      click_id: id,
      address_hash: this.random.bytes(of.address),
      user_agent: of.agent ?? 'Firefox',
      created_at,
    });
    return id;
  }

  device(
    affiliateId: string,
    at: number,
    address: string,
    agent = 'Firefox',
    visitorClickId: string | null = null,
  ): void {
    this.add('affiliate_devices', {
      affiliate_id: affiliateId,
      address_hash: this.random.bytes(address),
      user_agent: agent,
      visitor_click_id: visitorClickId,
      seen_at: new Date(at),
    });
  }

  /** A referral with its lead and the clicks that led to it, credited to the affiliate of the last. */
  buyer(of: {
    readonly affiliateId: string;
    readonly contactId?: string;
    readonly at: number;
    readonly clicks: readonly { readonly id: string; readonly at: number; readonly affiliateId: string }[];
    readonly pattern?: string;
    readonly sale?: 'succeeded' | 'refunded';
    readonly sender?: { readonly address: string; readonly agent?: string };
  }): string {
    const id = newId('referral');
    const contactId = of.contactId ?? this.contact();
    const at = new Date(of.at);
    this.add('referrals', {
      id,
      mode: 'live',
      program_id: this.programId,
      status: 'pending',
      stage: 'lead',
      contact_id: contactId,
      affiliate_id: of.affiliateId,
      first_affiliate_id: of.clicks[0]?.affiliateId ?? of.affiliateId,
      last_affiliate_id: of.affiliateId,
      lead_at: at,
    });
    for (const click of of.clicks)
      this.add('touches', {
        referral_id: id,
        kind: 'click',
        source_id: click.id,
        affiliate_id: click.affiliateId,
        occurred_at: new Date(click.at),
        ends_at: new Date(click.at + 30 * 86_400_000),
      });
    const leadId = newId('lead');
    this.add('leads', {
      id: leadId,
      mode: 'live',
      source: 'main',
      content_hash: Buffer.alloc(0),
      event: 'registration',
      channel: 'form',
      verdict: 'accepted',
      contact_id: contactId,
      affiliate_id: of.affiliateId,
      referral_id: id,
      occurred_at: at,
      created_at: at,
    });
    if (of.sender !== undefined)
      this.add('lead_details', {
        lead_id: leadId,
        address_hash: this.random.bytes(of.sender.address),
        user_agent: of.sender.agent ?? 'Firefox',
        created_at: at,
      });
    if (of.sale !== undefined)
      this.add('sales', {
        id: newId('sale'),
        mode: 'live',
        source: 'main',
        external_id: id,
        content_hash: Buffer.alloc(0),
        type: 'payment',
        status: of.sale,
        channel: 'api',
        currency: 'USD',
        captured_minor: 1_000,
        lines: '[]',
        contact_id: contactId,
        referral_id: id,
        occurred_at: at,
        created_at: at,
      });
    this.planted.buyers.push(id);
    if (of.pattern !== undefined) this.planted.fraud.set(id, of.pattern);
    return id;
  }

  /** An honest journey: one to three clicks, minutes to hours apart, from an address of its own. */
  honest(affiliateId: string, others: readonly string[]): void {
    const { random } = this;
    const at = this.at();
    const address = `home ${random.between(1, 1_000_000_000)}`;
    const clicks = Array.from({ length: random.between(1, 3) }, (_, index) => {
      const by =
        index > 0 || random.next() < 0.9 ? affiliateId : (others[random.between(0, others.length - 1)] ?? affiliateId);
      const when = at - (3 - index) * random.between(60_000, 3_600_000) - random.between(5_000, 600_000);
      return { id: this.click({ affiliateId: by, at: when, address }), at: when, affiliateId: by };
    }).sort((a, b) => a.at - b.at);
    const credited = clicks.at(-1)?.affiliateId ?? affiliateId;
    this.buyer({
      affiliateId: credited,
      at,
      clicks,
      sale: random.next() < 0.08 ? 'refunded' : 'succeeded',
      sender: { address },
    });
  }
}

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

const patterns: Readonly<Record<string, Pattern>> = {
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

function plant(of: { workspaceId: string; programId: string; start: number }): Planted {
  const random = randomOf(seed);
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

async function insert(owner: Knex, planted: Planted): Promise<void> {
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

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tributary-bench-'));
  await chmod(folder, 0o755); // as root, Postgres runs as another user
  const [port = 0] = await freePorts(1);
  const postgres = await startPostgres({
    dataDir: path.join(folder, 'postgres'),
    port,
    logFile: path.join(folder, 'postgres.log'),
  });
  const { ownerUrl, appUrl } = await prepareDatabase(postgres.adminUrl, 'bench');
  await migrateUp(ownerUrl);
  const owner = knexFactory({ client: 'pg', connection: ownerUrl, pool: { min: 0, max: 1 } });
  const db = connect({ url: appUrl, poolSize: 2, applicationName: 'bench fraud' });
  try {
    const [workspaceId, programId] = [newId('workspace'), newId('program')];
    await owner('workspaces').insert({ id: workspaceId, name: 'Bench' });
    await owner('settings').insert({ workspace_id: workspaceId, version: 1, sections: '{}' });
    await owner('programs').insert({
      workspace_id: workspaceId,
      id: programId,
      name: 'P',
      slug: programId.slice(4),
      status: 'active',
      currency: 'USD',
    });
    const start = Date.now() - spanMs - 3_600_000;
    const planted = plant({ workspaceId, programId, start });
    await owner.raw('drop index contacts_email_key'); // the pairs of one mailbox
    say(
      `seed ${seed}: ${planted.rows.get('clicks')?.length ?? 0} clicks, ${planted.buyers.length} buyers, ${planted.fraud.size} of them fraud`,
    );
    await insert(owner, planted);
    await owner.raw('analyze');

    const flagged = new Map<string, readonly string[]>();
    const began = performance.now();
    const affiliateOf = new Map<string, string | null>();
    for (let from = 0; from < planted.buyers.length; from += perPage) {
      const page = planted.buyers.slice(from, from + perPage);
      const signals = await readWorkspace(db, workspaceId, (tx) => readReferralSignals(tx, page));
      for (const one of signals) {
        affiliateOf.set(one.referralId, one.affiliateId);
        const codes = judgeReferral(one)
          .filter(({ code }) => isBlockingRisk(code))
          .map(({ code }) => code);
        if (codes.length > 0) flagged.set(one.referralId, codes);
      }
    }
    const perReferralMs = (performance.now() - began) / planted.buyers.length;
    const bad = await readWorkspace(db, workspaceId, async (tx) => {
      const found = new Map<string, string>();
      for (const { affiliateId, ...signals } of await listAffiliateSignals(tx))
        for (const { code } of judgeAffiliate(signals)) found.set(affiliateId, code);
      const edges = await listSharedEdges(tx);
      for (const cluster of findRings(edges)) for (const member of cluster.members) found.set(member, 'ring');
      const hands = findRings(edges, 2);
      for (const { id, recruiterId } of await listRecruiters(
        tx,
        hands.flatMap((hand) => hand.members),
      ))
        if (hands.some((hand) => hand.members.includes(id) && hand.members.includes(recruiterId)))
          found.set(id, 'chain_abuse');
      return found;
    });
    for (const [referralId, affiliateId] of affiliateOf) {
      const code = affiliateId === null ? undefined : bad.get(affiliateId);
      if (code !== undefined) flagged.set(referralId, [...(flagged.get(referralId) ?? []), code]);
    }

    const caught = [...planted.fraud.keys()].filter((id) => flagged.has(id)).length;
    const wrong = [...flagged.keys()].filter((id) => !planted.fraud.has(id));
    const recall = caught / planted.fraud.size;
    const precision = caught / Math.max(1, flagged.size);
    const honestHeld = wrong.length / (planted.buyers.length - planted.fraud.size);
    const missed = new Map<string, number>();
    for (const [id, pattern] of planted.fraud)
      if (!flagged.has(id)) missed.set(pattern, (missed.get(pattern) ?? 0) + 1);
    const why = new Map<string, number>();
    for (const id of wrong) for (const code of flagged.get(id) ?? []) why.set(code, (why.get(code) ?? 0) + 1);
    const notes = [
      `seed ${seed}; ${planted.fraud.size} fraudulent of ${planted.buyers.length} buyers in ${Object.keys(patterns).length} patterns`,
      `caught ${caught}; missed ${[...missed].map(([pattern, count]) => `${pattern} ${count}`).join(', ') || 'none'}`,
      `honest buyers held ${wrong.length}${wrong.length === 0 ? '' : `: ${[...why].map(([code, count]) => `${code} ${count}`).join(', ')}`}`,
      `${perReferralMs.toFixed(2)} ms per referral to gather and judge, in pages of ${perPage}`,
    ];
    notes.forEach(say);
    const figure = (name: string, against: string, ours: number, goal: string): Measured => ({
      name,
      against,
      unit: 'share',
      rounds: [{ ours, theirs: 1 }],
      goal,
      notes,
    });
    return [
      figure('fraudRecall', 'every planted fraud', recall, '>= 0.95'),
      figure('fraudPrecision', 'every flagged buyer', precision, '>= 0.98'),
      figure('fraudHonestHeld', 'every honest buyer', honestHeld, '<= 0.005'),
    ];
  } finally {
    await db.destroy();
    await owner.destroy();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
