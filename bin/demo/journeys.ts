import { defaultSettings } from '../../domain/access/settings.js';
import type { Actor } from '../../domain/act.js';
import { firstDeadline } from '../../domain/earning/deadline.js';
import { laterStage, type ReferralStage, type ReferralStatus } from '../../domain/earning/referral.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, ContactId, LeadId, LinkId, ReferralId } from '../../domain/ids.js';
import { addMs, durationMs, epochMs, type Instant } from '../../domain/time.js';
import { chooseTouch, type Touch } from '../../domain/tracking/attribution.js';
import { emailKey } from '../../domain/tracking/contactKey.js';
import type { LeadVerdict } from '../../domain/tracking/lead.js';
import { workflowIds } from '../../workflows/contract.js';
import type { DemoAffiliate, DemoLink } from './affiliates.js';
import { countries, customerName } from './cast.js';
import { type Told, untold } from './rows.js';
import type { DemoProgram } from './setUp.js';
import { dayMs, hourMs, minuteMs, soon, sooner, system, visitor, type Year } from './year.js';

/** Somebody's way from a click to a customer, as the rows will tell it. */
export interface Journey {
  readonly told: Told<ReferralStatus>;
  readonly id: ReferralId;
  readonly program: DemoProgram;
  readonly visitorId: string;
  readonly createdAt: Instant;
  readonly touches: Touch[];
  stage: ReferralStage;
  windowEndsAt: Instant;
  visitAt: Instant | null;
  leadAt: Instant | null;
  saleAt: Instant | null;
  pendingSince: Instant | null;
  decideBy: Instant | null;
  decidedAt: Instant | null;
  changedAt: Instant;
  affiliate: DemoAffiliate | null;
  linkId: LinkId | null;
  first: AffiliateId | null;
  last: AffiliateId | null;
  sub1: string | null;
  customer: Customer | null;
}

export interface Customer {
  readonly number: number;
  readonly contactId: ContactId;
  readonly externalId: string;
  readonly email: string;
  readonly lead: { readonly told: Told<LeadVerdict>; readonly id: LeadId };
}

/** What follows from a journey: the payments' part of the year hands it in. */
export interface Consequences {
  /** A lead became known: it may buy. */
  onLead(journey: Journey, at: Instant): void;
  /** Somebody decided: what waits for it goes on or goes. */
  onDecision(journey: Journey, at: Instant, decision: { readonly id: string; readonly actor: Actor } | null): void;
}

/** A click's own chance to be followed up by a visit, and by a lead. */
const visits = 0.5;
const leads = 0.21;
const subs = ['kw1', 'footer', 'banner-a', 'banner-b', 'bio'] as const;

const agents = {
  iphone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
  android:
    'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36',
  windows:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  mac: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  linux: 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0',
  ipad: 'Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
} as const;
/** Of ten people as many as stand here have it. */
const carried = [
  agents.iphone,
  agents.iphone,
  agents.android,
  agents.android,
  agents.windows,
  agents.windows,
  agents.windows,
  agents.mac,
  agents.linux,
  agents.ipad,
] as const;
const botAgent = 'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)';

/** Somebody's device is theirs on every click. It follows from their id and draws nothing: the rest of the year stays as it was. */
function agentOf(id: string): string {
  const sum = Buffer.from(id).reduce((total, byte) => (total * 31 + byte) % 9_973, 0);
  return carried[sum % carried.length] ?? agents.windows;
}

