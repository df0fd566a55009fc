import { createHash } from 'node:crypto';
import { newId } from '../platform/newId.js';

/** All of the set happens within these milliseconds. */
export const spanMs = 20 * 3_600_000;

/** Draws of the one sequence of a seed. */
export interface Random {
  /** From 0 to below 1. */
  next(): number;
  between(low: number, high: number): number;
  bytes(text: string): Buffer;
}

/** One sequence per seed (mulberry32). */
export function randomOf(start: number): Random {
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

/** A row of a table, by column. */
export type Row = Record<string, unknown>;

/** What is planted, table by table. */
export interface Planted {
  readonly rows: Map<string, Row[]>;
  /** Referral → its pattern; honest ones are not in it. */
  readonly fraud: Map<string, string>;
  readonly buyers: string[];
}

/** Makes rows as the product would have written them, and keeps who is a fraud. Writes nothing. */
export class Generator {
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
