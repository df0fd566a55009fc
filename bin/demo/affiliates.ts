import type { Actor } from '../../domain/act.js';
import type { AffiliateStatus } from '../../domain/affiliate/affiliate.js';
import type { EnrolmentStatus } from '../../domain/affiliate/enrolment.js';
import { InvariantError } from '../../domain/errors.js';
import type { AffiliateId, ContactId, LinkId, PayoutMethodId } from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';
import {
  detailsPurpose,
  fingerprintPurpose,
  judgeDetails,
  type PayoutMethodStatus,
  type PayoutMethodType,
} from '../../domain/payout/payoutMethod.js';
import { addMs, type Instant } from '../../domain/time.js';
import { emailKey } from '../../domain/tracking/contactKey.js';
import type { LinkStatus } from '../../domain/tracking/link.js';
import { affiliateNames, campaigns, countries, siteKinds } from './cast.js';
import { type Told, untold } from './rows.js';
import type { DemoProgram } from './setUp.js';
import { dayMs, hourMs, minuteMs, payoutDays, soon, system, type Year } from './year.js';

export interface DemoLink {
  readonly id: LinkId;
  readonly slug: string;
  readonly program: DemoProgram;
  readonly told: Told<LinkStatus>;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | null;
}

export interface DemoMethod {
  readonly id: PayoutMethodId;
  readonly type: PayoutMethodType;
  readonly currency: CurrencyCode;
  readonly masked: string;
  readonly fingerprint: string;
  readonly told: Told<PayoutMethodStatus>;
  readonly createdAt: Instant;
  readonly verifiedAt: Instant | null;
}

export interface DemoAffiliate {
  readonly id: AffiliateId;
  readonly contactId: ContactId;
  readonly name: string;
  readonly email: string;
  readonly told: Told<AffiliateStatus>;
  readonly joinedAt: Instant;
  /** How often this one's links are followed, against the others. */
  readonly weight: number;
  readonly recruiter: DemoAffiliate | null;
  readonly enrolments: readonly { readonly program: DemoProgram; readonly told: Told<EnrolmentStatus> }[];
  readonly links: readonly DemoLink[];
  readonly methods: readonly DemoMethod[];
}

/** Seals what is to be kept secret, as the API does (`platform/secrets.ts`). */
export interface Sealing {
  seal(purpose: string, text: string): string;
  sign(purpose: string, text: string): string;
}

/** Those whose payments go wrong, each in its own way, when the recent items pay them through the simulated gateway. */
export const troubled = ['refuse', 'lost_request', 'returned'] as const;
const firstTroubled = 38;
const pendingFrom = 41;
/** This one's bank takes half a minute: a run is seen on its way. */
const slowToArrive = 10;
/** Two who share one PayPal account, which a run's preview marks as odd. */
const sharedPayPal = [3, 9];
const declinedAt = 45;
const suspendedAt = 46;
const terminatedAt = 47;

/** The 48 affiliates with everything that belongs to them. What happens to them during the year is entered in the agenda. */
export function castAffiliates(year: Year, sealing: Sealing): readonly DemoAffiliate[] {
  const all: DemoAffiliate[] = [];
  for (const [index, name] of affiliateNames.entries()) all.push(castOne(year, sealing, index, name, all));
  return all;
}

function joinedAtOf(year: Year, index: number): Instant {
  if (index >= pendingFrom && index < declinedAt) return soon(year.chance, addMs(year.until, -9 * dayMs), 0, 8 * dayMs);
  const isEarly = index < 12 || index >= firstTroubled;
  const spreadDays = isEarly ? 20 : 300;
  return soon(year.chance, addMs(year.startsAt, dayMs), 0, spreadDays * dayMs);
}