export function followClicks(year: Year, affiliates: readonly DemoAffiliate[], consequences: Consequences): void {
  const { chance, agenda, rows, startsAt, until } = year;
  const recent: { journey: Journey; lastClickId: string }[] = [];
  let customers = 0;
  const byId = new Map(affiliates.map((affiliate) => [affiliate.id as string, affiliate]));

  // Busier from month to month, quieter at weekends, and one day on which somebody's newsletter went out.
  const days = Math.ceil((epochMs(until) - epochMs(startsAt)) / dayMs);
  for (let day = 0; day < days; day += 1) {
    const from = addMs(startsAt, day * dayMs);
    const weekday = (Math.floor(epochMs(from) / dayMs) + 4) % 7; // 1970 began on a Thursday; Sunday is 0
    const quiet = weekday === 0 || weekday === 6 ? 0.6 : 1;
    const loud = day === days - 9 ? 2.8 : 1;
    const count = Math.round((7 + (13 * day) / days) * quiet * loud * (0.75 + 0.5 * chance.next()));
    for (let click = 0; click < count; click += 1)
      agenda.enter(addMs(from, Math.round((6 + 17 * chance.next()) * hourMs)), (at) => follow(at));
  }

  function follow(at: Instant): void {
    const back = chance.is(0.18) && recent.length > 0 ? chance.pick(recent.slice(-120)) : undefined;
    const wanted = back?.journey.program;
    const affiliate = chance.weighted(affiliates, (one) =>
      one.joinedAt < at && one.links.some((link) => wanted === undefined || link.program === wanted) ? one.weight : 0,
    );
    const usable = (affiliate?.links ?? []).filter(
      (link) => link.createdAt < at && (wanted === undefined || link.program === wanted),
    );
    const link = chance.weighted(usable, (one) => one.program.plan.weight);
    if (affiliate === undefined || link === undefined) return;
    const refusal = refusalOf(at, affiliate, link);
    const id = chance.newId('click', at);
    const isCredited = refusal === null;
    const windowMs = durationMs(link.program.terms.attributionWindow);
    const sub1 = chance.is(0.3) ? chance.pick(subs) : null;
    const journey = isCredited ? credit(at, id, affiliate, link, windowMs, sub1, back?.journey) : undefined;
    rows.add('clicks', {
      id,
      workspace_id: year.workspaceId,
      mode: 'live',
      link_id: link.id,
      affiliate_id: affiliate.id,
      program_id: link.program.id,
      previous_click_id: back !== undefined && journey === back.journey ? back.lastClickId : null,
      visitor_id: journey?.visitorId ?? null,
      credit: refusal?.credit ?? 'credited',
      credit_code: refusal?.code ?? null,
      sub1,
      query: sub1 === null ? null : `sid=${sub1}`,
      referrer: chance.is(0.6) ? `https://${affiliate.links[0]?.slug ?? 'x'}.test/` : null,
      window_seconds: windowMs / 1_000,
      referral_id: journey?.id ?? null,
      taken_up_at: isCredited ? addMs(at, 180) : null,
      created_at: at,
    });
    // Older ones are dropped by the sweep, as everywhere.
    if (at >= addMs(until, -durationMs(defaultSettings.privacy.clickDetails)))
      rows.add('click_details', {
        click_id: id,
        workspace_id: year.workspaceId,
        user_agent: refusal?.code === 'bot' ? botAgent : agentOf(journey?.visitorId ?? id),
        created_at: at,
      });
    if (journey !== undefined) recent.push({ journey, lastClickId: id });
  }

  function refusalOf(
    at: Instant,
    affiliate: DemoAffiliate,
    link: DemoLink,
  ): { readonly credit: 'filtered' | 'not_credited'; readonly code: string } | null {
    if (chance.is(0.045)) return { credit: 'filtered', code: chance.pick(['bot', 'preview', 'prefetch']) };
    if (affiliate.told.status !== 'approved') return { credit: 'not_credited', code: 'affiliate_not_active' };
    if (link.expiresAt !== null && link.expiresAt <= at) return { credit: 'not_credited', code: 'link_expired' };
    return chance.is(0.02) ? { credit: 'not_credited', code: 'consent_refused' } : null;
  }

  function credit(
    at: Instant,
    clickId: string,
    affiliate: DemoAffiliate,
    link: DemoLink,
    windowMs: number,
    sub1: string | null,
    back: Journey | undefined,
  ): Journey {
    const touch: Touch = {
      kind: 'click',
      sourceId: clickId,
      affiliateId: affiliate.id,
      linkId: link.id,
      sub1,
      occurredAt: at,
      endsAt: addMs(at, windowMs),
    };
    const cause = { type: 'click', id: clickId };
    const taken = addMs(at, 180);
    if (back !== undefined && back.told.status !== 'expired' && back.program === link.program) {
      back.touches.push(touch);
      if (back.windowEndsAt < touch.endsAt) back.windowEndsAt = touch.endsAt;
      back.changedAt = taken;
      rows.tell(back.told, {
        at: taken,
        event: 'touched',
        actor: visitor,
        cause,
        changes: { windowEndsAt: back.windowEndsAt },
      });
      return back;
    }
    const journey = begin(at, taken, touch, link, cause);
    if (chance.is(visits)) agenda.enter(soon(chance, taken, 2_000, 40_000), (seen) => visit(seen, journey, touch));
    if (chance.is(leads)) agenda.enter(sooner(chance, at, 2 * minuteMs, windowMs / 3), (told) => lead(told, journey));
    return journey;
  }

  function begin(
    at: Instant,
    taken: Instant,
    touch: Touch,
    link: DemoLink,
    cause: { readonly type: string; readonly id: string },
  ): Journey {
    const id = chance.newId('referral', taken);
    const visitorId = chance.newId('visitor', taken);
    const journey: Journey = {
      told: untold('referral', id),
      id,
      program: link.program,
      visitorId,
      createdAt: taken,
      touches: [touch],
      stage: 'click',
      windowEndsAt: touch.endsAt,
      visitAt: null,
      leadAt: null,
      saleAt: null,
      pendingSince: null,
      decideBy: null,
      decidedAt: null,
      changedAt: taken,
      affiliate: null,
      linkId: null,
      first: null,
      last: null,
      sub1: touch.sub1,
      customer: null,
    };
    rows.tell(journey.told, {
      at: taken,
      event: 'clicked',
      to: 'tracking',
      actor: visitor,
      cause,
      changes: { programId: link.program.id, stage: 'click', visitorId, clickAt: at, windowEndsAt: touch.endsAt },
    });
    rows.add('program_visitors', {
      program_id: link.program.id,
      visitor_id: visitorId,
      mode: 'live',
      created_at: taken,
    });
    agenda.enter(touch.endsAt, (over) => endWindow(over, journey));
    year.atTheEnd.push(() => store(journey, at));
    return journey;
  }

  function endWindow(at: Instant, journey: Journey): void {
    if (journey.told.status !== 'tracking') return;
    if (journey.windowEndsAt > at) return agenda.enter(journey.windowEndsAt, (over) => endWindow(over, journey));
    journey.changedAt = at;
    rows.tell(journey.told, { at, event: 'windowEnded', to: 'expired', actor: system });
    return undefined;
  }

  function visit(at: Instant, journey: Journey, touch: Touch): void {
    if (journey.visitAt !== null || journey.told.status !== 'tracking') return;
    const id = chance.newId('visit', at);
    rows.add('visits', {
      id,
      mode: 'live',
      click_id: touch.sourceId,
      link_id: touch.linkId,
      visitor_id: journey.visitorId,
      referral_id: journey.id,
      day: at.slice(0, 10),
      url: journey.program.landingUrl,
      created_at: at,
    });
    journey.visitAt = at;
    journey.stage = laterStage(journey.stage, 'visit');
    journey.changedAt = at;
    rows.tell(journey.told, {
      at,
      event: 'visited',
      actor: visitor,
      cause: { type: 'visit', id },
      changes: { stage: journey.stage, visitAt: at },
    });
  }

  function lead(at: Instant, journey: Journey): void {
    if (journey.told.status !== 'tracking') return;
    const shop: Actor = year.ground.staff.developer;
    const program = journey.program;
    customers += 1;
    const customer = storeCustomer(year, customers, at, journey);
    const { told } = customer.lead;
    const cause = { type: 'lead', id: customer.lead.id };
    const applied = addMs(at, 900);
    rows.tell(told, {
      at,
      event: 'received',
      to: 'received',
      actor: shop,
      changes: { channel: 'api', event: 'registration', referralId: journey.id, contactId: customer.contactId },
    });
    const attribution = chooseTouch({
      touches: journey.touches,
      at,
      referrerChoice: program.terms.referrerChoice,
      couponPriority: program.terms.couponPriority,
      first: null,
      last: null,
      couponProblem: null,
    });
    const credited = byId.get(attribution.affiliateId ?? '');
    assertInvariant(credited !== undefined, 'a journey in its window has a touch that counts', { id: journey.id });
    storeAttribution(year, journey, customer.lead.id, applied, attribution);
    journey.customer = customer;
    journey.affiliate = credited;
    journey.linkId = attribution.winner?.linkId ?? null;
    journey.sub1 = attribution.winner?.sub1 ?? null;
    journey.first = attribution.first;
    journey.last = attribution.last;
    journey.stage = laterStage(journey.stage, 'lead');
    journey.leadAt = at;
    rows.tell(journey.told, {
      at: applied,
      event: 'leadReported',
      to: 'pending',
      actor: shop,
      cause,
      changes: { contactId: customer.contactId, affiliateId: credited.id, stage: journey.stage, leadAt: at },
    });
    rows.tell(told, { at: applied, event: 'accepted', to: 'accepted', actor: shop, cause });
    rows.tell(told, { at: applied, event: 'processed', actor: shop, cause, changes: { outcome: 'attributed' } });
    journey.pendingSince = applied;
    journey.decideBy = firstDeadline(applied, program.terms);
    journey.changedAt = applied;
    rows.tell(journey.told, {
      at: applied,
      event: 'waitOpened',
      actor: system,
      changes: { pendingSince: applied, decideBy: journey.decideBy },
    });
    if (program.terms.referralApproval === 'automatic') decide(applied, journey, 'approve', system);
    else if (!chance.is(0.01))
      agenda.enter(sooner(chance, applied, 20 * minuteMs, 6 * dayMs), (when) =>
        decide(when, journey, chance.is(0.09) ? 'reject' : 'approve', year.ground.staff.reviewer),
      );
    consequences.onLead(journey, applied);
  }

  function decide(at: Instant, journey: Journey, verb: 'approve' | 'reject', actor: Actor): void {
    if (journey.told.status !== 'pending') return;
    const to = verb === 'approve' ? 'approved' : 'rejected';
    journey.decidedAt = at;
    journey.decideBy = null;
    journey.changedAt = at;
    const reasonCode = verb === 'approve' ? 'staff_decision' : chance.pick(['invalid_lead', 'staff_decision', 'fraud']);
    const changes = { decidedAt: at, decideBy: null };
    if (actor === system) {
      rows.tell(journey.told, { at, event: to, to, actor, changes });
      return consequences.onDecision(journey, at, null);
    }
    const id = chance.newId('decision', at);
    const decision = { id, actor };
    storeDecision(year, journey, at, { id, verb, actor, reasonCode });
    rows.tell(journey.told, { at, event: to, to, actor, cause: { type: 'decision', id }, reasonCode, changes });
    consequences.onDecision(journey, at, decision);
    return undefined;
  }

  function store(journey: Journey, clickAt: Instant): void {
    rows.add('referrals', {
      id: journey.id,
      mode: 'live',
      program_id: journey.program.id,
      status: journey.told.status,
      stage: journey.stage,
      visitor_id: journey.visitorId,
      contact_id: journey.customer?.contactId ?? null,
      affiliate_id: journey.affiliate?.id ?? null,
      link_id: journey.linkId,
      first_affiliate_id: journey.first,
      last_affiliate_id: journey.last,
      referrer_choice: journey.customer === null ? null : journey.program.terms.referrerChoice,
      window_ends_at: journey.windowEndsAt,
      decide_by: journey.decideBy,
      pending_since: journey.pendingSince,
      lead_at: journey.leadAt,
      sale_at: journey.saleAt,
      visit_at: journey.visitAt,
      click_at: clickAt,
      decided_at: journey.decidedAt,
      last_changed_at: journey.changedAt,
      version: journey.told.version,
      created_at: journey.createdAt,
      updated_at: journey.changedAt,
    });
    for (const touch of journey.touches)
      rows.add('touches', {
        referral_id: journey.id,
        kind: touch.kind,
        source_id: touch.sourceId,
        affiliate_id: touch.affiliateId,
        link_id: touch.linkId,
        sub1: touch.sub1,
        occurred_at: touch.occurredAt,
        ends_at: touch.endsAt,
        created_at: touch.occurredAt,
      });
  }
}

