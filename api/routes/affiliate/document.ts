import { createHash } from 'node:crypto';
import { z } from 'zod';
import { getSettings } from '../../../db/access/settings.js';
import { listUserNames } from '../../../db/access/userName.js';
import { findAffiliate, lockAffiliate } from '../../../db/affiliate/affiliate.js';
import { findDocument, insertDocument, moveDocument, readDocumentBytes } from '../../../db/affiliate/document.js';
import { listLastDecisions } from '../../../db/audit/directDecision.js';
import { recordSensitiveRead } from '../../../db/audit/sensitiveRead.js';
import { insertEmailsOnce } from '../../../db/messaging/email.js';
import { insertNoticesOnce } from '../../../db/messaging/notice.js';
import { getApplicationForm } from '../../../db/program/applicationForm.js';
import { findProgram } from '../../../db/program/program.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { type DocumentView, listAskedDocuments, listDocuments } from '../../../db/reads/affiliate/documentList.js';
import { requireReferral } from '../../../db/reads/earning/referralList.js';
import { readWorkspaceZone } from '../../../db/reads/payout/payoutStep.js';
import { inWorkspace, type ReadTx, type Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import type { Affiliate } from '../../../domain/affiliate/affiliate.js';
import {
  type AffiliateDocument,
  decideDocument,
  documentActions,
  documentText,
} from '../../../domain/affiliate/document.js';
import { dateIn } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import type { LocalDate } from '../../../domain/time.js';
import { answer, fileAnswer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { affiliateParams } from '../../schemas/affiliate/affiliate.js';
import {
  affiliateDocumentList,
  documentList,
  documentParams,
  documentQuery,
  type DocumentReply,
  documentUpload,
  type DocumentUpload,
  documentWire,
  ownDocumentList,
  ownDocumentWire,
  presentAsked,
  presentDocument,
  presentOwnDocument,
} from '../../schemas/affiliate/document.js';
import { referralParams } from '../../schemas/earning/referral.js';
import { decisionBody, negativeDecisionBody, reasonOf } from '../../schemas/wire.js';
import { decideHere, fieldRefusal } from '../program/directDecision.js';
import { approveWhenComplete } from './apply.js';
import { documentEndings, judgedDocument } from './documentFile.js';
import { portalRefusals, portalWriteRefusals, requireOwn } from './ownRecord.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'caller'>;

const newest = (reply: { readonly createdAt: AffiliateDocument['createdAt']; readonly id: string }) => ({
  value: reply.createdAt,
  id: reply.id,
});

async function presentAll(
  ctx: Asking,
  tx: ReadTx | Tx,
  views: readonly DocumentView[],
): Promise<readonly DocumentReply[]> {
  const names = await listUserNames(
    tx,
    views.flatMap(({ document }) => document.uploadedBy.id ?? []),
  );
  const decisions = await listLastDecisions(
    tx,
    views.map(({ document }) => document.id),
  );
  const mayDecide = ctx.can('check.write');
  return views.map(({ document, affiliateName }) =>
    presentDocument(document, { affiliateName, names, decision: decisions.get(document.id) ?? null, mayDecide }),
  );
}

async function presentOne(
  ctx: Asking,
  tx: Tx,
  document: AffiliateDocument,
  affiliate: Affiliate,
): Promise<DocumentReply> {
  const [reply] = await presentAll(ctx, tx, [{ document, affiliateName: affiliate.name }]);
  if (reply === undefined) throw new DomainError('resource.not_found');
  return reply;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/documents',
  summary: 'Documents of all affiliates; status=waiting are those that wait for a verdict',
  permission: 'affiliate.read',
  query: documentQuery,
  reply: documentList,
  refuses: [],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const { status, type, q } = ctx.query;
      const views = await listDocuments(tx, ctx.scope, { status, type, q }, page);
      return ctx.list(await presentAll(ctx, tx, views), page, (reply) => reply, newest);
    });
  },
});