function castOne(
  year: Year,
  sealing: Sealing,
  index: number,
  name: string,
  before: readonly DemoAffiliate[],
): DemoAffiliate {
  const { chance, rows, ground } = year;
  const manager = ground.staff.manager;
  const joinedAt = joinedAtOf(year, index);
  const first = name.split(' ')[0]?.toLowerCase() ?? '';
  const last = (name.split(' ').at(-1) ?? '').toLowerCase();
  const email = index === 0 ? 'ana@demo.test' : `${first}.${last}@demo.test`;
  const id = chance.newId('affiliate', joinedAt);
  const contactId = chance.newId('contact', joinedAt);
  const recruiter = index >= 5 && index < 22 ? (before[index % 3] ?? null) : null;
  const told = untold<AffiliateStatus>('affiliate', id);
  const contact = untold('contact', contactId);
  const maker = visitor(index);
  rows.tell(contact, { at: joinedAt, event: 'created', actor: maker });
  rows.tell(told, {
    at: joinedAt,
    event: maker.type === 'visitor' ? 'applied' : 'created', // as intake says it (AFF-23): a timeline tells who came by themselves
    to: 'pending',
    actor: maker,
    changes: { contactId, kind: 'external', recruiterId: recruiter?.id ?? null, groupId: null },
  });
  const decidedAt = soon(chance, joinedAt, hourMs, 20 * hourMs);
  let reason: string | null = null;
  const decide = (at: Instant, event: string, to: AffiliateStatus, why: string | null): void => {
    rows.tell(told, { at, event, to, actor: manager, ...(why === null ? {} : { changes: { statusReason: 'given' } }) });
    reason = why;
  };
  if (index === declinedAt) decide(decidedAt, 'declined', 'declined', 'The site sells nothing that fits.');
  else if (index < pendingFrom || index > declinedAt) decide(decidedAt, 'approved', 'approved', null);
  const isIn = index < pendingFrom || index > declinedAt;
  if (index === suspendedAt)
    year.agenda.enter(addMs(year.until, -20 * dayMs), (at) =>
      decide(at, 'suspended', 'suspended', 'Bids on our own name; we are talking.'),
    );
  if (index === terminatedAt)
    year.agenda.enter(addMs(year.until, -60 * dayMs), (at) =>
      decide(at, 'terminated', 'terminated', 'Asked to leave the program.'),
    );

  const enrolments = programsOf(ground.programs, index).map((program) => {
    const enrolment = untold<EnrolmentStatus>('enrolment', chance.newId('enrolment', joinedAt));
    rows.tell(enrolment, {
      at: joinedAt,
      event: 'enrolled',
      to: isIn ? 'active' : 'pending',
      actor: visitor(index),
      changes: { affiliateId: id, programId: program.id },
    });
    return { program, told: enrolment };
  });
  const links = isIn ? enrolments.flatMap(({ program }) => makeLinks(year, program, id, first, last, decidedAt)) : [];
  const methods = isIn ? makeMethods(year, sealing, id, name, index, decidedAt) : [];
  const site = `https://${first}-${chance.pick(siteKinds)}.test/`;
  const country = chance.pick(countries);
  year.atTheEnd.push(() => {
    const updatedAt = joinedAt;
    rows.add('contacts', {
      id: contactId,
      name,
      email,
      email_key: emailKey(email),
      company: null,
      country,
      version: contact.version,
      created_at: joinedAt,
      updated_at: updatedAt,
    });
    rows.add('affiliates', {
      id,
      contact_id: contactId,
      name,
      email,
      email_verified_at: addMs(joinedAt, 5 * minuteMs),
      website: site,
      country,
      language: 'en',
      kind: 'external',
      status: told.status,
      status_reason: reason,
      recruiter_id: recruiter?.id ?? null,
      manager_id: index % 4 === 1 ? manager.userId : null,
      tags: index % 6 === 0 ? ['top'] : [],
      approved_money: told.status === 'terminated' ? 'pay' : null,
      version: told.version,
      created_at: joinedAt,
      updated_at: updatedAt,
    });
    for (const { program, told: enrolment } of enrolments)
      rows.add('enrolments', {
        id: enrolment.id,
        affiliate_id: id,
        program_id: program.id,
        status: enrolment.status,
        joined_at: joinedAt,
        version: enrolment.version,
        created_at: joinedAt,
        updated_at: joinedAt,
      });
  });
  // The busiest first, then ever quieter: a few bring most of it, as everywhere. Who left brings nothing.
  const isTroubled = index >= firstTroubled && index < pendingFrom;
  const weight = index === terminatedAt ? 0.02 : isTroubled ? 0.16 : isIn ? 1 / (index + 2) ** 0.75 : 0;
  return { id, contactId, name, email, told, joinedAt, weight, recruiter, enrolments, links, methods };
}