/** The person behind a journey: contact, the shop's own number, the lead's row. */
function storeCustomer(year: Year, number: number, at: Instant, journey: Journey): Customer {
  const { rows, chance } = year;
  const name = customerName(number);
  const email = `${name.toLowerCase().replaceAll(' ', '.')}@customer.test`;
  const contactId = chance.newId('contact', at);
  const externalId = `cust-${1_000 + number}`;
  const contact = untold('contact', contactId);
  const country = chance.pick(countries);
  rows.tell(contact, { at, event: 'created', actor: year.ground.staff.developer });
  rows.add('contacts', {
    id: contactId,
    name,
    email,
    email_key: emailKey(email),
    company: null,
    country,
    version: contact.version,
    created_at: at,
    updated_at: at,
  });
  rows.add('external_customers', { mode: 'live', external_id: externalId, contact_id: contactId, created_at: at });
  const id = chance.newId('lead', at);
  const told = untold<LeadVerdict>('lead', id);
  const hash = chance.hash();
  year.atTheEnd.push(() =>
    rows.add('leads', {
      id,
      mode: 'live',
      source: 'api',
      external_id: `lead-${1_000 + number}`,
      content_hash: `\\x${hash}`,
      customer_external_id: externalId,
      event: 'registration',
      channel: 'api',
      verdict: told.status,
      name,
      email,
      country,
      contact_id: contactId,
      is_unique: true,
      program_id: journey.program.id,
      affiliate_id: journey.affiliate?.id ?? null,
      link_id: journey.linkId,
      click_id: journey.touches[0]?.sourceId ?? null,
      sub1: journey.sub1,
      referral_id: journey.id,
      attribution_status: 'attributed',
      occurred_at: at,
      processed_at: addMs(at, 900),
      outcome: 'attributed',
      version: told.version,
      created_at: at,
      updated_at: addMs(at, 900),
    }),
  );
  return { number, contactId, externalId, email, lead: { told, id } };
}