const ofAffiliate = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId/documents',
  summary: 'What the programs of an affiliate ask to see, and what it has sent',
  permission: 'affiliate.read',
  params: affiliateParams,
  query: documentQuery,
  reply: affiliateDocumentList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const { id } = await requireAffiliateInScope(tx, await findAffiliate(tx, ctx.params.affiliateId), ctx.scope);
      const { status, type, q } = ctx.query;
      const views = await listDocuments(tx, ctx.scope, { affiliateId: id, status, type, q }, page);
      const shown = ctx.list(await presentAll(ctx, tx, views), page, (reply) => reply, newest);
      return { ...shown, asked: presentAsked(await listAskedDocuments(tx, id)) };
    });
  },
});

/**
 * What stands behind a referral: of the papers of its affiliate, those that its program asks to see (screens.md 4). An affiliate's own key
 * reads its papers without what staff say to each other of them.
 */
const ofReferral = defineRoute({
  method: 'GET',
  path: '/v1/referrals/:referralId/documents',
  summary: 'The proofs behind a referral: what its affiliate sent of the documents its program asks for',
  permission: 'referral.read',
  params: referralParams,
  query: documentQuery,
  reply: documentList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const { affiliateId, programId } = await requireReferral(tx, ctx, ctx.params.referralId);
      const program = await findProgram(tx, programId);
      const asked = program === undefined ? [] : (await getApplicationForm(tx, program)).documents;
      const wanted = asked.map((one) => one.type);
      const { status, type, q } = ctx.query;
      const of = {
        affiliateId,
        status,
        type: type === undefined ? wanted : wanted.filter((one) => type.includes(one)),
        q,
      };
      // A referral nobody is credited with has nobody to prove anything.
      const views = affiliateId === null ? [] : await listDocuments(tx, ctx.scope, { ...of, affiliateId }, page);
      const isOwn = ctx.scope.kind === 'affiliate';
      const papers = (await presentAll(ctx, tx, views)).map((reply) =>
        isOwn
          ? { ...reply, decision: null, uploadedBy: { ...reply.uploadedBy, id: null, name: null }, allowedActions: [] }
          : reply,
      );
      return ctx.list(papers, page, (reply) => reply, newest);
    });
  },
});

/**
 * Keeps what was sent, if a program of the affiliate asks for it. The affiliate is locked by the caller, the file was judged before the
 * transaction. Refuses with `request.validation_failed` (a type nobody asks for, a day that is missing or gone).
 */
export async function takeInDocument(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  given: {
    readonly body: Pick<DocumentUpload, 'type' | 'expiresOn'> & { readonly fileName: string };
    readonly file: { readonly contentType: string; readonly bytes: Buffer };
  },
): Promise<AffiliateDocument> {
  const { type, expiresOn, fileName } = given.body;
  const asked = (await listAskedDocuments(tx, affiliate.id)).find((one) => one.type === type);
  if (asked === undefined) throw fieldRefusal('type', 'not_in_list', 'No program of the affiliate asks for this.');
  checkExpiry(expiresOn, asked.expires, dateIn(await readWorkspaceZone(tx), act.now));
  return insertDocument(tx, act, {
    id: act.newId('document'),
    affiliateId: affiliate.id,
    type,
    label: asked.label,
    fileName,
    contentType: given.file.contentType,
    expiresOn: expiresOn ?? null,
    sha256: createHash('sha256').update(given.file.bytes).digest(),
    bytes: given.file.bytes,
  });
}

function checkExpiry(expiresOn: LocalDate | undefined, isNeeded: boolean, today: LocalDate): void {
  if (expiresOn === undefined) {
    if (isNeeded) throw fieldRefusal('expiresOn', 'required', 'Until when does it hold?');
    return;
  }
  if (expiresOn < today) throw fieldRefusal('expiresOn', 'out_of_range', 'It has expired already.');
}

const uploadRefusals = ['upload.file_rejected', 'request.body_too_large', 'request.unsupported_media_type'] as const;

