import { activateEnrolments, enrol, ensurePortalUser, welcome } from '../../../activities/affiliate/onboard.js';
import type { Context } from 'koa';
import { getSettings } from '../../../db/access/settings.js';
import { getWorkspace } from '../../../db/access/workspace.js';
import { mailOneTimeLink } from '../../../db/access/inviteMail.js';
import { insertApplication } from '../../../db/affiliate/application.js';
import {
  findAffiliate,
  findAffiliateByEmail,
  insertAffiliate,
  lockAffiliate,
  moveAffiliate,
  updateAffiliate,
} from '../../../db/affiliate/affiliate.js';
import { findDefaultGroup } from '../../../db/affiliate/group.js';
import { insertEmail } from '../../../db/messaging/email.js';
import { findCurrentAgreement, recordAcceptance } from '../../../db/program/agreement.js';
import { getApplicationForm } from '../../../db/program/applicationForm.js';
import { findProgram } from '../../../db/program/program.js';
import { viewAffiliate } from '../../../db/reads/affiliate/affiliateList.js';
import { findOrInsertContact } from '../../../db/tracking/contact.js';
import { raiseFlag } from '../../../db/tracking/riskFlag.js';
import type { Tx } from '../../../db/transaction.js';
import { type Act, actFor, systemActor } from '../../../domain/act.js';
import { type Affiliate, decideAffiliateMove, firstStatus } from '../../../domain/affiliate/affiliate.js';
import { openForEnrolment } from '../../../domain/affiliate/enrolment.js';
import { type ApplicationForm, type Answer, judgeAnswers } from '../../../domain/affiliate/application.js';
import { DomainError } from '../../../domain/errors.js';
import type { AffiliateId, AgreementId, ProgramId, WorkspaceId } from '../../../domain/ids.js';
import { addMs, type Instant } from '../../../domain/time.js';
import type { Config } from '../../../platform/config.js';
import { hashToken, randomToken } from '../../../platform/secrets.js';
import { type FieldError, invalid } from '../../problems.js';
import type { RequestState } from '../../requestContext.js';
import type { ApiDeps } from '../../deps.js';
import type { ApplyBody } from '../../schemas/affiliate/application.js';
import { judgedWebsite } from './affiliate.js';
import { mailStatus, statusLifeMs } from './application.js';

/** Whoever fills in a public page, before anybody knows who they are. */
export function visitorAct(koa: Context, deps: ApiDeps, workspaceId: WorkspaceId, now: Instant): Act {
  return {
    workspaceId,
    mode: 'live',
    now,
    actor: { type: 'visitor', id: null, userId: null },
    cause: null,
    reasonCode: null,
    origin: null,
    requestId: (koa.state as RequestState).requestId,
    newId: deps.newId,
  };
}

/**
 * One application: affiliate, enrolment with its link, answers, acceptance of the terms, and the mail with the status page. An address that
 * an affiliate has makes nothing new: the mail tells its owner (AFF-28). Refuses with `request.validation_failed`, `link.url_not_allowed`,
 * `program.program_not_active`.
 */
export async function takeInApplication(
  tx: Tx,
  act: Act,
  config: Config,
  given: { readonly programId: ProgramId; readonly body: ApplyBody; readonly recruiterId: AffiliateId | null },
): Promise<void> {
  const { body } = given;
  const program = await findProgram(tx, given.programId);
  if (program === undefined) throw new DomainError('resource.not_found');
  if (program.status !== 'active' || program.enrolment !== 'open')
    throw new DomainError('program.program_not_active', { currentStatus: program.status });
  const form = await getApplicationForm(tx, program);
  const terms = await findCurrentAgreement(tx, program.id, 'terms', act.now);
  const answers = judged(form, body, terms);
  const website = judgedWebsite(body.website, config) ?? null;
  const known = await findAffiliateByEmail(tx, body.email);
  if (known !== undefined) return tellKnown(tx, act, config, known);

  const { settings } = await getSettings(tx);
  const agreementId = terms !== undefined && body.acceptTerms === true ? terms.id : null;
  const status = firstStatus(
    settings.affiliates.defaultStatus,
    openForEnrolment({
      programName: program.name,
      requirements: program.requirements,
      madeByStaff: false,
      emailVerified: false,
      mustAcceptTerms: terms?.mustAccept === true,
      termsAccepted: agreementId !== null,
      documentKinds: form.documents,
      documents: [],
    }),
  );
  const details = {
    name: body.name,
    email: body.email,
    phone: null,
    company: body.company ?? null,
    country: body.country ?? null,
  };
  const contact = await findOrInsertContact(tx, act, { id: act.newId('contact'), ...details });
  const wished = given.recruiterId === null ? undefined : await findAffiliate(tx, given.recruiterId);
  // Nobody recruits a second record of their own (FRD-08): the form says nothing of it, staff see the finding.
  const isOwnSecond = wished?.contactId === contact.id;
  const recruiterId = isOwnSecond ? null : given.recruiterId;
  const affiliate = await insertAffiliate(
    tx,
    act,
    {
      ...details,
      id: act.newId('affiliate'),
      contactId: contact.id,
      emailVerifiedAt: null,
      website,
      language: form.language,
      timeZone: null,
      kind: 'external',
      status,
      groupId: (await findDefaultGroup(tx))?.id ?? null,
      rank: null,
      recruiterId,
      managerId: null,
      leadAgentId: null,
      tags: [],
      notes: null,
      minimumPayout: [],
      subIdAccess: true,
      metadata: {},
    },
    'applied',
  );
  await enrol(tx, act, affiliate, program, {
    status: status === 'approved' ? 'active' : 'pending',
    publicUrl: config.http.publicUrl,
  });
  if (isOwnSecond)
    await raiseFlag(tx, actFor(act, { actor: systemActor, cause: null }), {
      referralId: null,
      affiliateId: affiliate.id,
      code: 'chain_abuse',
      evidence: { affiliateId: affiliate.id, recruiterId: given.recruiterId, kinds: ['contact'], blocked: true },
    });
  const token = randomToken();
  await insertApplication(tx, act, {
    id: act.newId('application'),
    affiliateId: affiliate.id,
    programId: program.id,
    answers,
    recruiterId,
    agreementId,
    tokenHash: hashToken(token),
    tokenEndsAt: addMs(act.now, statusLifeMs),
  });
  if (agreementId !== null) await accept(tx, act, affiliate, agreementId);
  if (status === 'approved') return welcome(tx, act, affiliate, settings, config.http.publicUrl);
  await mailStatus(tx, act, config, affiliate, {
    token,
    kind: 'application_received',
    subject: 'Your application',
    lead: 'we have received your application. Please confirm your address on this page; there you also see how it stands:',
  });
}