export function storeAttribution(
  year: Year,
  journey: Journey,
  factId: string,
  at: Instant,
  attribution: ReturnType<typeof chooseTouch>,
): void {
  year.rows.add('attributions', {
    id: year.chance.newId('attribution', at),
    referral_id: journey.id,
    cause_type: factId.startsWith('sal') ? 'sale' : 'lead',
    cause_id: factId,
    referrer_choice: journey.program.terms.referrerChoice,
    affiliate_id: attribution.affiliateId,
    code: attribution.code,
    candidates: attribution.candidates,
    created_at: at,
  });
}

function storeDecision(
  year: Year,
  journey: Journey,
  at: Instant,
  of: { readonly id: string; readonly verb: string; readonly actor: Actor; readonly reasonCode: string },
): void {
  const asked = addMs(at, -250);
  year.rows.add('decisions', {
    id: of.id,
    mode: 'live',
    verb: of.verb,
    object_type: 'referrals',
    object_id: journey.id,
    workflow_id: workflowIds.referral({ workspaceId: year.workspaceId, referralId: journey.id }),
    actor_type: of.actor.type,
    actor_id: of.actor.id,
    actor_user_id: of.actor.userId,
    reason_code: of.reasonCode,
    note: null,
    public_reason: of.verb === 'reject' ? 'This enquiry does not meet the terms of the program.' : null,
    params: {},
    via: 'api',
    stepped_up: false,
    state: 'done',
    processed_at: at,
    created_at: asked,
  });
  const told = untold('decision', of.id);
  told.status = 'open';
  year.rows.tell(told, {
    at,
    event: 'done',
    to: 'done',
    actor: of.actor,
    cause: { type: 'decision', id: of.id },
    reasonCode: of.reasonCode,
    changes: { verb: of.verb, objectId: journey.id, via: 'api' },
  });
}