const upload = defineRoute({
  method: 'POST',
  path: '/v1/affiliates/:affiliateId/documents',
  summary: 'Send a document for an affiliate: PDF, PNG, JPEG or WebP, to 10 MiB',
  permission: 'affiliate.write',
  params: affiliateParams,
  upload: true,
  body: documentUpload,
  reply: documentWire,
  status: 201,
  refuses: ['resource.not_found', 'access.not_in_scope', 'affiliate.transition_not_allowed', ...uploadRefusals],
  async handle(ctx) {
    // Before the transaction: unpacking a large picture takes longer than a connection should be held.
    const file = await judgedDocument(ctx.body.file.bytes);
    return ctx.write(async (tx, act) => {
      const found = await lockAffiliate(tx, ctx.params.affiliateId);
      const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
      if (affiliate.status === 'terminated' || affiliate.status === 'declined')
        throw new DomainError('affiliate.transition_not_allowed', {
          currentStatus: affiliate.status,
          allowedActions: [],
        });
      const body = { ...ctx.body, fileName: ctx.body.file.name };
      const document = await takeInDocument(tx, act, affiliate, { body, file });
      return answer(await presentOne(ctx, tx, document, affiliate), {
        location: `/v1/documents/${document.id}/content`,
      });
    });
  },
});

const contentWire = z.string().openapi({ type: 'string', format: 'binary' });

/** As a file to keep, under a name of our own: never shown in the page, whatever a browser would take it for. */
function fileOf(document: AffiliateDocument, bytes: Buffer) {
  return fileAnswer(bytes, {
    contentType: document.contentType,
    fileName: `${document.id}.${documentEndings[document.contentType] ?? 'bin'}`,
  });
}

const content = defineRoute({
  method: 'GET',
  path: '/v1/documents/:documentId/content',
  summary: 'The file; that it was opened stands in the audit trail',
  permission: 'affiliate.read',
  params: documentParams,
  reply: contentWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx, deps) {
    const { document, bytes } = await ctx.read(async (tx) => {
      const found = await findDocument(tx, ctx.params.documentId);
      if (found === undefined) throw new DomainError('resource.not_found');
      await requireAffiliateInScope(tx, await findAffiliate(tx, found.affiliateId), ctx.scope);
      const file = await readDocumentBytes(tx, found.id);
      if (file === undefined) throw new DomainError('resource.not_found');
      return { document: found, bytes: file };
    });
    // Each look leaves a line, before the first byte goes out (AUD-12).
    await inWorkspace(deps.db, ctx.workspaceId, (tx, now) =>
      recordSensitiveRead(tx, ctx.act(now), {
        objectType: 'affiliate_document_content',
        objectId: `${document.id}/content`,
        event: 'read',
        changes: { documentId: document.id, affiliateId: document.affiliateId },
      }),
    );
    return fileOf(document, bytes);
  },
});

/**
 * The affiliate hears of the verdict in its portal and by mail (PRT-14), in its language. A switch turns the mail off; the entry remains
 * (SET-07).
 */
async function tell(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  document: AffiliateDocument,
  event: 'accepted' | 'refused',
): Promise<void> {
  const text = {
    onceKey: `document/${document.id}/${event}`,
    kind: `document_${event}`,
    ...documentText(affiliate.language, { ...document, event }),
  };
  await insertNoticesOnce(tx, act, [{ ...text, to: { affiliateId: affiliate.id }, link: '/documents' }]);
  const { settings } = await getSettings(tx);
  if (settings.notifications[`document.${event}`] === false) return;
  await insertEmailsOnce(tx, act, [{ ...text, recipient: affiliate.email }], 2);
}