async function accept(tx: Tx, act: Act, affiliate: Affiliate, agreementId: AgreementId): Promise<void> {
  await recordAcceptance(tx, act, {
    agreementId,
    affiliateId: affiliate.id,
    via: 'application',
    acceptedAt: act.now,
    seq: affiliate.version + 1,
  });
}

/** Everything that is wrong at once: details the form asks for or does not know, answers, terms. */
function judged(
  form: ApplicationForm,
  body: ApplyBody,
  terms: { readonly id: AgreementId; readonly mustAccept: boolean } | undefined,
): readonly Answer[] {
  const errors: FieldError[] = [];
  for (const field of ['company', 'website', 'country'] as const) {
    const value = body[field];
    if (form[field] === 'required' && (value === undefined || value === null || value === ''))
      errors.push({ pointer: `#/${field}`, code: 'required', detail: 'This field is required.' });
    if (form[field] === 'hidden' && value !== undefined && value !== null)
      errors.push({ pointer: `#/${field}`, code: 'not_allowed_here', detail: 'The form does not ask for this.' });
  }
  const given = Object.fromEntries(Object.entries(body.answers ?? {}).map(([name, value]) => [name, String(value)]));
  const { answers, problems } = judgeAnswers(form.questions, given);
  for (const { name, code } of problems)
    errors.push({ pointer: `#/answers/${name}`, code, detail: 'The answer does not fit its question.' });
  if (terms?.mustAccept === true) {
    if (body.acceptTerms !== true)
      errors.push({ pointer: '#/acceptTerms', code: 'required', detail: 'The terms must be accepted.' });
    // Accepted is what was shown: a version that was published meanwhile has not been read yet.
    else if (body.agreementId !== terms.id)
      errors.push({ pointer: '#/agreementId', code: 'not_found', detail: 'These are not the current terms.' });
  }
  if (errors.length > 0) throw invalid(...errors);
  return answers;
}

/** The owner of a known address is told; whoever typed it learns nothing. */
async function tellKnown(tx: Tx, act: Act, config: Config, affiliate: Affiliate): Promise<void> {
  const { settings } = await getSettings(tx);
  const workspaceName = (await getWorkspace(tx)).name;
  if (affiliate.status === 'approved' && settings.affiliates.portalEnabled) {
    const user = await ensurePortalUser(tx, act, affiliate);
    await mailOneTimeLink(tx, act, act.newId, {
      kind: 'sign_in',
      to: user.email,
      loginId: user.loginId,
      userId: user.id,
      workspaceName,
      publicUrl: config.http.publicUrl,
    });
    return;
  }
  await insertEmail(tx, act, {
    kind: 'application_known',
    recipient: affiliate.email,
    subject: `Your application (${workspaceName})`,
    body: [
      `Hello ${affiliate.name},`,
      'somebody applied with your address. We have an application or an account of yours already, so nothing was changed. If you have lost our mail, please answer this one.',
    ].join('\n\n'),
    links: [],
  });
}

/**
 * The applicant shows that the address is theirs. Where new affiliates are approved by default and nothing else is open, this approves, but
 * never somebody with a risk flag (AFF-06, AFF-23, screens.md 3.6). A repeat changes nothing.
 */
export async function confirmAddress(tx: Tx, act: Act, config: Config, affiliateId: AffiliateId): Promise<void> {
  const affiliate = await lockAffiliate(tx, affiliateId);
  if (affiliate === undefined || affiliate.emailVerifiedAt !== null) return;
  await approveWhenComplete(tx, act, config, await updateAffiliate(tx, act, affiliate, { emailVerifiedAt: act.now }));
}

/**
 * Where new affiliates are approved by default, nothing is open any more and no risk flag stands: live at once (AFF-06). The affiliate is
 * locked by the caller.
 */
export async function approveWhenComplete(tx: Tx, act: Act, config: Config, affiliate: Affiliate): Promise<void> {
  const { settings } = await getSettings(tx);
  const view = await viewAffiliate(tx, affiliate);
  if (settings.affiliates.defaultStatus !== 'approved' || view.riskFlags.length > 0) return;
  const decided = decideAffiliateMove(affiliate, 'approved', view.openRequirements);
  if (decided.kind !== 'accepted') return;
  const system: Act = { ...act, actor: { type: 'system', id: null, userId: null } };
  const approved = await moveAffiliate(tx, system, affiliate, 'approved', { statusReason: null });
  await activateEnrolments(tx, system, approved);
  await welcome(tx, system, approved, settings, config.http.publicUrl);
}