/** People apply by themselves, but for a few whom staff brought in. */
function visitor(index: number): Actor {
  return index % 7 === 3 ? system : { type: 'visitor', id: null, userId: null };
}

function programsOf(programs: readonly DemoProgram[], index: number): readonly DemoProgram[] {
  if (index === 0) return programs.slice(0, 1);
  if (index >= firstTroubled && index < pendingFrom) return programs.slice(0, 1);
  if (index > declinedAt) return programs.slice(2, 3);
  const wanted = [index % 3, ...(index % 4 === 0 ? [(index + 1) % 3] : [])];
  return programs.filter((_, place) => wanted.includes(place));
}

function makeLinks(
  year: Year,
  program: DemoProgram,
  affiliateId: AffiliateId,
  first: string,
  last: string,
  at: Instant,
): readonly DemoLink[] {
  const { chance, rows, ground } = year;
  const base = `${first}-${last}-${program.plan.slug.split('-')[0] ?? ''}`;
  const kinds = chance.is(0.35) ? [base, `${base}-${chance.pick(['blog', 'mail', 'video'])}`] : [base];
  return kinds.map((slug, place) => {
    const id = chance.newId('link', addMs(at, place * minuteMs));
    const createdAt = addMs(at, place * 9 * dayMs);
    // Some end within days, some have ended: both have to be seen.
    const expiresAt =
      place === 0 || !chance.is(0.3)
        ? null
        : chance.is(0.5)
          ? addMs(year.until, 3 * dayMs)
          : addMs(year.until, -12 * dayMs);
    const told = untold<LinkStatus>('link', id);
    const destination = place === 0 ? program.landingUrl : `${program.landingUrl}&from=${slug}`;
    rows.tell(told, {
      at: createdAt,
      event: 'created',
      to: 'active',
      actor: ground.staff.manager,
      changes: { affiliateId, programId: program.id, slug, destinationUrl: destination },
    });
    if (expiresAt !== null)
      year.agenda.enter(expiresAt, (over) =>
        rows.tell(told, { at: over, event: 'expired', to: 'expired', actor: system }),
      );
    year.atTheEnd.push(() =>
      rows.add('links', {
        id,
        affiliate_id: affiliateId,
        program_id: program.id,
        kind: 'standard',
        slug,
        destination_url: destination,
        destination_type: 'landing',
        status: told.status,
        expires_at: expiresAt,
        campaign: place === 0 ? null : chance.pick(campaigns),
        is_default: place === 0,
        version: told.version,
        created_at: createdAt,
        updated_at: createdAt,
      }),
    );
    return { id, slug, program, told, createdAt, expiresAt };
  });
}

function makeMethods(
  year: Year,
  sealing: Sealing,
  affiliateId: AffiliateId,
  name: string,
  index: number,
  joinedAt: Instant,
): readonly DemoMethod[] {
  const { ground } = year;
  const trouble = troubled[index - firstTroubled];
  if (trouble === undefined && index % 11 === 7) return []; // nobody told us how to pay them
  const currencies = [...new Set(programsOf(ground.programs, index).map((program) => program.currency))];
  return currencies.flatMap((currency) => {
    const of = { affiliateId, currency };
    if (trouble !== undefined)
      // Only since yesterday: the runs of the year left them out and said why.
      return [makeSimulated(year, sealing, { ...of, account: trouble, at: addMs(year.until, -dayMs) })];
    const isVerified = index % 13 !== 6;
    const place =
      index % 2 === 0
        ? ({ type: 'bank', details: { holder: name, iban: ibanOf(index) } } as const)
        : ({ type: 'paypal', details: { email: `pay${sharedPayPal.includes(index) ? 3 : index}@demo.test` } } as const);
    const first = makeMethod(year, sealing, { ...of, ...place, at: addMs(joinedAt, dayMs), isVerified });
    if (!isVerified || index % 4 === 0 || sharedPayPal.includes(index) || index > declinedAt) return [first];
    const movedAt = movesToGatewayAt(year);
    year.agenda.enter(movedAt, (at) =>
      year.rows.tell(first.told, { at, event: 'removed', to: 'removed', actor: ground.staff.preparer }),
    );
    const account = index === slowToArrive ? 'slow' : 'ok';
    return [first, makeSimulated(year, sealing, { ...of, account, at: addMs(movedAt, minuteMs) })];
  });
}