function verdictRoute(verb: 'accept' | 'refuse', event: 'accepted' | 'refused'): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/documents/:documentId/${verb}`,
    permission: 'check.write',
    params: documentParams,
    body: verb === 'accept' ? decisionBody : negativeDecisionBody,
    reply: documentWire,
    refuses: ['resource.not_found', 'access.not_in_scope', 'document.already_decided'],
    handle: (ctx, { config }) =>
      ctx.write(
        async (tx, act) => {
          const named = await findDocument(tx, ctx.params.documentId);
          const owner = named === undefined ? undefined : await lockAffiliate(tx, named.affiliateId);
          const affiliate = await requireAffiliateInScope(tx, owner, ctx.scope);
          // Read again under the lock: another verdict may have come between.
          const document = await findDocument(tx, ctx.params.documentId);
          if (document === undefined) throw new DomainError('resource.not_found');
          const reason = reasonOf(ctx.body);
          const effect = await decideHere(ctx, tx, act, {
            verb,
            objectType: 'affiliate_document',
            objectId: document.id,
            decided: decideDocument(document, event),
            allowedActions: documentActions(document.status),
            reason,
          });
          const decided = await moveDocument(
            tx,
            effect,
            document,
            event,
            event === 'refused' ? reason.publicReason : null,
          );
          await tell(tx, effect, affiliate, decided, event);
          if (event === 'accepted' && affiliate.status === 'pending')
            await approveWhenComplete(tx, effect, config, affiliate);
          return presentOne(ctx, tx, decided, affiliate);
        },
        { wake: true },
      ),
  });
}

const own = defineRoute({
  method: 'GET',
  path: '/v1/me/documents',
  summary: 'What the own programs ask to see, and what was sent',
  permission: 'me.read',
  query: documentQuery,
  reply: ownDocumentList,
  refuses: portalRefusals,
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) => {
      const { affiliate } = await requireOwn(tx, ctx, now);
      const { status, type, q } = ctx.query;
      const views = await listDocuments(tx, ctx.scope, { affiliateId: affiliate.id, status, type, q }, page);
      const shown = ctx.list(
        views.map(({ document }) => document),
        page,
        presentOwnDocument,
        newest,
      );
      return { ...shown, asked: presentAsked(await listAskedDocuments(tx, affiliate.id)) };
    });
  },
});

const ownUpload = defineRoute({
  method: 'POST',
  path: '/v1/me/documents',
  summary: 'Send a document: PDF, PNG, JPEG or WebP, to 10 MiB',
  permission: 'me.write',
  upload: true,
  body: documentUpload,
  reply: ownDocumentWire,
  status: 201,
  refuses: [...portalWriteRefusals, ...uploadRefusals],
  async handle(ctx) {
    const file = await judgedDocument(ctx.body.file.bytes);
    return ctx.write(async (tx, act) => {
      const { affiliate: seen } = await requireOwn(tx, ctx, act.now, 'write');
      const affiliate = (await lockAffiliate(tx, seen.id)) ?? seen;
      const body = { ...ctx.body, fileName: ctx.body.file.name };
      const document = await takeInDocument(tx, act, affiliate, { body, file });
      return answer(presentOwnDocument(document), { location: `/v1/me/documents/${document.id}/content` });
    });
  },
});

const ownContent = defineRoute({
  method: 'GET',
  path: '/v1/me/documents/:documentId/content',
  summary: 'An own document as it was sent',
  permission: 'me.read',
  params: documentParams,
  reply: contentWire,
  refuses: ['resource.not_found', 'access.read_only_session', ...portalRefusals],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      // Staff read it in the console, by the right to it and with an entry of the history (AUD-10).
      if (ctx.caller.viewing !== null)
        throw new DomainError('access.read_only_session', {
          detail: 'Staff read an affiliate’s documents in the console.',
        });
      const { affiliate } = await requireOwn(tx, ctx, now);
      const document = await findDocument(tx, ctx.params.documentId);
      const bytes = document?.affiliateId === affiliate.id ? await readDocumentBytes(tx, document.id) : undefined;
      if (document === undefined || bytes === undefined) throw new DomainError('resource.not_found');
      return fileOf(document, bytes);
    }),
});

/** Supporting documents (AFF-24, api.md 7.1). */
export const documentRoutes: readonly Route[] = [
  list,
  ofAffiliate,
  ofReferral,
  upload,
  content,
  verdictRoute('accept', 'accepted'),
  verdictRoute('refuse', 'refused'),
  own,
  ownUpload,
  ownContent,
];
