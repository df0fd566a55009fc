import { ensureLogin } from '../../db/access/workspace.js';
import { insertOneTimeToken, voidOneTimeTokens } from '../../db/access/oneTimeToken.js';
import { insertUser, lockUser, updateUser, type User } from '../../db/access/user.js';
import { listDocumentFacts } from '../../db/affiliate/document.js';
import { insertEnrolment, listEnrolments, moveEnrolment } from '../../db/affiliate/enrolment.js';
import { getApplicationForm } from '../../db/program/applicationForm.js';
import { insertEmail } from '../../db/messaging/email.js';
import { findCurrentAgreement } from '../../db/program/agreement.js';
import { findProgram } from '../../db/program/program.js';
import { readLinkOrigin } from '../../db/reads/tracking/linkOrigin.js';
import { insertLink, listLinksOf, moveLink } from '../../db/tracking/link.js';
import type { ReadTx, Tx } from '../../db/transaction.js';
import type { Settings } from '../../domain/access/settings.js';
import type { Act } from '../../domain/act.js';
import type { Affiliate } from '../../domain/affiliate/affiliate.js';
import { type Enrolment, openForEnrolment } from '../../domain/affiliate/enrolment.js';
import type { OpenRequirement } from '../../domain/affiliate/requirement.js';
import { DomainError } from '../../domain/errors.js';
import type { AffiliateId, LinkId, ProgramId } from '../../domain/ids.js';
import type { Program } from '../../domain/program/program.js';
import { linkAddress, linkStatusAt, slugOf } from '../../domain/tracking/link.js';

// What becoming an affiliate brings with it: enrolments, a link for each, mails, a portal login.

/** The programs of a body, which must exist and take affiliates. Refuses with `program.program_not_active`. */
export async function findOpenProgram(tx: ReadTx | Tx, programId: ProgramId): Promise<Program | undefined> {
  const program = await findProgram(tx, programId);
  if (program?.status === 'closed')
    throw new DomainError('program.program_not_active', { programId, currentStatus: program.status });
  return program;
}

/** What the program asks of somebody whom staff enrol now; who is an affiliate already may have sent its documents for another program. */
export async function openAtEnrolment(
  tx: ReadTx | Tx,
  act: Pick<Act, 'now'>,
  program: Program,
  affiliateId?: AffiliateId,
): Promise<readonly OpenRequirement[]> {
  const terms = await findCurrentAgreement(tx, program.id, 'terms', act.now);
  return openForEnrolment({
    programName: program.name,
    requirements: program.requirements,
    madeByStaff: true,
    emailVerified: false,
    mustAcceptTerms: terms?.mustAccept === true,
    termsAccepted: false,
    documentKinds: (await getApplicationForm(tx, program)).documents,
    documents: affiliateId === undefined ? [] : await listDocumentFacts(tx, affiliateId),
  });
}

/** Enrols the affiliate, with a default link where it has none in that program (AFF-12). The affiliate is locked or new. */
export async function enrol(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  program: Program,
  options: { readonly status: 'pending' | 'active'; readonly publicUrl: string },
): Promise<Enrolment> {
  const enrolment = await insertEnrolment(tx, act, {
    id: act.newId('enrolment'),
    affiliateId: affiliate.id,
    programId: program.id,
    status: options.status,
  });
  const links = await listLinksOf(tx, affiliate.id);
  const own = links.find((link) => link.programId === program.id && link.isDefault && link.status !== 'archived');
  if (own === undefined) await insertDefaultLink(tx, act, affiliate, program, options.publicUrl);
  return enrolment;
}

async function insertDefaultLink(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  program: Program,
  publicUrl: string,
): Promise<void> {
  const id: LinkId = act.newId('link');
  const [host] = program.destinationHosts;
  await insertLink(tx, act, {
    id,
    affiliateId: affiliate.id,
    programId: program.id,
    kind: 'standard',
    // The end of an id is random: no slug is asked for that another workspace may have.
    slug: `${slugOf(affiliate.name, 30) ?? 'link'}-${id.slice(-6)}`,
    destinationUrl:
      program.landingUrl ??
      program.fallbackUrl ??
      (host === undefined ? `${publicUrl}/x/${program.slug}` : `https://${host}/`),
    destinationType: 'landing',
    expiresAt: null,
    campaign: null,
    ad: null,
    isDefault: true,
    metadata: {},
  });
}

/** After an approval: what waited for it becomes active. A program that closed meanwhile ends the enrolment. */
export async function activateEnrolments(tx: Tx, act: Act, affiliate: Affiliate): Promise<void> {
  for (const enrolment of await listEnrolments(tx, affiliate.id)) {
    if (enrolment.status !== 'pending') continue;
    const program = await findProgram(tx, enrolment.programId);
    await moveEnrolment(tx, act, enrolment, program?.status === 'closed' ? 'ended' : 'activated');
  }
}

/** After a refusal or the end: every enrolment ends, every link leads to the fallback page (features.md 2.1, AFF-04, AFF-09). */
export async function endEnrolments(tx: Tx, act: Act, affiliate: Affiliate): Promise<void> {
  for (const enrolment of await listEnrolments(tx, affiliate.id))
    if (enrolment.status !== 'ended') await moveEnrolment(tx, act, enrolment, 'ended');
  for (const link of await listLinksOf(tx, affiliate.id))
    if (link.status === 'active') await moveLink(tx, act, link, 'disabled');
}