/**
 * When most of them move to the simulated gateway: paid by hand all year, they are paid within seconds by a run that is executed today. Behind the
 * year's last run, which still paid by hand; long enough ago, where the month allows, not to count as changed of late.
 */
function movesToGatewayAt(year: Year): Instant {
  const lastRun = payoutDays(year).at(-1);
  const wanted = addMs(year.until, -10 * dayMs);
  if (lastRun === undefined) return wanted;
  const runIsOver = addMs(lastRun, 26 * hourMs);
  return wanted > runIsOver ? wanted : runIsOver;
}

function makeSimulated(
  year: Year,
  sealing: Sealing,
  of: {
    readonly affiliateId: AffiliateId;
    readonly currency: CurrencyCode;
    readonly account: string;
    readonly at: Instant;
  },
): DemoMethod {
  const { affiliateId, currency, account, at } = of;
  return makeMethod(year, sealing, {
    affiliateId,
    currency,
    type: 'sandbox',
    details: { account },
    at,
    isVerified: true,
  });
}

function makeMethod(
  year: Year,
  sealing: Sealing,
  of: {
    readonly affiliateId: AffiliateId;
    readonly currency: CurrencyCode;
    readonly type: PayoutMethodType;
    readonly details: Readonly<Record<string, string>>;
    readonly at: Instant;
    readonly isVerified: boolean;
  },
): DemoMethod {
  const { chance, rows, ground } = year;
  const judged = judgeDetails(of.type, of.details);
  if (!judged.ok) throw new InvariantError('the demo data pays to valid places', { type: of.type });
  const id = chance.newId('payoutMethod', of.at);
  const told = untold<PayoutMethodStatus>('payout_method', id);
  const [maker, checker] = [ground.staff.preparer, ground.staff.approver];
  rows.tell(told, {
    at: of.at,
    event: 'created',
    to: 'unverified',
    actor: maker,
    changes: { affiliateId: of.affiliateId, type: of.type, currency: of.currency },
  });
  const verifiedAt = of.isVerified ? soon(chance, of.at, hourMs, 6 * hourMs) : null;
  if (verifiedAt !== null) rows.tell(told, { at: verifiedAt, event: 'verified', to: 'active', actor: checker });
  const fingerprint = sealing.sign(fingerprintPurpose, judged.identity);
  const sealed = sealing.seal(detailsPurpose, JSON.stringify(judged.details));
  year.atTheEnd.push(() =>
    rows.add('payout_methods', {
      id,
      affiliate_id: of.affiliateId,
      type: of.type,
      currency: of.currency,
      details: { sealed },
      masked: judged.masked,
      fingerprint,
      status: told.status,
      created_by: maker.userId,
      verified_by: verifiedAt === null ? null : checker.userId,
      verified_at: verifiedAt,
      active_at: verifiedAt,
      version: told.version,
      created_at: of.at,
      updated_at: verifiedAt ?? of.at,
    }),
  );
  return {
    id,
    type: of.type,
    currency: of.currency,
    masked: judged.masked,
    fingerprint,
    told,
    createdAt: of.at,
    verifiedAt,
  };
}

/** A German account number that nobody has, with the check digits that make it one (ISO 13616). */
function ibanOf(index: number): string {
  const account = `9999000000000${String(10_000 + index)}`;
  // Digit by digit, because the whole is longer than a number holds; 1314 is DE, 00 where the check digits go.
  let rest = 0;
  for (const digit of `${account}131400`) rest = (rest * 10 + Number(digit)) % 97;
  return `DE${String(98 - rest).padStart(2, '0')}${account}`;
}