/** A declined application is looked at again: enrolled anew where it had applied, its default links work again once it is approved. */
export async function enrolAnew(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  options: { readonly publicUrl: string },
): Promise<void> {
  const programIds = new Set((await listEnrolments(tx, affiliate.id)).map((enrolment) => enrolment.programId));
  for (const programId of programIds) {
    const program = await findProgram(tx, programId);
    if (program !== undefined && program.status !== 'closed')
      await enrol(tx, act, affiliate, program, { status: 'pending', publicUrl: options.publicUrl });
  }
  for (const link of await listLinksOf(tx, affiliate.id))
    if (link.isDefault && link.status === 'disabled' && linkStatusAt(link, act.now) === 'disabled')
      await moveLink(tx, act, link, 'enabled');
}

/** The mail of an approval: the working links, the guidelines, and a way into the portal (AFF-13, AFF-29). */
export async function welcome(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  settings: Settings,
  publicUrl: string,
): Promise<void> {
  const signIn = settings.affiliates.portalEnabled ? await invitePortalUser(tx, act, affiliate, publicUrl) : undefined;
  if (settings.notifications['affiliate.approved'] === false) return;
  await mailLinks(tx, act, affiliate, publicUrl, signIn);
}

/** The links and guidelines by mail; `signIn` is a way into the portal, where there is one to give. */
export async function mailLinks(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  publicUrl: string,
  signIn?: string,
): Promise<void> {
  const links = (await listLinksOf(tx, affiliate.id)).filter((link) => link.status === 'active');
  const origin = await readLinkOrigin(tx, publicUrl);
  const addresses = links.map((link) => linkAddress(link, origin));
  const guidelines: string[] = [];
  for (const programId of new Set(links.map((link) => link.programId))) {
    const agreement = await findCurrentAgreement(tx, programId, 'guidelines', act.now);
    if (agreement !== undefined) guidelines.push(`${agreement.title}\n\n${agreement.text}`);
  }
  const paragraphs = [
    `Hello ${affiliate.name},`,
    'you are approved.',
    ...(addresses.length === 0 ? [] : [`Your links:\n${addresses.join('\n')}`]),
    ...(signIn === undefined ? [] : [`Sign in to the portal (the link works once, for 24 hours):\n${signIn}`]),
    ...guidelines,
  ];
  await insertEmail(tx, act, {
    kind: 'affiliate_approved',
    recipient: affiliate.email,
    subject: 'You are approved',
    body: paragraphs.join('\n\n'),
    links: [...addresses, ...(signIn === undefined ? [] : [signIn])],
  });
}

/** The mail of a refusal: it says what the affiliate may read, and nothing else (AFF-04). */
export async function tellDeclined(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  settings: Settings,
  publicReason: string | null,
): Promise<void> {
  if (settings.notifications['affiliate.declined'] === false) return;
  await insertEmail(tx, act, {
    kind: 'affiliate_declined',
    recipient: affiliate.email,
    subject: 'Your application',
    body: [
      `Hello ${affiliate.name},`,
      'your application was not accepted.',
      ...(publicReason === null ? [] : [publicReason]),
    ].join('\n\n'),
    links: [],
  });
}

/** A sign-in link for an affiliate that is in the portal for the first time, or again. None where it has a login that works. */
async function invitePortalUser(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  publicUrl: string,
): Promise<string | undefined> {
  const existing = await findPortalUser(tx, affiliate);
  if (existing !== undefined && existing.status !== 'disabled') return undefined;
  const user = await ensurePortalUser(tx, act, affiliate);
  await voidOneTimeTokens(tx, user.loginId, 'invite');
  const token = await insertOneTimeToken(tx, act.newId, act.now, {
    kind: 'invite',
    loginId: user.loginId,
    workspaceId: act.workspaceId,
    userId: user.id,
  });
  return `${publicUrl}/welcome/${token}`;
}

async function findPortalUser(tx: Tx, affiliate: Affiliate): Promise<User | undefined> {
  const row = await tx('users')
    .where({ affiliate_id: affiliate.id, audience: 'affiliate' })
    // Its own address before the others it let in.
    .orderByRaw('lower(email) = lower(?) desc, created_at', [affiliate.email])
    .first<{ id: string } | undefined>('id');
  return row === undefined ? undefined : lockUser(tx, row.id);
}

/** The affiliate's own person in the portal, made when there is none, let in again when it was shut out. */
export async function ensurePortalUser(tx: Tx, act: Act, affiliate: Affiliate): Promise<User> {
  const existing = await findPortalUser(tx, affiliate);
  if (existing?.status === 'disabled')
    return updateUser(tx, act, existing, 'invited', {
      status: 'invited',
      rights: ['view', 'manage'],
    });
  if (existing !== undefined) return existing;
  return insertUser(tx, act, {
    id: act.newId('user'),
    loginId: await ensureLogin(tx, act.newId, affiliate.email),
    audience: 'affiliate',
    name: affiliate.name,
    email: affiliate.email,
    roleIds: [],
    rights: ['view', 'manage'],
    affiliateId: affiliate.id,
    status: 'invited',
  });
}
